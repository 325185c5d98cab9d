package excerpt

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
)

// spot is an entry of a drawn op.
type spot struct {
	Seq uint64
	ID  crdt.OpID
}

// drawOps draws the ops of a few branches of one author, which overlap as they like, in order of key.
func drawOps(t *rapid.T) []*Op {
	var ops []*Op
	for range rapid.IntRange(1, 4).Draw(t, "branches") {
		seq := rapid.Uint64Range(0, 6).Draw(t, "from")
		for range rapid.IntRange(0, 5).Draw(t, "ops") {
			op := crdt.Op{Signed: crdt.Signed{Header: crdt.Header{First: seq, Count: rapid.Uint64Range(1, 4).Draw(t, "count")}}}
			binary.BigEndian.PutUint16(op.ID[:], rapid.Uint16().Draw(t, "id"))
			op.ID[2] = byte(len(ops))
			var o Op
			o.Set(op, 0)
			ops, seq = append(ops, &o), op.Next()
		}
	}
	slices.SortFunc(ops, func(a, b *Op) int { return a.compare(b) })
	return ops
}

// spotsOf returns the entries of excerpts in the order in which they are shown, and how many excerpts there are of each op.
func spotsOf(excerpts []Excerpt, reverse bool) (spots []spot, of map[*Op]int) {
	of = map[*Op]int{}
	for _, x := range excerpts {
		of[x.Op]++
		at := len(spots)
		for seq := x.From; seq < x.To; seq++ {
			spots = append(spots, spot{seq, x.Op.ID})
		}
		if reverse {
			slices.Reverse(spots[at:])
		}
	}
	return spots, of
}

// TestMergedInOrder: whatever the branches, and however often what is safe is merged in between, the excerpts show each
// entry once, in the order (seq, op id), or against it.
func TestMergedInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops, reverse := drawOps(t), rapid.Bool().Draw(t, "reverse")
		var want []spot
		for _, op := range ops {
			for seq := op.First; seq < op.Next(); seq++ {
				want = append(want, spot{seq, op.ID})
			}
		}
		slices.SortFunc(want, func(a, b spot) int { return cmp.Or(cmp.Compare(a.Seq, b.Seq), bytes.Compare(a.ID[:], b.ID[:])) })
		if reverse {
			slices.Reverse(want)
			slices.SortFunc(ops, func(a, b *Op) int { return b.compareLast(a) })
		}
		m := NewMerger(reverse)
		var excerpts []Excerpt
		for _, op := range ops {
			switch between := rapid.Bool().Draw(t, "merge"); { // op is the first of those that are not open
			case between && reverse:
				excerpts = m.MergeAbove(op.Next(), excerpts)
			case between:
				excerpts = m.MergeBelow(op.First, excerpts)
			}
			m.Add(op)
		}
		excerpts = m.MergeAll(excerpts)
		if got, _ := spotsOf(excerpts, reverse); !slices.Equal(got, want) {
			t.Fatalf("merged %v, want %v", got, want)
		}
		if rest := m.MergeAll(nil); len(rest) > 0 {
			t.Fatalf("left open: %v", rest)
		}
	})
}

// TestOneExcerptAnOp: of a feed without forks each op is one excerpt, all of it, however it is merged.
func TestOneExcerptAnOp(t *testing.T) {
	m := NewMerger(false)
	var ops [3]Op
	var excerpts []Excerpt
	for i := range ops {
		first := uint64(3 * i)
		ops[i].Set(crdt.Op{Signed: crdt.Signed{Header: crdt.Header{First: first, Count: 3}, ID: crdt.OpID{byte(9 - i)}}}, 0)
		excerpts = m.MergeBelow(first, excerpts)
		m.Add(&ops[i])
	}
	excerpts = m.MergeBelow(math.MaxUint64, excerpts)
	if len(excerpts) != len(ops) {
		t.Fatalf("%d excerpts of %d ops", len(excerpts), len(ops))
	}
	for i, x := range excerpts {
		if x.Op != &ops[i] || !x.Whole() {
			t.Errorf("excerpt %d: %+v", i, x)
		}
	}
}
