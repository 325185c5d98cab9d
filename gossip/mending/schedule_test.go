package mending

import (
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
)

var (
	peers  = []crdt.Author{{1}, {2}}
	nobody = func(crdt.Author) bool { return false }
)

func span(author byte, from, upto uint64) crdt.Span {
	return crdt.Span{Author: crdt.Author{author}, Head: crdt.Head{Next: upto, ID: crdt.OpID{author}}, From: from, Upto: upto}
}

// one returns the only ask that is planned.
func one(t *testing.T, s *Schedule, now time.Time) Ask {
	t.Helper()
	asks := s.Plan(peers, now)
	if len(asks) != 1 {
		t.Fatalf("%d asks are planned: %+v", len(asks), asks)
	}
	return asks[0]
}

// TestOneAfterTheOtherIsAsked: who brings nothing, or says nothing, is not asked again before its pause is over.
func TestOneAfterTheOtherIsAsked(t *testing.T) {
	now := time.Unix(1000, 0)
	s := New(3*time.Second, 20*time.Second)
	s.Holes([]crdt.Span{span(9, 5, 10)})
	first := one(t, s, now)
	if first.Span != span(9, 5, 10) || len(s.Plan(peers, now)) > 0 || s.Tried(peers) {
		t.Fatalf("first %+v, and then %+v", first, s.Plan(peers, now))
	}
	if s.Done(first.Peer, first.ID, now) {
		t.Error("nothing that was put back counts")
	}
	second := one(t, s, now)
	if second.Peer == first.Peer {
		t.Error("who brought nothing is asked again")
	}
	now = now.Add(3 * time.Second)
	s.Expire(now, func(crdt.Author) bool { return true })
	if !s.Busy() {
		t.Error("a peer whose runs wait here is given up")
	}
	s.Expire(now.Add(3*time.Second), nobody)
	if s.Busy() || len(s.Plan(peers, now)) > 0 || !s.Tried(peers) {
		t.Error("somebody is left to be asked")
	}
	now = now.Add(30 * time.Second)
	third := one(t, s, now)
	s.Arrived(third.Peer, third.ID, 100, 1, now)
	if !s.Done(third.Peer, third.ID, now) {
		t.Error("what was put back does not count")
	}
	if s.Holes(nil); len(s.Plan(peers, now)) > 0 || !s.Tried(peers) {
		t.Error("there is something to ask for without holes")
	}
}

// TestTheEndOfAHoleIsAskedFor: of an answer that ended before it, half is asked for; one op that reaches across is met by
// more, and less than was too much.
func TestTheEndOfAHoleIsAskedFor(t *testing.T) {
	now := time.Unix(1000, 0)
	s := New(3*time.Second, 20*time.Second)
	holes := []crdt.Span{span(9, 0, 1000)}
	s.Holes(holes)
	a := one(t, s, now)
	for _, want := range []uint64{500, 750, 875} {
		s.Arrived(a.Peer, a.ID, maxBytes, 0, now)
		s.Done(a.Peer, a.ID, now)
		s.Holes(holes)
		if a = one(t, s, now); a.Span.From != want || a.Span.Upto != 1000 || a.Span.Head != holes[0].Head {
			t.Fatalf("asked for %+v, want from %d", a.Span, want)
		}
	}
	s.Done(a.Peer, a.ID, now) // nothing begins there
	if a = one(t, s, now); a.Span.From != 813 {
		t.Errorf("asked for %+v, want from 813: halfway to what was too much", a.Span)
	}
}

// TestWhatFitsIsFound: wherever the last op of a hole begins, what leads to it is found in a few asks, though no more than
// one entry before it has room in an answer. Who always sends too much is not asked for ever.
func TestWhatFitsIsFound(t *testing.T) {
	const most = 2 * 10 // asks for 1000 entries
	now := time.Unix(1000, 0)
	for last := uint64(1); last <= 1000; last++ {
		s := New(3*time.Second, 20*time.Second)
		holes := []crdt.Span{span(9, 0, 1000)}
		for n := 0; ; n++ {
			s.Holes(holes)
			a := one(t, s, now)
			reach := a.Span.Upto - a.Span.From
			switch {
			case reach > last+1:
				s.Arrived(a.Peer, a.ID, maxBytes, 0, now)
			case reach >= last:
				s.Arrived(a.Peer, a.ID, maxBytes/4, 1, now)
			}
			if s.Done(a.Peer, a.ID, now) {
				break
			}
			if n == most {
				t.Fatalf("the last %d entries are not found in %d asks", last, n)
			}
		}
	}
	s := New(3*time.Second, 20*time.Second)
	s.Holes([]crdt.Span{span(9, 0, 1000)})
	for n := 0; !s.Tried(peers[:1]); n++ {
		asks := s.Plan(peers[:1], now)
		if len(asks) != 1 || n == most {
			t.Fatalf("%d asks after %d that brought too much", len(asks), n)
		}
		s.Arrived(peers[0], asks[0].ID, maxBytes, 0, now)
		s.Done(peers[0], asks[0].ID, now)
	}
}

// TestTheRestOfAHoleIsAskedForAsItCame: of a hole that is many times as large as an answer each ask but a few brings back as
// much as has room, however large the ops are, and whichever peer is asked: what is known of one is not forgotten with
// the end that came back, nor where the log has not noticed yet that it did.
func TestTheRestOfAHoleIsAskedForAsItCame(t *testing.T) {
	for _, test := range []struct {
		size    func(seq uint64) int // of the op of an entry, in bytes
		entries uint64               // of an op
		most    int                  // asks
	}{
		{func(uint64) int { return maxBytes / 100 }, 1, 150},                            // 100 at least
		{func(seq uint64) int { return maxBytes / 4 >> (seq / 2000) }, 1, 1500},         // 969
		{func(seq uint64) int { return []int{100, maxBytes / 10}[seq/1000%2] }, 1, 750}, // 501
		{func(uint64) int { return maxBytes / 3 }, 50, 150},                             // 67
	} {
		now, asks := time.Unix(1000, 0), 0
		s := New(3*time.Second, 20*time.Second)
		for left := uint64(10000); left > 0; {
			hole := span(9, 0, left)
			s.Holes([]crdt.Span{hole})
			a := one(t, s, now)
			first, bytes := (a.Span.From+test.entries-1)/test.entries*test.entries, 0
			for at := first; at < left && bytes <= maxBytes; at += test.entries {
				bytes += test.size(at)
			}
			repaired := 0
			if bytes > 0 && bytes <= maxBytes {
				left, repaired = first, 1
			}
			s.Arrived(a.Peer, a.ID, min(bytes, maxBytes), repaired, now)
			s.Done(a.Peer, a.ID, now)
			if asks%2 == 0 {
				s.Holes([]crdt.Span{hole})
			}
			if asks++; asks > test.most {
				t.Fatalf("%d asks, and %d entries of 10000 are left", asks, left)
			}
		}
	}
}

// TestEveryHoleIsAskedFor: a peer that has nothing of some holes of a feed is asked for the others, and for all once more
// when somebody wants that.
func TestEveryHoleIsAskedFor(t *testing.T) {
	now := time.Unix(1000, 0)
	s := New(3*time.Second, 20*time.Second)
	var holes []crdt.Span
	for i := range uint64(9) {
		holes = append(holes, span(9, 10*i, 10*i+5))
	}
	s.Holes(holes)
	for turn := range 2 {
		asked := make(map[uint64]int)
		for !s.Tried(peers[:1]) {
			for _, a := range s.Plan(peers[:1], now) {
				asked[a.Span.From]++
				s.Done(a.Peer, a.ID, now)
			}
		}
		for _, h := range holes {
			if asked[h.From] != 1 {
				t.Errorf("turn %d: asked %d times for %+v", turn, asked[h.From], h)
			}
		}
		s.Holes(holes)
		s.Again()
	}
}

// TestAnAnswerHasAnEnd: who sends on and on what puts nothing back keeps no other from being asked.
func TestAnAnswerHasAnEnd(t *testing.T) {
	now := time.Unix(1000, 0)
	s := New(3*time.Second, 20*time.Second)
	s.Holes([]crdt.Span{span(9, 5, 10)})
	first := one(t, s, now)
	for range 100 {
		now = now.Add(time.Second)
		s.Arrived(first.Peer, first.ID, 1, 0, now)
		s.Expire(now, func(crdt.Author) bool { return true })
	}
	if s.Busy() {
		t.Fatal("it is still waited for")
	}
	if second := one(t, s, now); second.Peer == first.Peer {
		t.Error("it is asked again")
	}
}

// TestAsksAreBounded: for however many holes, of each peer and of all; one that overlaps is not asked for twice.
func TestAsksAreBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	s := New(3*time.Second, 20*time.Second)
	var holes []crdt.Span
	for i := range byte(100) {
		holes = append(holes, span(i, 0, 10))
	}
	s.Holes(holes)
	many := make([]crdt.Author, 30)
	for i := range many {
		many[i][0] = byte(i)
	}
	if n := len(s.Plan(many[:3], now)); n != 3*maxPerPeer {
		t.Errorf("%d asks of 3 peers", n)
	}
	if s.Plan(many, now); len(s.asks) != maxAsks {
		t.Errorf("%d asks", len(s.asks))
	}
	for _, p := range many {
		s.Gone(p)
	}
	if s.Busy() {
		t.Error("who is gone is waited for")
	}
	s.Holes([]crdt.Span{span(9, 0, 10), {Author: crdt.Author{9}, Head: crdt.Head{Next: 8}, From: 0, Upto: 8}})
	if n := len(s.Plan(many, now)); n != 1 {
		t.Errorf("%d asks for holes that overlap", n)
	}
}
