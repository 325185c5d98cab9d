package excerpt

import (
	"bytes"
	"math"

	"github.com/quipulog/quipu/eventlog/internal/heap"
)

// Merger puts the entries of one author's ops in the order (seq, op id). On a feed without forks one
// op is open at a time and becomes one excerpt; where branches overlap, one op of each is open:
//
//	seq      4   5   6   7   8   9
//	op a     ├───────────┤
//	op b         ├───────────────┤         excerpts: a 4, a 5, b 5, a 6, b 6, b 7…8
//	op c                     ├───┤         once c is open: b 7, b 8, c 8, …
//
// An op may be merged only as far as no op that is not open yet could come between: that limit is
// the caller's to know.
type Merger struct {
	reverse bool
	open    heap.Heap[*Op]
}

// NewMerger returns a merger that has no op open, of a reading in that direction.
func NewMerger(reverse bool) Merger {
	m := Merger{reverse: reverse}
	m.open.Less = func(a, b *Op) bool { return a.compare(b) < 0 }
	if reverse {
		m.open.Less = func(a, b *Op) bool { return a.compareLast(b) > 0 }
	}
	return m
}

// Add opens an op.
func (m *Merger) Add(op *Op) { m.open.Push(op) }

// MergeBelow appends to excerpts what stands below seq limit, in order.
func (m *Merger) MergeBelow(limit uint64, excerpts []Excerpt) []Excerpt {
	for m.open.Len() > 0 && m.open.Top().from < limit {
		op := m.open.Pop()
		to := min(op.to, limit)
		if m.open.Len() > 0 {
			other := m.open.Top()
			upTo := other.from
			if bytes.Compare(op.ID[:], other.ID[:]) < 0 {
				upTo++ // of one seq, op's entry comes first
			}
			to = min(to, upTo)
		}
		excerpts = append(excerpts, Excerpt{Op: op, From: op.from, To: to})
		if op.from = to; op.from < op.to {
			m.open.Push(op)
		}
	}
	return excerpts
}

// MergeAbove appends to excerpts what stands at or above seq limit, in reverse order.
func (m *Merger) MergeAbove(limit uint64, excerpts []Excerpt) []Excerpt {
	for m.open.Len() > 0 && m.open.Top().to > limit {
		op := m.open.Pop()
		from := max(op.from, limit)
		if m.open.Len() > 0 {
			other := m.open.Top()
			downTo := other.to
			if bytes.Compare(op.ID[:], other.ID[:]) > 0 {
				downTo-- // of one seq, op's entry comes first
			}
			from = max(from, downTo)
		}
		excerpts = append(excerpts, Excerpt{Op: op, From: from, To: op.to})
		if op.to = from; op.from < op.to {
			m.open.Push(op)
		}
	}
	return excerpts
}

// MergeAll appends to excerpts all that is open, in order.
func (m *Merger) MergeAll(excerpts []Excerpt) []Excerpt {
	if m.reverse {
		return m.MergeAbove(0, excerpts)
	}
	return m.MergeBelow(math.MaxUint64, excerpts)
}
