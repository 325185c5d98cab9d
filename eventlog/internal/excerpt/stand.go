package excerpt

import (
	"bytes"
	"cmp"

	"github.com/quipulog/quipu/crdt"
)

// Stand is where an op stands in the orders by author and by clock, with nothing of its body.
type Stand struct {
	Clock  crdt.Clock // 0 in author order, where it does not count
	Author crdt.Author
	Key    crdt.Key
	// Count is how many entries it has, and Offset where they have arrived; 0 where nobody asks.
	Count, Offset uint64
}

// Compare is the order in which ops are opened: by what stands before their entries in the order, then by their first
// entry.
func (s *Stand) Compare(o *Stand) int { return cmp.Or(s.Group(o), s.Key.Compare(o.Key)) }

// CompareLast is that order from its end: by what stands before their entries, then by their last entry.
func (s *Stand) CompareLast(o *Stand) int {
	return cmp.Or(s.Group(o), cmp.Compare(s.Key.First+s.Count, o.Key.First+o.Count), bytes.Compare(s.Key.ID[:], o.Key.ID[:]))
}

// Group is zero for ops whose entries may stand among each other: those of one author and, in causal order, of one
// clock.
func (s *Stand) Group(o *Stand) int {
	return cmp.Or(cmp.Compare(s.Clock, o.Clock), bytes.Compare(s.Author[:], o.Author[:]))
}
