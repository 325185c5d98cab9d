package cords

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
)

// drawKnots draws entries of an author: in order, or back and forth, alone or together, up to the ends of time.
func drawKnots(t *rapid.T, name string) []knot {
	at := rapid.Int64Range(-1<<43, 1<<43).Draw(t, name+" from")
	seq := uint64(rapid.IntRange(0, 1000).Draw(t, name+" seq"))
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) knot {
		ends := []int64{0, -1, 1, time.Unix(0, math.MinInt64).UnixMilli(), time.Unix(0, math.MaxInt64).UnixMilli()}
		k := knot{n: 1, kind: int32(rapid.IntRange(-1, 40).Draw(t, "kind"))}
		switch rapid.IntRange(0, 9).Draw(t, "how") {
		case 0:
			k.t = tickAt(rapid.SampledFrom(ends).Draw(t, "end"))
		case 1:
			k.t = tickAt(at - rapid.Int64Range(0, 1<<40).Draw(t, "back"))
		default:
			at += rapid.SampledFrom([]int64{0, 0, 1, 50, 3000, 1 << 33}).Draw(t, "on")
			k.t = tickAt(at)
		}
		if k.kind < 0 {
			k.n = rapid.Uint64Range(1, 4096).Draw(t, "of an op")
		}
		seq += rapid.SampledFrom([]uint64{0, 1, 1, 1, 1, 900}).Draw(t, "seq")
		k.seq = seq
		seq += k.n - 1
		return k
	}), 0, 400).Draw(t, name)
}

// TestRecordsKeepWhatTheyCount: however entries come, a record has at most its bytes, reads as it was written, and each of its
// cells counts what is in it.
func TestRecordsKeepWhatTheyCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, all := newRecord(), newKindTable()
		var knots []knot
		a := crdt.Author{1}
		names := make([]string, 41)
		for i := range names {
			names[i] = string(rune('A' + i))
		}
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			batch := drawKnots(t, "knots")
			knots = append(knots, batch...)
			(&gathered{authors: map[crdt.Author][]knot{a: batch}, names: names}).count(a, &r, all)
			b := r.encode(nil)
			if len(b) > maxRecord {
				t.Fatalf("%d bytes of %d cells", len(b), len(r.cells))
			}
			back := newRecord()
			if err := back.read(b); err != nil {
				t.Fatal(err)
			}
			back.room, r.room = nil, nil
			if diff := cmp.Diff(&r, &back, cmp.AllowUnexported(record{}, cell{}, kindCount{}), cmp.Comparer(func(a, b []kindCount) bool { return slices.Equal(a, b) }), cmp.Comparer(func(a, b []kindID) bool { return slices.Equal(a, b) }), cmp.Comparer(func(a, b []byte) bool { return len(a) == len(b) })); diff != "" && len(knots) > 0 {
				t.Fatalf("(-written +read):\n%s", diff)
			}
			r = back
			checkCells(t, &r, knots)
		}
	})
}

// checkCells holds a record against what it has counted.
func checkCells(t *rapid.T, r *record, knots []knot) {
	sum := uint64(0)
	for i := range r.cells {
		c := &r.cells[i]
		n, lo, hi := uint64(0), uint64(math.MaxUint64), uint64(0)
		for _, k := range knots {
			if c.has(k.t) {
				n, lo, hi = n+k.n, min(lo, k.seq), max(hi, k.seq+k.n-1)
			}
		}
		ofKinds := uint64(0)
		for _, k := range c.kinds {
			ofKinds += k.n
		}
		if c.n != n || c.lo != lo || c.hi != hi || ofKinds != n {
			t.Fatalf("cell %d counts %d (%d by kind) from %d to %d, want %d from %d to %d", i, c.n, ofKinds, c.lo, c.hi, n, lo, hi)
		}
		if i > 0 && c.start < r.cells[i-1].end() || c.start>>c.level<<c.level != c.start || c.level > longest {
			t.Fatalf("cell %d: level %d from %d", i, c.level, c.start)
		}
		sum += n
	}
	total := uint64(0)
	for _, k := range knots {
		total += k.n
	}
	if sum != total || r.n != total {
		t.Fatalf("%d entries in cells, %d in the record, want %d", sum, r.n, total)
	}
}

// TestARecordIsUsed: a long dense stretch fills the record, and what stands alone keeps its millisecond beside it.
func TestARecordIsUsed(t *testing.T) {
	r, all := newRecord(), newKindTable()
	alone := tickAt(time.Date(1999, 5, 4, 3, 2, 1, 7e6, time.UTC).UnixMilli())
	from := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli()
	g := &gathered{authors: map[crdt.Author][]knot{{}: {{t: alone, n: 1}}}, names: []string{"kind"}}
	for i := range 200_000 {
		g.authors[crdt.Author{}] = append(g.authors[crdt.Author{}], knot{t: tickAt(from + int64(i)*500), seq: uint64(i) + 1, n: 1})
		if i%5000 == 4999 {
			g.count(crdt.Author{}, &r, all)
			clear(g.authors)
		}
	}
	if size := r.size(); size > maxRecord || size < maxRecord*3/4 || len(r.cells) < 100 {
		t.Errorf("%d bytes of %d, %d cells", size, maxRecord, len(r.cells))
	}
	if c := r.cells[0]; c.start != alone || c.level != 0 || c.n != 1 {
		t.Errorf("what stands alone is in a cell of level %d from %d", c.level, c.start.milli())
	}
	for _, c := range r.cells[1:] {
		if c.n > 200_000/40 {
			t.Errorf("%d of 200000 entries are in one cell", c.n)
		}
	}
}

// TestSpoiltRecordsAreTold: no byte of a record can be another.
func TestSpoiltRecordsAreTold(t *testing.T) {
	r := newRecord()
	g := &gathered{authors: map[crdt.Author][]knot{{}: {{t: origin, n: 1}, {t: origin + 9, seq: 1, n: 1}}}, names: []string{"kind"}}
	g.count(crdt.Author{}, &r, newKindTable())
	b := r.encode(nil)
	for i := range b {
		for _, spoilt := range [][]byte{slices.Concat(b[:i], []byte{b[i] ^ 4}, b[i+1:]), b[:i]} {
			if back := newRecord(); back.read(spoilt) == nil && len(spoilt) > 0 {
				t.Fatalf("byte %d of %d is another, or the last: nobody says so", i, len(b))
			}
		}
	}
}
