package cords

import (
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestSplittingReadsWhatItMay: of a stretch in which more is to be read than it may, as of an author who contradicts himself all
// over it, no cell is split; with room for all of it each is.
func TestSplittingReadsWhatItMay(t *testing.T) {
	l := eventlogtest.Open(t)
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for i := range 100 {
		if _, err := l.Append(t.Context(), crdt.Event{Kind: "k", Time: noon.Add(time.Duration(i) * time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		most, read uint64
		cells      int
	}{{99, 99, 1}, {100, 100, 100}} {
		r := &reading{p: Of(l), fresh: &gathered{to: 100}, kinds: newKindTable(), to: tickOf(noon.AddDate(1, 0, 0))}
		one := cell{start: tickOf(noon), n: 1, kinds: r.kinds.ones[0]}
		last := cell{start: tickOf(noon.Add(99 * time.Second)), n: 99, lo: 1, hi: 99, kinds: []kindCount{{0, 99}}}
		one.add(&last, above(&one, &last))
		f := &found{author: l.Author(), record: record{cells: []cell{one}}}
		read, err := r.splitCord(t.Context(), f, 0, 100, 0, c.most)
		if err != nil || read != c.read || len(f.cells) != c.cells {
			t.Errorf("of at most %d: %d were read and there are %d cells, %v; want %d and %d", c.most, read, len(f.cells), err, c.read, c.cells)
		}
	}
}
