package holes

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// hole returns the one of an entry at a seq.
func hole(a crdt.Author, seq uint64) crdt.Span {
	id := crdt.OpID{1}
	binary.BigEndian.PutUint64(id[1:], seq)
	return crdt.Span{Author: a, Head: crdt.Head{Next: seq + 1, ID: id}, From: seq, Upto: seq + 1}
}

// looks has all looked at that is to be, where the holes at some seqs of each feed are left, and returns how many looks of
// those were at more than 10,000 entries.
func looks(t *testing.T, m *Marks, left map[crdt.Author][]uint64) (wide int) {
	t.Helper()
	for n := 0; ; n++ {
		a, s, turn, found := m.Next()
		if !found {
			return wide
		}
		if s.Upto-s.From > 10_000 {
			wide++
		}
		var holes []crdt.Span
		for _, seq := range left[a] {
			if s.From <= seq && seq < s.Upto {
				holes = append(holes, hole(a, seq))
			}
		}
		m.Looked(a, s, turn, holes)
		if m.held > Most || n > 100_000 {
			t.Fatalf("%d holes are known after %d looks", m.held, n)
		}
	}
}

// TestMoreHolesThanMayBeKnown: all of them are told in turns, with a few looks at the feed, and that there are more is told
// once. Nothing that was met is forgotten.
func TestMoreHolesThanMayBeKnown(t *testing.T) {
	a := crdt.Author{1}
	var m Marks
	left := map[crdt.Author][]uint64{}
	for seq := range uint64(25_000) {
		left[a] = append(left[a], 3*seq)
		m.Met(a, 3*seq)
	}
	for seq := range uint64(25_000) {
		if !m.Covers(a, 3*seq) {
			t.Fatalf("that %d was met is forgotten", 3*seq)
		}
	}
	n, told, wide := 0, 0, 0
	for turn := 0; ; turn++ {
		n += looks(t, &m, left)
		known := m.All()
		if m.Overfull() {
			told++
		}
		if len(known) == 0 {
			break
		}
		if len(known) == Most {
			wide++
		}
		back := known[:min(1000, len(known))]
		left[a] = slices.DeleteFunc(left[a], func(seq uint64) bool { return back[0].From <= seq && seq < back[len(back)-1].Upto })
		for run := range slices.Chunk(back, 10) { // more of them than stretches that are looked at one by one
			m.Filled(a, Stretch{From: run[0].From, Upto: run[len(run)-1].Upto})
		}
		if turn > 100 {
			t.Fatalf("%d holes are left after %d turns", len(left[a]), turn)
		}
	}
	if len(left[a]) > 0 || told == 0 || told > 7 || wide > 7 || n > 10 || !m.Cleared() || m.Any(a) {
		t.Errorf("%d are left; told %d times, known were all that may be %d times, %d looks at much", len(left[a]), told, wide, n)
	}
}

// TestEveryFeedOfAFileIsLookedAt, however many a file says to have holes, and those that have are on record until they are
// whole.
func TestEveryFeedOfAFileIsLookedAt(t *testing.T) {
	const feeds = Most + 2500
	var m Marks
	var all []byte
	left := map[crdt.Author][]uint64{}
	for i := range uint32(feeds) {
		a := crdt.Author{31: 1}
		binary.BigEndian.PutUint32(a[:], i)
		all, left[a] = append(all, a[:]...), []uint64{5}
	}
	m.Open(all)
	for turn := 0; len(left) > 0; turn++ {
		looks(t, &m, left)
		known := m.All()
		if kept := len(m.Kept()) / len(crdt.Author{}); len(known) == 0 || turn > 10 || kept != len(left) {
			t.Fatalf("turn %d: %d feeds have holes, %d are on record, %d holes are known", turn, len(left), kept, len(known))
		}
		for _, h := range known {
			delete(left, h.Author)
			m.Filled(h.Author, Stretch{From: h.From, Upto: h.Upto})
		}
	}
	if looks(t, &m, left); !m.Cleared() || len(m.Kept()) > 0 {
		t.Errorf("in the end %d bytes are on record", len(m.Kept()))
	}
}
