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
	if first.Span != span(9, 5, 10) || len(s.Plan(peers, now)) > 0 || s.Settled(peers, now) {
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
	if s.Busy() || len(s.Plan(peers, now)) > 0 || !s.Settled(peers, now) {
		t.Error("somebody is left to be asked")
	}
	now = now.Add(30 * time.Second)
	third := one(t, s, now)
	s.Arrived(third.Peer, third.ID, 100, 1, now)
	if !s.Done(third.Peer, third.ID, now) {
		t.Error("what was put back does not count")
	}
	if s.Holes(nil); len(s.Plan(peers, now)) > 0 || !s.Settled(peers, now) {
		t.Error("there is something to ask for without holes")
	}
}

// TestTheEndOfAHoleIsAskedFor: of an answer that ended before it, half is asked for; one op that reaches across is met by
// twice as much.
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
	if a = one(t, s, now); a.Span.From != 750 {
		t.Errorf("asked for %+v, want from 750", a.Span)
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
