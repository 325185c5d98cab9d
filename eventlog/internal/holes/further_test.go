package holes

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// TestEveryHoleHasItsTurn: of 25,000 a peer has only the last 100. Those come back, once it was asked for all others in vain.
// Nothing else is let go for good, no more are known at a time than may be, and at no moment is it said that none are left.
func TestEveryHoleHasItsTurn(t *testing.T) {
	const all, last = 25_000, 100
	for _, feeds := range []int{1, 5, all} {
		t.Run(fmt.Sprint(feeds, " feeds"), func(t *testing.T) {
			var m Marks
			left := map[crdt.Author][]uint64{}
			for i := range uint32(all) {
				var a crdt.Author
				binary.BigEndian.PutUint32(a[:], 1+i/uint32(all/feeds))
				left[a] = append(left[a], 3*uint64(i))
			}
			for a := range left {
				m.Look(a, Stretch{Upto: crdt.MaxSeq})
			}
			for lap := range 2 {
				l := turns(t, &m, left, 3*(all-last))
				if want := last * (1 - lap); l.back != want || len(l.asked) != all-last+want || l.windows > 1+all/(Most/2) {
					t.Errorf("lap %d: %d came back, of %d that were asked for in %d windows", lap, l.back, len(l.asked), l.windows)
				}
			}
			turns(t, &m, left, 0)
			for range all / Most { // what half of those known were is looked at with the next
				turns(t, &m, left, 0)
			}
			if one, n, more := m.Left(); n > 0 || more || !m.Cleared() || len(m.feeds)+len(m.Kept()) > 0 {
				t.Errorf("in the end %d are left, %t, such as %v", n, more, one)
			}
		})
	}
}

// lap is what came of asking for all holes.
type lap struct {
	asked         map[crdt.Span]bool
	windows, back int
}

// turns asks for all holes, from the first on, of which a peer has those from a seq on.
func turns(t *testing.T, m *Marks, left map[crdt.Author][]uint64, has uint64) (l lap) {
	t.Helper()
	l.asked = make(map[crdt.Span]bool)
	looks(t, m, left)
	for round := m.Further(nil); ; {
		if _, n, _ := m.Left(); n == 0 && len(left) > 0 {
			t.Fatalf("none are left, it is said, where %d feeds have some", len(left))
		}
		looks(t, m, left)
		known := m.All()
		if len(known) > Most || len(m.line) > len(m.feeds) || m.held != len(known) {
			t.Fatalf("%d are known, and %d feeds are in line", len(known), len(m.line))
		}
		gave := false
		for _, h := range known {
			if l.asked[h] = true; h.From >= has {
				gave, l.back = true, l.back+1
				giveBack(left, h)
			}
		}
		for i, h := range known { // a feed at a time
			if end := i == len(known)-1 || known[i+1].Author != h.Author; gave && end {
				m.Filled(h.Author, Stretch{From: has, Upto: max(has, h.Upto)})
			}
		}
		if l.windows++; l.windows > 20 {
			t.Fatal("there is no end of it")
		}
		if !gave && m.Further(known) > round || len(known) == 0 {
			return l
		}
	}
}

// giveBack takes a hole out of what is left.
func giveBack(left map[crdt.Author][]uint64, h crdt.Span) {
	i, found := slices.BinarySearch(left[h.Author], h.From)
	if !found {
		panic("it was given back before")
	}
	if left[h.Author] = slices.Delete(left[h.Author], i, i+1); len(left[h.Author]) == 0 {
		delete(left, h.Author)
	}
}

// TestOnlyWhatWasAskedForIsLetGo: whoever asks for others in the place of holes that are not those known changes nothing.
func TestOnlyWhatWasAskedForIsLetGo(t *testing.T) {
	a := crdt.Author{1}
	var m Marks
	left := map[crdt.Author][]uint64{}
	for seq := range uint64(Most + 1) {
		left[a] = append(left[a], 3*seq)
	}
	m.Look(a, Stretch{Upto: crdt.MaxSeq})
	looks(t, &m, left)
	known := m.All()
	if m.Further(known[1:]) > 0 || !slices.Equal(m.All(), known) {
		t.Error("others are let go")
	}
	if m.Further(known) > 0 || len(m.All()) > 0 {
		t.Error("what was asked for is kept, or that was all")
	}
	if looks(t, &m, left); m.All()[0].From != 0 || m.All()[Most-1].From != 3*Most {
		t.Error("the last one is not looked at")
	}
	if m.Further(known) > 0 || m.Further(m.All()) != 1 {
		t.Error("it does not end with the last one")
	}
}
