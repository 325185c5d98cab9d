package feedcheck

import (
	"maps"
	"slices"

	"github.com/quipulog/quipu/crdt"
)

// Reading tells a reading of a feed that an op is missing. Of a feed that has not forked the next op shows it. Ops of
// branches stand beside each other: of those it keeps the heads that were not met yet, and the ops that the next one may
// name, a few for each branch.
type Reading struct {
	// Reached is where the next op must begin, unless the feed is forked.
	Reached uint64

	low, upto uint64
	heads     map[crdt.Head]bool // that were not met yet; nil unless the feed was forked when the reading began
	ends      map[crdt.Head]bool // of what was met in order of key
}

// manyEnds is from how many ends on those are forgotten that nothing still to come can name.
const manyEnds = 256

// NewReading returns that of feed f from seq low on; that entries from upto on are missing does not matter.
func NewReading(f crdt.Feed, low, upto uint64) *Reading {
	r := &Reading{Reached: low, low: low, upto: upto}
	if len(f.Branches) < 2 {
		return r
	}
	r.heads, r.ends = make(map[crdt.Head]bool), make(map[crdt.Head]bool)
	for _, b := range f.Branches {
		if b.Head.Next > low && b.Head.Next <= upto {
			r.heads[b.Head] = true
		}
	}
	return r
}

// Met takes note of an op that was read.
func (r *Reading) Met(op *crdt.Signed) { delete(r.heads, op.Head()) }

// Next is Met for a reading in order of key. It returns an entry that is missing before the op, and whether one is: what the
// op names was not met, though it stands above low, and not before a branch of f, the feed as it is now, that hangs in
// nothing held.
func (r *Reading) Next(f crdt.Feed, op *crdt.Signed) (missing uint64, lacks bool) {
	r.Met(op)
	if len(f.Branches) < 2 {
		missing, lacks = r.Reached, op.First > r.Reached
		r.Reached = op.Next()
		return missing, lacks
	}
	if r.ends == nil {
		return 0, false // it has forked since
	}
	if len(r.ends) > manyEnds {
		maps.DeleteFunc(r.ends, func(h crdt.Head, _ bool) bool { return h.Next < op.First })
	}
	r.ends[op.Head()] = true
	if op.First <= r.low || op.First > r.upto || r.ends[crdt.Head{Next: op.First, ID: op.Prev}] {
		return 0, false
	}
	b, begins := f.BranchFrom(op.Key())
	return op.First - 1, !begins || b.Rooted
}

// End returns the head of a branch that was not met in a whole reading, and whether there is one: f still has it, and the
// reading has no excuse for it.
func (r *Reading) End(f crdt.Feed, excuse func(crdt.Branch) bool) (head crdt.Head, lacks bool) {
	i := slices.IndexFunc(f.Branches, func(b crdt.Branch) bool { return r.heads[b.Head] && !excuse(b) })
	if i < 0 {
		return crdt.Head{}, false
	}
	return f.Branches[i].Head, true
}
