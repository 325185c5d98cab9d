package excerpt

import (
	"bytes"
	"cmp"

	"github.com/quipulog/quipu/crdt"
)

// Op is an op that was copied out of the file, so that it outlives the transaction.
type Op struct {
	crdt.Op
	Offset   uint64 // of its first entry
	Disputed bool
	// from and to bound the seqs that were not merged yet: from ≤ seq < to.
	from, to uint64
	// entries are the op's entries, decoded at once when the op is merged with others.
	entries []crdt.Entry
}

// Set makes o the given op, of which nothing was merged yet.
func (o *Op) Set(op crdt.Op, offset uint64) {
	*o = Op{Op: op, Offset: offset, from: op.First, to: op.Next()}
}

// compare compares the first entries of o and b that were not merged yet.
func (o *Op) compare(b *Op) int {
	return cmp.Or(cmp.Compare(o.from, b.from), bytes.Compare(o.ID[:], b.ID[:]))
}

// compareLast compares the last entries of o and b that were not merged yet.
func (o *Op) compareLast(b *Op) int {
	return cmp.Or(cmp.Compare(o.to, b.to), bytes.Compare(o.ID[:], b.ID[:]))
}

// Excerpt is a stretch of consecutive entries of one op: From ≤ seq < To. Readings are made of excerpts, and of
// the holes between them.
type Excerpt struct {
	Op       *Op
	From, To uint64
	Hole     *Hole // in the place of all that
}

// Whole reports whether x is all of its op, so that no other excerpt is of that.
func (x *Excerpt) Whole() bool {
	return x.Hole == nil && x.From == x.Op.First && x.To == x.Op.Next()
}

// Hole is a stretch of entries that are not here: their bodies are gone, or they are, or never came.
type Hole struct {
	Author crdt.Author // zero where the arrivals are gone too, so that nobody knows any more whose they were
	Seq    uint64      // of the first
	Count  uint64
	// From ≤ offset < To are the offsets that it takes up: those of entries that never came are none, which
	// lie before the entry at From. Of what was pruned along a feed they are not known.
	From, To uint64
	Pruned   bool
}

// Missed returns how many of the entries never came, where the hole is one in the arrivals.
func (h *Hole) Missed() uint64 { return h.Count - (h.To - h.From) }

// PrunedOffsets returns the hole of offsets from ≤ offset < to that have no arrival.
func PrunedOffsets(from, to uint64) Hole {
	return Hole{Count: to - from, From: from, To: to, Pruned: true}
}

// PrunedSeqs returns the hole of a feed's entries from ≤ seq < to. What of it never came lies before offset.
func PrunedSeqs(a crdt.Author, from, to, offset uint64) Hole {
	return Hole{Author: a, Seq: from, Count: to - from, From: offset, To: offset, Pruned: true}
}

// PrunedAt returns the hole from an entry of f on that was pruned, and whether it was.
func PrunedAt(f crdt.Feed, seq uint64) (h Hole, pruned bool) {
	if seq < f.First() {
		return PrunedSeqs(f.Author, seq, f.First(), 0), true
	}
	for _, m := range f.Missed() {
		if m.From <= seq && seq < m.To {
			return PrunedSeqs(f.Author, seq, m.To, 0), true
		}
	}
	return Hole{}, false
}
