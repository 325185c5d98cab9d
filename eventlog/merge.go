package eventlog

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/heap"
)

// opened is an op that was copied out of the file, so that it outlives the transaction.
type opened struct {
	op       crdt.Op
	offset   uint64 // of its first entry
	disputed bool
	// from and to bound the seqs that were not merged yet: from ≤ seq < to.
	from, to uint64
	// entries are the op's entries, decoded at once when the op is merged with others.
	entries []crdt.Entry
}

// excerpt is a stretch of consecutive entries of one op: from ≤ seq < to. Readings are made of excerpts, and of
// the holes between them.
type excerpt struct {
	op       *opened
	from, to uint64
	hole     *hole // in the place of all that
}

// whole reports whether x is all of its op, so that no other excerpt is of that.
func (x *excerpt) whole() bool {
	return x.hole == nil && x.from == x.op.op.First && x.to == x.op.op.Next()
}

// merger puts the entries of one author's ops in the order (seq, op id). On a feed without forks one
// op is open at a time and becomes one excerpt; where branches overlap, one op of each is open:
//
//	seq      4   5   6   7   8   9
//	op a     ├───────────┤
//	op b         ├───────────────┤         excerpts: a 4, a 5, b 5, a 6, b 6, b 7…8
//	op c                     ├───┤         once c is open: b 7, b 8, c 8, …
//
// An op may be merged only as far as no op that is not open yet could come between: that limit is
// the caller's to know.
type merger struct {
	reverse bool
	open    heap.Heap[*opened]
}

func newMerger(reverse bool) merger {
	m := merger{reverse: reverse}
	m.open.Less = func(a, b *opened) bool { return a.compare(b) < 0 }
	if reverse {
		m.open.Less = func(a, b *opened) bool { return a.compareLast(b) > 0 }
	}
	return m
}

// compare compares the first entries of o and b that were not merged yet.
func (o *opened) compare(b *opened) int {
	return cmp.Or(cmp.Compare(o.from, b.from), bytes.Compare(o.op.ID[:], b.op.ID[:]))
}

// compareLast compares the last entries of o and b that were not merged yet.
func (o *opened) compareLast(b *opened) int {
	return cmp.Or(cmp.Compare(o.to, b.to), bytes.Compare(o.op.ID[:], b.op.ID[:]))
}

// add opens an op.
func (m *merger) add(op *opened) { m.open.Push(op) }

// mergeBelow appends to excerpts what stands below seq limit, in order.
func (m *merger) mergeBelow(limit uint64, excerpts []excerpt) []excerpt {
	for m.open.Len() > 0 && m.open.Top().from < limit {
		op := m.open.Pop()
		to := min(op.to, limit)
		if m.open.Len() > 0 {
			other := m.open.Top()
			upTo := other.from
			if bytes.Compare(op.op.ID[:], other.op.ID[:]) < 0 {
				upTo++ // of one seq, op's entry comes first
			}
			to = min(to, upTo)
		}
		excerpts = append(excerpts, excerpt{op: op, from: op.from, to: to})
		if op.from = to; op.from < op.to {
			m.open.Push(op)
		}
	}
	return excerpts
}

// mergeAbove appends to excerpts what stands at or above seq limit, in reverse order.
func (m *merger) mergeAbove(limit uint64, excerpts []excerpt) []excerpt {
	for m.open.Len() > 0 && m.open.Top().to > limit {
		op := m.open.Pop()
		from := max(op.from, limit)
		if m.open.Len() > 0 {
			other := m.open.Top()
			downTo := other.to
			if bytes.Compare(op.op.ID[:], other.op.ID[:]) > 0 {
				downTo-- // of one seq, op's entry comes first
			}
			from = max(from, downTo)
		}
		excerpts = append(excerpts, excerpt{op: op, from: from, to: op.to})
		if op.to = from; op.from < op.to {
			m.open.Push(op)
		}
	}
	return excerpts
}

// mergeAll appends to excerpts all that is open, in order.
func (m *merger) mergeAll(excerpts []excerpt) []excerpt {
	if m.reverse {
		return m.mergeAbove(0, excerpts)
	}
	return m.mergeBelow(math.MaxUint64, excerpts)
}

// unpacker reads the entries of excerpts into one place, one after the other.
type unpacker struct {
	e       Entry
	reader  crdt.EntryReader
	entries []crdt.Entry // of an op that is read last to first
}

// each calls yield, once u.e is the next entry of x in order, until it returns false; it reports whether it did not.
// Without its body, the op is one entry that stands for all of x. A body that cannot be read is an error.
func (u *unpacker) each(x *excerpt, reverse bool, yield func() bool) (bool, error) {
	op := &x.op.op
	switch {
	case op.Trimmed():
		u.e.Entry = crdt.Entry{
			Author: op.Author, Seq: x.from, Op: op.ID, Clock: op.Clock,
			Event: crdt.Event{Retention: op.Retention}, Gone: x.to - x.from,
		}
		x.op.complete(&u.e)
		return yield(), nil
	case x.whole() && (!reverse || op.Count == 1):
		for u.reader.Open(op); u.reader.Next(&u.e.Entry); {
			if x.op.complete(&u.e); !yield() {
				return false, nil
			}
		}
		return true, x.op.damaged(u.reader.Err())
	}
	entries, err := u.decode(x)
	if err != nil {
		return false, x.op.damaged(err)
	}
	for i := range x.to - x.from {
		seq := x.from + i
		if reverse {
			seq = x.to - 1 - i
		}
		u.e.Entry = entries[seq-op.First]
		if x.op.complete(&u.e); !yield() {
			return false, nil
		}
	}
	return true, nil
}

// decode returns all entries of the op of x. Where there are more excerpts of that it keeps them with it.
func (u *unpacker) decode(x *excerpt) ([]crdt.Entry, error) {
	op, room := x.op, &u.entries
	if op.entries != nil {
		return op.entries, nil
	}
	if !x.whole() {
		room = &op.entries
	}
	entries := slices.Grow((*room)[:0], int(op.op.Count))[:op.op.Count]
	u.reader.Open(&op.op)
	for i := range entries {
		u.reader.Next(&entries[i])
	}
	*room = entries
	return entries, u.reader.Err()
}

// complete says of an entry what the op does not know.
func (o *opened) complete(e *Entry) {
	e.Offset, e.Disputed = o.offset+e.Seq-o.op.First, o.disputed
}

// damaged returns what it means that the op cannot be read; nil of nil.
func (o *opened) damaged(err error) error {
	if err == nil {
		return nil
	}
	return damagedOp(o.op.Author, o.op.Key(), err)
}
