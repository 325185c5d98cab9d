// Package news keeps what has just come into a log, once for all links on which it is to be spread, in
// bounded memory.
//
//	our own feed ─▶ Tap ─┐                ┌─▶ Place of a link ─▶ runs to an eager peer, at once
//	                     ├─▶ Put   Ring ──┤
//	pushed by a peer ────┘                └─▶ Place of a link ─▶ heads to a lazy one, a little later
//
// A [Ring] holds the latest runs, a [Tap] puts those of this node's own feed into it, as they lie on disk. Each link
// has a [Place] in the ring, from which its writer takes what is for the peer: [Place.Next] is the next run to push,
// [Place.Announcement] the heads to announce, [Place.Waiting] says when to look again. Nobody waits for a link. One
// that was too slow announces the last heads of what it has missed, counts an overrun, and the peer asks for the ops.
//
// The package does not decide who is eager, send, or see to it that anything arrives.
package news
