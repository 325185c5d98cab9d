package standing_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip/standing"
)

var (
	us, a, b = crdt.Author{1}, crdt.Author{2}, crdt.Author{3}
	peer     = crdt.Author{8}
	now      = time.Unix(1e9, 0)
)

func head(next uint64) crdt.Head { return crdt.Head{Next: next, ID: crdt.OpID{byte(next), 1}} }

// differ makes a comparison at an offset with our own feed up to own.
func differ(offset, own uint64, theirs crdt.Frontier) standing.Comparison {
	return standing.Comparison{
		Mark: standing.Mark{Offset: offset, Own: []crdt.Head{head(own)}}, Whole: true, Differ: theirs,
		Held: func(crdt.Author, crdt.Head) bool { return true },
	}
}

// of returns where the only peer stands with a feed.
func of(t *testing.T, s *standing.Standings, feed crdt.Author) standing.Standing {
	t.Helper()
	all := s.Of(feed)
	if len(all) != 1 || all[0].Author != peer {
		t.Fatalf("%d standings: %+v", len(all), all)
	}
	return all[0]
}

// want checks where the peer stands with a feed, less its author and when it was heard.
func want(t *testing.T, s *standing.Standings, feed crdt.Author, w standing.Standing) {
	t.Helper()
	if diff := cmp.Diff(w, of(t, s, feed), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(w, "Author", "Heard")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", feed.Short(), diff)
	}
}

// A comparison says where a peer stands with every feed, and what it says later adds to that until the next.
func TestWhatAPeerSaysAddsUpUntilItCompares(t *testing.T) {
	s := standing.New(us)
	p := s.Linked(peer, crdt.Author{80})
	want(t, s, us, standing.Standing{Linked: true})
	if heard := of(t, s, us).Heard; !heard.IsZero() {
		t.Errorf("heard at %s of one that has said nothing", heard)
	}
	p.Compared(differ(50, 9, crdt.Frontier{a: {head(3)}, b: nil}), now)
	want(t, s, us, standing.Standing{Linked: true, Below: 50, Told: 50, Heads: []crdt.Head{head(9)}})
	want(t, s, a, standing.Standing{Linked: true, Told: 50, Heads: []crdt.Head{head(3)}})
	want(t, s, b, standing.Standing{Linked: true, Told: 50})
	p.Said(us, head(12), 1, now)
	p.Said(us, head(11), 1, now) // it has that too
	p.Said(b, head(2), 2, now)
	p.Said(b, head(4), 2, now)
	want(t, s, us, standing.Standing{Linked: true, Below: 50, Told: 50, Heads: []crdt.Head{head(9), head(12)}})
	want(t, s, b, standing.Standing{Linked: true, Told: 50, Heads: []crdt.Head{head(2), head(4)}})

	since := p.Now()
	p.Said(us, head(14), 1, now) // while the next comparison is under way
	c := differ(60, 13, crdt.Frontier{us: {head(10)}})
	c.Since = since
	p.Compared(c, now)
	want(t, s, us, standing.Standing{Linked: true, Told: 60, Heads: []crdt.Head{head(10), head(14)}})
	want(t, s, b, standing.Standing{Linked: true, Below: 60, Told: 60})
	c = differ(61, 13, crdt.Frontier{us: nil})
	c.Since = p.Now()
	p.Compared(c, now)
	want(t, s, us, standing.Standing{Linked: true, Told: 61}) // it has come back without it
}

// Where a comparison cannot tell, since the peer has more than we or the author was left out, what was known stays; and
// nothing is known of those whom a comparison that has found too much did not come to.
func TestWhatAComparisonCannotTell(t *testing.T) {
	s := standing.New(us)
	p := s.Linked(peer, crdt.Author{80})
	p.Compared(differ(50, 9, nil), now)
	ahead := crdt.Frontier{a: {head(99)}}
	c := differ(60, 9, ahead)
	c.Ahead, c.Left = ahead, []crdt.Author{b}
	for range 20 {
		p.Compared(c, now)
	}
	want(t, s, b, standing.Standing{Linked: true, Below: 50})
	if at := of(t, s, a); at.Below != 50 || at.Told != 0 || !slices.Contains(at.Heads, head(99)) || len(at.Heads) > 9 {
		t.Errorf("of an author that it has more of: %+v", at)
	}
	c = differ(70, 9, crdt.Frontier{a: nil})
	c.Whole = false
	p.Compared(c, now)
	want(t, s, a, standing.Standing{Linked: true, Told: 70})
	want(t, s, b, standing.Standing{Linked: true})
}

// Another process has said nothing, the same has, whatever became of its links.
func TestProcesses(t *testing.T) {
	s := standing.New(us)
	p := s.Linked(peer, crdt.Author{80})
	p.Compared(differ(50, 9, nil), now)
	p.Keeps(standing.Keeps{Bodies: true})
	p.Shuts([]crdt.Author{a})
	known := standing.Standing{Below: 50, Told: 50, Shut: true, Keeps: &standing.Keeps{Bodies: true}}
	s.Unlinked(p, now)
	want(t, s, a, known)
	again := s.Linked(peer, crdt.Author{80})
	if known.Linked = true; again != p {
		t.Error("the same process is another")
	}
	want(t, s, a, known)
	changed := s.Changed()
	next := s.Linked(peer, crdt.Author{81})
	select {
	case <-changed:
	default:
		t.Error("another process is no change")
	}
	want(t, s, a, standing.Standing{Linked: true})
	s.Unlinked(p, now)
	want(t, s, a, standing.Standing{Linked: true})
	s.Unlinked(next, now)
	s.Linked(peer, crdt.Author{80})
	want(t, s, a, standing.Standing{Linked: true})
}

// However much peers say, and however many have gone, little is kept of it.
func TestMemoryIsBounded(t *testing.T) {
	const authors, gone = 100_000, 2000
	s := standing.New(us)
	author := func(i int) (a crdt.Author) {
		copy(a[:], fmt.Sprintf("author %d", i))
		return a
	}
	before := eventlogtest.HeapAlive()
	linked := s.Linked(peer, peer)
	for i := range authors {
		linked.Said(author(i), head(uint64(i)), 2, now)
	}
	linked.Said(us, head(7), 1, now)
	theirs := make(crdt.Frontier)
	for i := range crdt.MaxDiffer {
		theirs[author(i)] = []crdt.Head{head(uint64(i))}
	}
	for i := range gone {
		p := s.Linked(author(i), author(i))
		p.Compared(differ(50, 9, theirs), now)
		for j := range 200 {
			p.Said(author(j), head(7), 1, now)
		}
		s.Unlinked(p, now.Add(time.Duration(i)))
	}
	if at := s.Of(us); len(at) > 257 {
		t.Errorf("%d peers are remembered", len(at))
	}
	if kept := eventlogtest.HeapAlive() - before; kept > 4<<20 {
		t.Errorf("%d bytes are kept", kept)
	}
	for _, at := range s.Of(us) {
		if at.Author == peer && !slices.Contains(at.Heads, head(7)) || at.Author != peer && at.Heads[0] != head(9) {
			t.Errorf("of our own feed: %+v", at)
		}
	}
	runtime.KeepAlive(theirs)
}

// Nor is much kept of those that have gone who named many heads of few authors, and many of whom they take no more; that
// they take no more of ours is.
func TestLittleIsKeptOfThoseThatHaveGone(t *testing.T) {
	s := standing.New(us)
	before := eventlogtest.HeapAlive()
	for i := range 40 {
		p := s.Linked(crdt.Author{9, byte(i)}, crdt.Author{9, byte(i)})
		theirs := crdt.Frontier{}
		for j := range 32 {
			theirs[crdt.Author{5, byte(j)}] = make([]crdt.Head, 1024)
		}
		theirs[us] = make([]crdt.Head, 1024)
		theirs[us][1023] = head(9)
		shut := make([]crdt.Author, 8192)
		shut[8190], shut[8191] = us, crdt.Author{7}
		slices.SortFunc(shut, crdt.Author.Compare)
		p.Shuts(shut)
		p.Compared(differ(50, 9, theirs), now)
		s.Unlinked(p, now)
	}
	if kept := eventlogtest.HeapAlive() - before; kept > 1<<20 {
		t.Errorf("%d bytes are kept", kept)
	}
	for _, at := range s.Of(us) {
		if !at.Shut || at.Told != 0 || !slices.Contains(at.Heads, head(9)) {
			t.Errorf("of our own feed: shut %t, told %d, %d heads", at.Shut, at.Told, len(at.Heads))
		}
	}
}
