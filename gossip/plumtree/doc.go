// Package plumtree is the broadcast tree of a node's links: Plumtree, from "Epidemic Broadcast Trees"
// by Leitão, Pereira and Rodrigues (SRDS 2007), under the names that the paper uses.
//
// A message is the head of a run: an author, and the end of its feed once the run is applied. New runs
// are pushed at once to the eager peers, and only named to the lazy ones:
//
//	           a run
//	             │
//	             ▼
//	 lazy ◀┄┄┄ node ───▶ eager           ───▶ the run itself
//	(IHave)      │                       ┄┄┄▶ its author and head, in batches
//	             ▼
//	           eager
//
// All links begin eager. A run that was had already came over a link that the tree does not need: the
// link becomes lazy on both sides, told by a Detach (PRUNE in the paper). What is left is a spanning
// tree, and each run reaches each node once. When a lazy peer names something that does not come over
// the tree in time, the tree is broken here: the node asks that peer for it with a Graft, which makes
// the link eager again. One tree serves all authors.
//
//	Algorithm 1   [Tree.Pushed], [Tree.Detached]                        spanning tree construction
//	Algorithm 2   [Tree.IHave], [Tree.Has], [Tree.Tick], [Tree.Grafted] spanning tree repair
//	Algorithm 3   [Tree.Up], [Tree.Down]                                overlay network change handlers
//	Algorithm 4   within Pushed                                         optimization by the number of hops
//
// A [Tree] is a state machine. It sends nothing, keeps no payload and reads no clock: it is told what
// came in and what time it is, and returns the [Action] values that are to be sent. Of the runs that
// go out it need not know; the caller asks [Tree.Eager] which peers to push to.
//
// Two things differ from the paper since feeds have no holes. A missing message has come as soon as
// its feed has grown to it, over whatever way; and a Graft asks for the whole of a feed that is not
// held, so that one answers for all the messages of that feed which the same peer has named.
//
// Others differ since many authors write at the same time, while the paper has one. Runs that are under
// way together must not each cut another link of one circle, nor may all nodes beyond a break mend it
// at once; so chance decides which link goes and who mends first, the last eager link stays, and what is
// missing is asked of a peer that is eager already where that can be.
//
// The tree makes things fast, never right: whatever it loses, anti-entropy finds.
package plumtree
