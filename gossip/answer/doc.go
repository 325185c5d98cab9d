// Package answer makes what a node answers to its peers, from a log and nothing else.
//
//	Missing, Spans, Graft ─▶ Want ─▶ Queue ─▶ Ops … Ops, Done     one want after the other, run by run from disk
//	Offer, Probe ───────────────────────────▶ Same | Nodes, Vectors
//
// A [Queue] is the wants of one peer. Each message is made when the peer is ready for it, so a slow peer costs
// nothing but its wants, of which there are at most [MaxWants], and is told what is true by then. Comparisons
// are answered by [Offer] and [Probe] from a digest, without keeping anything.
//
// The package does not send, and does not say how large a run may be.
package answer
