// Package standing keeps what peers say themselves, each on its own link, of what they hold durably: where each of
// them stands with each feed. It judges nothing: whether a head that a peer names is of an op that there is, is for
// whoever asks, who has the ops.
//
// A copy of a frontier for each peer would take too much memory. What two nodes hold is most often the same, so of a
// [Process] only that is kept which tells it from this node: up to which arrival here it had everything when the two
// last compared (a [Mark]), the heads of the authors where it had other heads, and what it has said since.
//
//	arrivals here    ─────────────────────┤ mark ├──────── now
//	compared         all of it, but: b up to 7, c nothing
//	said since                              a up to 12, d up to 3
//
// A comparison replaces what was said before it: so a peer that has come back with less stands lower. Another process
// of a peer begins with nothing.
package standing
