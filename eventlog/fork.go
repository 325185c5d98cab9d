package eventlog

import "github.com/quipulog/quipu/crdt"

// fewEntries is how many entries of a branch are named at its beginning and at its end.
const fewEntries = 3

// maxForkProof bounds the headers that a fork's proof is kept with, on each side. A longer one was
// verified all the same: it is made again by [Log.ForkProofs].
const maxForkProof = 64

// ForkedFeed is what is held of an author who contradicts itself: who signed two ops after one.
//
//	a ─ b ─ c ─┬─ d ─ e        a fork after c with two branches; what stands
//	           └─ x ─┬─ y      from d and x on is disputed. The branch x parts
//	                 └─ z      again: a second fork, after x
type ForkedFeed struct {
	Author crdt.Author
	// Heads is how many ends the feed has: the branches that its frontier shows.
	Heads int
	// Since is the lowest seq of a disputed entry, and Entries how many are disputed, those of all
	// branches together.
	Since, Entries uint64
	// Forks are in order of where their first branches begin: the same on every node that holds the same.
	Forks []Fork
	// Shut says why no more of the author is taken here; empty while it is.
	Shut ShutReason
	// Own says that it is our own feed, and OwnEnd where our own writing ended; zero when nothing was
	// written here.
	Own    bool
	OwnEnd crdt.Head
}

// Fork is where a feed parts.
type Fork struct {
	// Prev is the op that the branches name. It is zero where they begin the feed, and where they parted
	// below what is held, which Below says: then each branch names another op, if any.
	Prev  crdt.Head
	Below bool
	// Branches are in order of (first, op id); each fork has one at least, and those of [ForkedFeed] are
	// in the order of their first branches.
	Branches []ForkBranch
	// Proved says that a proof of the fork was made and verified. Proof is that of the first two
	// branches; its sides are empty when there is none, or one of more than 64 headers.
	Proved bool
	Proof  crdt.ForkProof
}

// ForkBranch is a chain from a fork to its head, or to the next fork.
type ForkBranch struct {
	// First and Last are the headers of its first and last op.
	First, Last crdt.Signed
	// Parts says that the author forked again after Last.
	Parts bool
	// Ops and Entries are what it holds.
	Ops, Entries uint64
	// Own says that our own writing ended on it.
	Own bool
	// Begin and End are the places of its first and last entries, at most three of each; no place is in
	// both.
	Begin, End []crdt.Place
}

// add takes in the next op of the branch.
func (b *ForkBranch) add(op crdt.Signed) {
	if b.Ops == 0 {
		b.First = op
	}
	b.Last = op
	b.Ops++
	b.Entries += op.Count
	place := crdt.Place{Author: op.Author, Seq: op.First, Branch: op.ID.Branch()}
	for ; place.Seq < op.Next() && len(b.Begin) < fewEntries; place.Seq++ {
		b.Begin = append(b.Begin, place)
	}
	if op.Count > fewEntries {
		place.Seq = max(place.Seq, op.Next()-fewEntries)
	}
	for ; place.Seq < op.Next(); place.Seq++ {
		b.End = append(b.End, place)
	}
	if extra := len(b.End) - fewEntries; extra > 0 {
		b.End = append(b.End[:0], b.End[extra:]...)
	}
}
