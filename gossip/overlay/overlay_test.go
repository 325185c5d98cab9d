package overlay

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
)

var begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// someone returns the i-th author in the order of keys.
func someone(i int) crdt.Author {
	return crdt.Author(binary.BigEndian.AppendUint64(make([]byte, 24), uint64(i)))
}

func people(n int) []crdt.Author {
	var all []crdt.Author
	for i := range n {
		all = append(all, someone(i))
	}
	return all
}

func TestSmallClusterLinksEveryone(t *testing.T) {
	links := []Link{{Peer: someone(3)}, {Peer: someone(5), Dialled: true}, {Peer: someone(77)}}
	dial, end := Choose(Config{}, someone(0), people(8), links)
	if diff := cmp.Diff([]crdt.Author{someone(1), someone(2), someone(4), someone(6), someone(7)}, dial); diff != "" {
		t.Errorf("dial (-want +got):\n%s", diff)
	}
	if len(end) != 0 {
		t.Errorf("links are ended: %v", end)
	}
}

func TestLargeClusterLinksRingAndFew(t *testing.T) {
	for self, ring := range map[int][]crdt.Author{0: {someone(99), someone(1)}, 50: {someone(49), someone(51)}, 99: {someone(98), someone(0)}} {
		dial, end := Choose(Config{Few: 4}, someone(self), people(100), nil)
		if len(dial) != 6 || len(end) != 0 {
			t.Fatalf("node %d dials %d and ends %d", self, len(dial), len(end))
		}
		if diff := cmp.Diff(ring, dial[:2]); diff != "" {
			t.Errorf("node %d: ring (-want +got):\n%s", self, diff)
		}
		slices.SortFunc(dial, crdt.Author.Compare)
		if len(slices.Compact(dial)) != 6 || slices.Contains(dial, someone(self)) {
			t.Errorf("node %d dials %v", self, dial)
		}
	}
}

func TestAloneAndInPairs(t *testing.T) {
	if dial, end := Choose(Config{}, someone(1), nil, nil); dial != nil || end != nil {
		t.Errorf("alone: dial %v, end %v", dial, end)
	}
	dial, _ := Choose(Config{Small: 1, Few: 1}, someone(1), []crdt.Author{someone(2)}, nil)
	if diff := cmp.Diff([]crdt.Author{someone(2)}, dial); diff != "" {
		t.Errorf("two (-want +got):\n%s", diff)
	}
}

// The same seed makes the same choice.
func TestChoiceReplays(t *testing.T) {
	choose := func() []crdt.Author {
		dial, _ := Choose(Config{Rand: rand.New(rand.NewPCG(7, 7))}, someone(5), people(1000), nil)
		return dial
	}
	if diff := cmp.Diff(choose(), choose()); diff != "" {
		t.Errorf("two choices differ:\n%s", diff)
	}
}

// A node of a hundred that was one of few ends what it dialled then, the newest first, and leaves to the
// others what they dialled.
func TestWhatIsNotNeededIsEndedByWhoDialledIt(t *testing.T) {
	var links []Link
	for i := range 12 {
		links = append(links, Link{Peer: someone(10 + i), Dialled: i%2 == 0, Since: begin.Add(time.Duration(i))})
	}
	dial, end := Choose(Config{}, someone(0), people(100), links)
	if diff := cmp.Diff([]crdt.Author{someone(99), someone(1)}, dial); diff != "" {
		t.Errorf("dial (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]crdt.Author{someone(20), someone(18), someone(16)}, end); diff != "" {
		t.Errorf("end (-want +got):\n%s", diff)
	}
}

// A thousand that dial a node take the place of nothing.
func TestManyThatDialCrowdOutNothing(t *testing.T) {
	var links []Link
	for i := range 20 {
		links = append(links, Link{Peer: someone(2000 + i), Since: begin})
	}
	for i := range 1000 {
		links = append(links, Link{Peer: someone(100 + i), Since: begin.Add(time.Hour)})
	}
	for _, i := range []int{1, 2999, 7, 8, 9} {
		links = append(links, Link{Peer: someone(i), Dialled: i < 10 && i > 1, Since: begin.Add(2 * time.Hour)})
	}
	dial, end := Choose(Config{}, someone(0), people(3000), links)
	if len(dial) != 0 || len(end) != len(links)-20 {
		t.Errorf("%d are dialled, %d of %d ended", len(dial), len(end), len(links))
	}
	for _, i := range []int{1, 2999, 7, 8, 9, 2000, 2014} {
		if slices.Contains(end, someone(i)) {
			t.Errorf("the link to %d is ended", i)
		}
	}
}

// Links to who is no member are somebody else's business.
func TestStrangersAreNotCounted(t *testing.T) {
	var links []Link
	for i := range 100 {
		links = append(links, Link{Peer: someone(1000 + i), Dialled: i%2 == 0})
	}
	dial, end := Choose(Config{}, someone(0), people(100), links)
	if len(dial) != 5 || len(end) != 0 {
		t.Errorf("%d are dialled, %d ended", len(dial), len(end))
	}
}

func BenchmarkChooseOf10000(b *testing.B) {
	members := people(10_000)
	var links []Link
	for i := range 8 {
		links = append(links, Link{Peer: someone(1000 * i), Dialled: i%2 == 0})
	}
	for b.Loop() {
		Choose(Config{}, someone(5), members, links)
	}
}
