// Package gossip keeps one log equal among its members, without anybody in charge: each node tells the
// others what it has, asks for what it lacks, and goes on until the frontiers are equal.
//
// A [Gossip] is one node's part in it:
//
//	g, err := gossip.New(gossip.Config{Log: log, Key: key, Listen: ":7946", Join: []string{"10.0.0.1:7946"}, Secret: secret})
//	...
//	err = g.Run(ctx)      until ctx ends; then the peers are told and everything is closed
//
// Who there is, package membership says; every stream between two nodes is authenticated by package
// transport; what is said on it is in package wire. Here is what is between them: links, and what
// travels on them.
//
// Each pair of members has one link. Three things move ops over it, and each would do alone, only
// slower:
//
//	push            each node sends its own feed to each peer as it grows, from a cursor into its log
//	anti-entropy    now and then two compare the roots of their digests; if they differ, their
//	                frontiers; and each asks for what it lacks, one peer for one author at a time
//	adverts         heads that travel with the membership's packets: when what they name does not
//	                come, it is time to compare
//
// Convergence rests on anti-entropy alone. Nothing is announced before it is durable, since the log
// shows nothing else, and nothing is queued for a peer: what it is too slow to take is read from disk
// when it is ready.
//
//	link ─ reader ─┬─▶ applier ─▶ log ─▶ (changed) ─┐
//	               └─▶ loop ─▶ outbox ─▶ writer ◀───┘─▶ link
//
// One goroutine, the loop, owns all that is decided: which links stand, who is asked for what, who is
// avoided. It never waits; the readers and writers do. Runs are stored by one applier, whose bounded
// queue holds the readers up when the disk is slower than the peers.
//
// Three fates of an error are told apart. What a peer sends and may not is counted, logged once and
// ends that peer's link; what the network does is tried again with growing pauses; only the node's own
// log and port end [Gossip.Run]. A claim that a peer does not make good costs one ask.
//
// The package decides nothing about what is valid: the laws are in package crdt, and the log applies
// them. It does not retain, prune, or keep anything on disk itself.
package gossip
