package backfill

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
)

var start = time.Unix(1e9, 0)

// feedOf returns a feed of n entries, in one branch.
func feedOf(n uint64) crdt.Feed {
	if n == 0 {
		return crdt.Feed{}
	}
	return crdt.Feed{Branches: []crdt.Branch{{Start: crdt.Key{ID: crdt.OpID{1}}, Rooted: true, Head: headAt(n)}}}
}

func headAt(n uint64) crdt.Head {
	return crdt.Head{Next: n, ID: crdt.OpID{byte(n), byte(n >> 8), byte(n >> 16)}}
}

func plan(s *Schedule, held uint64, now time.Time) []Ask {
	return s.Plan(func(crdt.Author) crdt.Feed { return feedOf(held) }, now)
}

func never(crdt.Author) bool { return false }

var peerA, peerB, author = crdt.Author{1}, crdt.Author{2}, crdt.Author{3}

func offered(s *Schedule, peer crdt.Author, next, held uint64, now time.Time) bool {
	if p := s.known(peer); p == nil || !p.linked {
		s.Comparing(peer)
	}
	return s.Offered(Offer{Peer: peer, Author: author, Heads: []crdt.Head{headAt(next)}, Held: feedOf(held)}, now)
}

func TestSmallLackIsLeftToPushForPatience(t *testing.T) {
	s := New(Config{Patience: time.Second})
	offered(s, peerA, 12, 10, start)
	if asks := plan(s, 10, start.Add(999*time.Millisecond)); len(asks) > 0 {
		t.Fatalf("asked %+v before patience ended", asks)
	}
	s.Grew(Growth{Author: author, Feed: feedOf(11), Entries: 1}, start.Add(900*time.Millisecond))
	if asks := plan(s, 11, start.Add(1500*time.Millisecond)); len(asks) > 0 {
		t.Fatalf("asked %+v while the feed grows", asks)
	}
	asks := plan(s, 11, start.Add(1900*time.Millisecond))
	want := []Ask{{ID: 1, Peer: peerA, Author: author, Heads: []crdt.Head{headAt(12)}}}
	if diff := cmp.Diff(want, asks); diff != "" {
		t.Error(diff)
	}
}

func TestBigLackIsAskedForAtOnceInSpans(t *testing.T) {
	s := New(Config{})
	offered(s, peerA, 20000, 10, start)
	offered(s, peerB, 20000, 10, start)
	asks := plan(s, 10, start)
	if len(asks) != 2 || asks[0].Peer == asks[1].Peer {
		t.Fatalf("asks %+v, want one of each", asks)
	}
	spans := []crdt.Span{*asks[0].Span, *asks[1].Span}
	want := []crdt.Span{
		{Author: author, Head: headAt(20000), From: 10, Upto: 8202},
		{Author: author, Head: headAt(20000), From: 8202, Upto: 16394},
	}
	if diff := cmp.Diff(want, spans); diff != "" {
		t.Error(diff)
	}
}

func TestComparisonWithdrawsWhatItDoesNotShow(t *testing.T) {
	s := New(Config{})
	s.Comparing(peerA)
	offered(s, peerA, 20000, 0, start)
	s.Compared(peerA)
	s.Comparing(peerA)
	if lag := s.Lag(peerA, start); lag.Claimed != 1 {
		t.Fatalf("lag %+v while the comparison goes on", lag)
	}
	s.Compared(peerA)
	if lag := s.Lag(peerA, start); lag != (Lag{}) {
		t.Errorf("lag %+v after it", lag)
	}
	if len(s.lacks) > 0 || s.queue.Len() > 0 {
		t.Errorf("%d records are left", len(s.lacks))
	}
}

func TestOffersAreBounded(t *testing.T) {
	s := New(Config{})
	s.Comparing(peerA)
	for i := range maxOffers + 10 {
		a := crdt.Author{9, byte(i >> 16), byte(i >> 8), byte(i)}
		kept := s.Offered(Offer{Peer: peerA, Author: a, Heads: []crdt.Head{headAt(5)}}, start)
		if kept != (i < maxOffers) {
			t.Fatalf("offer %d kept: %v", i, kept)
		}
	}
	if !s.Lag(peerA, start).More {
		t.Error("nothing tells that there is more")
	}
	if n := len(plan(s, 0, start.Add(time.Minute))); n != 16 {
		t.Errorf("one peer was asked for %d authors", n)
	}
}

func TestRefusedSpanIsAskedOfAnother(t *testing.T) {
	s := New(Config{Window: 1})
	offered(s, peerA, 20000, 0, start)
	a := plan(s, 0, start)[0]
	if !s.Arrived(Arrival{Peer: peerA, Ask: a.ID, Author: author, First: 0, Next: 500, Bytes: 1000}, start) {
		t.Fatal("the run was not what was asked for")
	}
	s.Refused(peerA, author, start)
	if asks := plan(s, 0, start); len(asks) > 0 {
		t.Fatalf("asked the same again: %+v", asks)
	}
	offered(s, peerB, 20000, 0, start)
	asks := plan(s, 0, start)
	if len(asks) != 1 || asks[0].Peer != peerB || asks[0].Span.From != 0 {
		t.Errorf("asks %+v, want all of the other", asks)
	}
}

func TestRunsMustFollowInASpan(t *testing.T) {
	s := New(Config{})
	offered(s, peerA, 20000, 100, start)
	a := plan(s, 100, start)[0]
	for _, r := range []struct {
		first, next uint64
		want        bool
	}{
		{99, 200, false}, {100 + crdt.MaxOpEntries, 5000, false}, {150, 200, true}, {200, 300, true},
		{301, 400, false}, {250, 400, false}, {300, 300, false}, {300, 9000, true}, {9000, 9001, false},
	} {
		got := s.Arrived(Arrival{Peer: peerA, Ask: a.ID, Author: author, First: r.first, Next: r.next, Bytes: 1}, start)
		if got != r.want {
			t.Errorf("run from %d to %d taken: %v", r.first, r.next, got)
		}
	}
	if s.Arrived(Arrival{Peer: peerB, Ask: a.ID, Author: author, First: 9000, Next: 9001}, start) {
		t.Error("another peer answered")
	}
}

func TestUnlinkedFeedIsAskedForWhole(t *testing.T) {
	s := New(Config{})
	offered(s, peerA, 20000, 0, start)
	a := plan(s, 0, start)[0]
	s.Unlinked(author, start)
	s.Done(peerA, a.ID, true, start)
	asks := plan(s, 0, start)
	if len(asks) != 1 || asks[0].Span != nil {
		t.Errorf("asks %+v, want one for the whole", asks)
	}
}

func TestSilentPeerIsBarredUnlessItsRunsWaitHere(t *testing.T) {
	s := New(Config{Deliver: time.Second, Avoid: time.Minute})
	offered(s, peerA, 20000, 0, start)
	plan(s, 0, start)
	late := start.Add(2 * time.Second)
	if idle := s.Expire(late, func(crdt.Author) bool { return true }); len(idle) > 0 {
		t.Fatalf("%+v, while its runs wait here", idle)
	}
	late = late.Add(2 * time.Second)
	if diff := cmp.Diff([]Idle{{peerA, author}}, s.Expire(late, never)); diff != "" {
		t.Fatal(diff)
	}
	s.Gone(peerA, late)
	offered(s, peerA, 20000, 0, late)
	if asks := plan(s, 0, late.Add(40*time.Second)); len(asks) > 0 {
		t.Errorf("asked %+v after it came back", asks)
	}
	if asks := plan(s, 0, late.Add(80*time.Second)); len(asks) == 0 {
		t.Error("it is never forgiven")
	}
}

func TestUndeliveredWholeBars(t *testing.T) {
	s := New(Config{})
	offered(s, peerA, 5, 0, start)
	late := start.Add(time.Second)
	a := plan(s, 0, late)[0]
	if s.Done(peerA, a.ID, true, late) {
		t.Error("an empty answer was taken for one")
	}
	offered(s, peerA, 5, 0, late)
	if asks := plan(s, 0, late.Add(10*time.Second)); len(asks) > 0 {
		t.Errorf("asked again: %+v", asks)
	}
}

func TestNeedlessAskIsGivenBack(t *testing.T) {
	s := New(Config{})
	offered(s, peerA, 5, 0, start)
	a := plan(s, 0, start.Add(time.Second))[0]
	s.Needless(a.ID, start)
	if s.live != 0 || len(s.asks) > 0 || len(s.lacks) > 0 {
		t.Errorf("%d asks live, %d kept, %d authors lacking", s.live, len(s.asks), len(s.lacks))
	}
}

func TestForgottenAuthorLeavesNothing(t *testing.T) {
	s := New(Config{})
	offered(s, peerA, 20000, 0, start)
	a := plan(s, 0, start)[0]
	s.Forget(author, start)
	s.Done(peerA, a.ID, true, start)
	if s.live != 0 || len(s.asks) > 0 || len(s.lacks) > 0 || s.cost != 0 {
		t.Errorf("%d asks live, %d kept, %d authors lacking, %d bytes of spans", s.live, len(s.asks), len(s.lacks), s.cost)
	}
}

func TestOfferWithoutLinkIsLeftOut(t *testing.T) {
	s := New(Config{})
	late := Offer{Peer: peerA, Author: author, Heads: []crdt.Head{headAt(20000)}}
	if s.Offered(late, start) || s.Heard(late, start) {
		t.Error("kept before there is a link")
	}
	s.Comparing(peerA)
	if !s.Heard(late, start) {
		t.Error("left out while there is one")
	}
	s.Gone(peerA, start)
	if s.Heard(late, start) || len(s.peers) > 0 || len(s.lacks) > 0 {
		t.Error("kept after the end of the link")
	}
}

func TestLagCountsWhatWasBrought(t *testing.T) {
	s := New(Config{})
	offered(s, peerA, 1<<50, 0, start)
	a := plan(s, 0, start)[0]
	s.Arrived(Arrival{Peer: peerA, Ask: a.ID, Author: author, First: 0, Next: 10, Bytes: 100}, start)
	s.Grew(Growth{Author: author, Feed: feedOf(10), Peer: peerA, Ask: a.ID, Entries: 10}, start)
	if lag := s.Lag(peerA, start); lag.Entries != 10*Belief || lag.Authors != 1 {
		t.Errorf("lag %+v, want %d entries", lag, 10*Belief)
	}
	s.Expire(start, never)
	s.Expire(start.Add(time.Second), never)
	p := s.Progress(start.Add(time.Second))
	if p.Entries != 10*Belief || p.PerSecond <= 0 || p.Left <= 0 || p.Asks != 1 {
		t.Errorf("progress %+v", p)
	}
	if lag := s.Lag(peerA, start.Add(time.Minute)); lag.Entries != 0 || lag.Claimed != 1 {
		t.Errorf("lag %+v when nothing came for long", lag)
	}
}

func BenchmarkPlanDone(b *testing.B) {
	s := New(Config{})
	for _, p := range []crdt.Author{peerA, peerB, {4}, {5}, {6}} {
		s.Comparing(p)
		for i := range maxOffers {
			a := crdt.Author{9, byte(i >> 8), byte(i)}
			s.Offered(Offer{Peer: p, Author: a, Heads: []crdt.Head{headAt(5000)}}, start)
		}
	}
	feed := func(crdt.Author) crdt.Feed { return crdt.Feed{} }
	asks := s.Plan(feed, start)
	for b.Loop() {
		a := asks[0]
		s.Arrived(Arrival{Peer: a.Peer, Ask: a.ID, Author: a.Author, First: a.Span.From, Next: a.Span.Upto, Bytes: 1 << 20}, start)
		s.Done(a.Peer, a.ID, true, start)
		s.Lost(a.Author, start)
		asks = append(asks[1:], s.Plan(feed, start)...)
	}
}
