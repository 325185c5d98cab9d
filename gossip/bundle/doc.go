// Package bundle carries ops in files: from one node to another that has no network in common with it,
// or that gets so much that a disk is faster.
//
// A bundle is a stream of frames as package wire writes them, between a head and an end:
//
//	"quipu bundle 1\n"
//	head     log, genesis, who made it and when
//	vectors  the frontier since which it was made, in parts, round 0
//	vectors  the frontier up to which it leads, in parts, round 1
//	ops      runs, author by author, each after those that it follows; packed when that is shorter
//	end      how many ops and entries, and the SHA-256 of all before it
//
// [Create] writes one, [Apply] brings one into a log, [Inspect] says what is in one and needs no log,
// and [ReadHead] reads the frontiers alone. All of them stream: memory grows with the number of
// authors, not of entries.
//
// Nothing in a bundle is trusted. What it carries goes through the same checks as what a peer sends:
// every op is verified, placed and decided on by the log, so a bundle can be applied twice, bundles in
// any order, and one that was made for somebody else. The head is not signed: who made it is a hint for
// people. The hash in the end finds damage, not forgery.
//
//	a bundle cut off or damaged:   head ─ ops ─ ops ─ ✗✗ ─ ops ─ ✗ (no end)
//	                                      └─────┴──────────┴─ applied
//
// What was whole is applied all the same; what is missing then is named as lacks: by author, from which
// seq on, against the frontier that the head promised. A lack is also what is left when a bundle begins
// where the log does not reach yet: apply the one that comes before it, then this one again.
//
// The package opens no files; it reads and writes streams. [Source] and [Target] are what it needs of a
// log; *eventlog.Log is both.
package bundle
