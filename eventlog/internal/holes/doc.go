// Package holes knows what of a feed is held and cannot be read: where the holes are, and how an op that a peer has
// given back is put into one.
//
// A hole is a stretch of one chain whose ops cannot be read: spoiled in their places, or missing. What follows stays, and
// names what the hole lacks; so a hole is what a peer is asked for, a [crdt.Span].
//
//	a ─ b ─ ░ ─ ░ ─ e ─ f      e names the op that ends the hole: Head
//	        From    Upto
//
// A [feedcheck.Chain] finds the holes among ops that it is told of in order; a [Look] tells one the ops around a place.
// [Marks] are the holes that are known: of more than may be, some at a time, in turn ([Marks.Further]). [File.Restore] puts
// an op back.
package holes
