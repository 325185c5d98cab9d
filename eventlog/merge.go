package eventlog

import (
	"bytes"
	"cmp"
	"fmt"
	"math"

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

func newOpened(op crdt.Op, offset uint64) *opened {
	return &opened{op: op, offset: offset, from: op.First, to: op.Next()}
}

// excerpt is a stretch of consecutive entries of one op: from ≤ seq < to. Readings are made of excerpts, and of
// the holes between them.
type excerpt struct {
	op       *opened
	from, to uint64
	hole     *hole // in the place of all that
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

// each calls yield with the entries of x in order, until it returns false; it reports whether it did
// not. Every entry is put into e. Without its body, the op is one entry that stands for all of x. A body
// that cannot be read is an error.
func (x excerpt) each(reverse bool, e *Entry, yield func() bool) (bool, error) {
	if x.op.op.Trimmed() {
		x.op.put(crdt.Entry{
			Author: x.op.op.Author, Seq: x.from, Op: x.op.op.ID, Clock: x.op.op.Clock,
			Event: crdt.Event{Retention: x.op.op.Retention}, Gone: x.to - x.from,
		}, e)
		return yield(), nil
	}
	if !reverse && x.from == x.op.op.First && x.to == x.op.op.Next() {
		// The common case decodes as it goes.
		for entry, err := range x.op.op.Entries() {
			if err != nil {
				return false, x.op.damaged(err)
			}
			x.op.put(entry, e)
			if !yield() {
				return false, nil
			}
		}
		return true, nil
	}
	if err := x.op.decode(); err != nil {
		return false, x.op.damaged(err)
	}
	for i := range x.to - x.from {
		seq := x.from + i
		if reverse {
			seq = x.to - 1 - i
		}
		x.op.put(x.op.entries[seq-x.op.op.First], e)
		if !yield() {
			return false, nil
		}
	}
	return true, nil
}

// decode reads the op's entries into memory, once.
func (o *opened) decode() error {
	if o.entries != nil {
		return nil
	}
	entries := make([]crdt.Entry, 0, o.op.Count)
	for e, err := range o.op.Entries() {
		if err != nil {
			return err
		}
		entries = append(entries, e)
	}
	if uint64(len(entries)) != o.op.Count {
		return fmt.Errorf("%d entries instead of %d", len(entries), o.op.Count)
	}
	o.entries = entries
	return nil
}

// put completes an entry with what an op does not know.
func (o *opened) put(entry crdt.Entry, e *Entry) {
	e.Entry, e.Offset = entry, o.offset+entry.Seq-o.op.First
	e.Disputed = o.disputed
}

func (o *opened) damaged(err error) error { return damagedOp(o.op.Author, o.op.Key(), err) }
