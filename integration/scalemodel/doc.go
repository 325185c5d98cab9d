// Package scalemodel answers what cannot be tried out: how a cluster of a thousand or ten thousand nodes
// behaves. It is a simulation by events of what package gossip does, in one goroutine, in which time
// passes only from event to event; a seed replays it.
//
//	          ┌──────────── a node ─────────────┐
//	writes ──▶│ store ─▶ plumtree ─▶ push, IHave │──▶ links with delay ──▶ other nodes
//	          │          overlay  ─▶ dial, end   │
//	          │ compare with each peer           │
//	          │ probe, suspect, gossip           │──▶ packets
//	          └──────────────────────────────────┘
//
// Real are the broadcast tree ([plumtree.Tree], one a node), the choice of links ([overlay.Choose]), and
// what a comparison costs, which is measured on digests and frames of the real size before the
// simulation begins. Modelled are the log (for each feed a node knows only how far it holds it; storing
// takes a fixed time, and what comes meanwhile is stored together), the links (a delay at random, in
// order, nothing lost), and the membership (the probes, suspicions and gossip of memberlist, with its
// intervals and the sizes of its messages, but not its code).
//
// [Run] tells one story and returns what it has measured: a cluster that settles, writes, rests, is cut
// in two and healed, and loses one node in a hundred.
//
// Bytes are those of frames with 22 more for each TLS record, and of packets; neither TCP nor IP is
// counted. Nothing here limits bandwidth or processors: it says how much is sent, and how long it takes
// as long as that fits.
package scalemodel
