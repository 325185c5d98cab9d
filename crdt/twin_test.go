package crdt

import (
	"fmt"
	"slices"
	"strings"
)

// twin is the laws of one feed once more, word for word and without any thought of cost: what is
// held after all ops were offered again and again, in whatever order. The fast code is held against
// it.
type twin struct {
	ops   map[OpID]Op // placed
	leave Signed      // of the highest floor
}

// twinOf returns the state of whoever was offered ops, all of which are authorised.
func twinOf(ops []Op) twin {
	w := twin{ops: make(map[OpID]Op)}
	for again := true; again; {
		again = false
		for _, op := range ops {
			if _, held := w.ops[op.ID]; held || !w.mayPlace(op) {
				continue
			}
			w.ops[op.ID] = op
			again = true
			if op.Floor > w.leave.Floor && op.Verify() == nil {
				w.leave = op.Signed
			}
		}
	}
	return w
}

func (w twin) mayPlace(op Op) bool {
	prev, held := w.ops[op.Prev]
	return op.First == 0 || op.First <= w.leave.Floor || held && lawful(prev, op)
}

// lawful reports whether op may stand after prev.
func lawful(prev, op Op) bool {
	return op.Prev == prev.ID && op.First == prev.First+prev.Count && op.Clock > prev.Clock && prev.Floor <= op.Floor
}

// floor returns the highest floor that an op held has signed.
func (w twin) floor() uint64 {
	var floor uint64
	for _, op := range w.ops {
		floor = max(floor, op.Floor)
	}
	return floor
}

// above returns the ops that reach past the floor.
func (w twin) above() []Op {
	var above []Op
	for _, op := range w.ops {
		if op.Next() > w.floor() {
			above = append(above, op)
		}
	}
	slices.SortFunc(above, func(a, b Op) int { return a.Key().Compare(b.Key()) })
	return above
}

// heads returns the ops that no other stands after.
func (w twin) heads() []Head {
	var heads []Head
	for _, op := range w.above() {
		last := true
		for _, child := range w.ops {
			last = last && !lawful(op, child)
		}
		if last {
			heads = append(heads, op.Head())
		}
	}
	slices.SortFunc(heads, Head.Compare)
	return heads
}

// under reports whether a stands at or below b on one chain.
func (w twin) under(a, b Op) bool {
	for a.ID != b.ID {
		prev, held := w.ops[b.Prev]
		if !held || !lawful(prev, b) {
			return false
		}
		b = prev
	}
	return true
}

// disputed reports whether there is an op beside op's chain.
func (w twin) disputed(op Op) bool {
	for _, other := range w.above() {
		if !w.under(op, other) && !w.under(other, op) {
			return true
		}
	}
	return false
}

// view returns the entries at and above the floor as text.
func (w twin) view() string {
	var lines []string
	for _, op := range w.above() {
		for seq := max(op.First, w.floor()); seq < op.Next(); seq++ {
			lines = append(lines, fmt.Sprintf("%016d %s %t", seq, op.ID, w.disputed(op)))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
