// Package gossip keeps one log equal among its members, without anybody in charge: each node tells the
// others what it has, asks for what it lacks, and goes on until the frontiers are equal.
//
// A [Gossip] is one node's part in it:
//
//	g, err := gossip.New(gossip.Config{Log: log, Key: key, Listen: ":7946", Join: []string{"10.0.0.1:7946"}, Secret: secret})
//	...
//	err = g.Run(ctx)      until ctx ends; then the peers are told and everything is closed
//
// Who there is, package membership says, and where to look for others, package find; every stream between two nodes
// is authenticated by package transport; what is said on it is in package wire. Which members are linked, package
// overlay decides: all of them where they are few, a ring and a random few where they are many. What travels over the
// links is decided here, in three ways, each of which would do alone, only slower:
//
//	news            an op that was written here or pushed by a peer goes on at once, along a tree that
//	                package plumtree keeps: to eager links as it is, to lazy ones by name
//	comparison      now and then each node asks each peer how its digest differs, at a constant cost
//	                when it does not, and at the cost of what differs when it does
//	backfill        what is lacking is asked of the peers that have it, much of it of several at once, as
//	                package backfill plans it
//
// Adverts of heads travel with the membership's packets besides: when what they name does not come, it
// is time to compare. Convergence rests on comparisons alone. Nothing is announced before it is durable,
// since the log shows nothing else. News is kept once for all links, by package news; what a peer is too
// slow for, it asks for later, and it is read from disk.
//
//	our own feed ─ tap ─────────────────▶ news ────┐
//	                                       ▲       ▼
//	link ─ reader ─┬─ runs ─▶ applier ─▶ loop    writer ─▶ link
//	               ├─ what it has ────────▶│       ▲
//	               └─ what it asks ────────┴─▶ outbox
//
// Transient events, which nobody stores, go from their author to its links and one link further, see
// [Transients] and package transient. They are written when there is nothing else to write.
//
// One goroutine, the loop, owns all that is decided, in three parts: who is linked, whom to be linked with
// (neighbours), and who is eager and who is asked for what (spread). It never waits; the readers and writers do.
// Runs are stored by one applier, whose bounded queue holds the readers up when the disk is slower than the
// peers. What came before the ops that it names, package pending keeps for a while. What a peer asks, the
// writer has answered by package answer when the peer is ready for it.
//
// A node that cannot be reached, or will not be a member, dials with [Gossip.Exchange] instead; package
// bundle carries ops in files.
//
// Three fates of an error are told apart. What a peer sends and may not is counted, logged once and
// ends that peer's link; what the network does is tried again with growing pauses; only the node's own
// log and port end [Gossip.Run]. A claim that a peer does not make good costs one ask.
//
// The package decides nothing about what is valid: the laws are in package crdt, and the log applies
// them. It does not retain, prune, or keep anything on disk itself.
package gossip
