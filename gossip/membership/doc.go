// Package membership says which nodes there are. It runs hashicorp/memberlist (SWIM: Das, Gupta and
// Motivala, 2002, with Lifeguard's refinements) over one port of package transport, and keeps
// everything of memberlist's to itself.
//
// A [Membership] announces this node and learns of others: [Membership.Members] is the table,
// [Membership.Changed] tells when to look again. Its other cargo is hints:
//
//	packets          adverts: the heads of a few feeds that their sender holds
//	push and pull    the root of the sender's digest
//
// Entries never travel here. Packets are lost, doubled and overtaken, and nobody signs a hint: it
// says where looking may be worth while, and nothing else. [Membership.Hints] hands them over, the
// largest of each author only, so that no number of them takes more than a bounded table.
//
// What is signed is the announcement, by the author that it names:
//
//	Ed25519("quipu/member/v1\x00" ‖ log ‖ author ‖ address ‖ port ‖ counter ‖ name)
//
// so nobody can put another's address into the table. The counter, in milliseconds at the node's
// start, tells a newer announcement from an older one; a node whose clock was set back learns its
// old counter from its peers and goes above it. Suspicion, death and departure are not signed: any
// member can say them of any other, so no decision about data rests on them.
//
//	          packets, streams                   callbacks                signals
//	transport ────────────────▶ carrier ▶ memberlist ──────────▶ delegate ───────▶ the loop in gossip
//
// Memberlist is not made for peers that lie: bytes that a secret opens can kill it or fill its memory. So
// it gets no key and nothing but what has been opened and read to its end in the carrier, where every
// size is bounded first.
//
// Memberlist's callbacks run under its locks and must not wait: they copy, put into a table under a
// short lock of their own, and signal on a channel of one place. Two of them run in its loops between
// two ticks: those wait while nothing happens, so that members at rest probe seldom; see lull.
package membership
