package plumtree

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
)

// The names of the tests below are sentences of the paper, sections 3.4 to 3.8.

const (
	timeout1 = 100 * time.Millisecond
	timeout2 = 40 * time.Millisecond
)

// begin is when the tests begin.
var begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// someone returns the i-th author.
func someone(i int) crdt.Author {
	return crdt.Author(binary.BigEndian.AppendUint64(make([]byte, 24), uint64(i)))
}

// headAt returns the head of a feed without forks that has grown to next.
func headAt(next uint64) crdt.Head { return crdt.Head{Next: next, ID: crdt.OpID{byte(next), 1}} }

var (
	alice, bob, carol, dave = someone(1), someone(2), someone(3), someone(4)
	writer                  = someone(100)
)

// newTree returns a tree whose neighbours are up.
func newTree(cfg Config, neighbours ...crdt.Author) *Tree {
	cfg.IHaveTimeout, cfg.GraftTimeout, cfg.Rand = timeout1, timeout2, rand.New(rand.NewPCG(1, 2))
	t := New(cfg)
	for _, p := range neighbours {
		t.Up(p)
	}
	return t
}

func wantActions(t *testing.T, got []Action, want ...Action) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

func wantEager(t *testing.T, tree *Tree, want map[crdt.Author]bool) {
	t.Helper()
	for p, eager := range want {
		if tree.Eager(p) != eager {
			t.Errorf("Eager(%s) is %v", p.Short(), !eager)
		}
	}
}

func TestInitiallyEagerPushPeersHoldsAllNeighbours(t *testing.T) {
	wantEager(t, newTree(Config{}, alice, bob), map[crdt.Author]bool{alice: true, bob: true, carol: false})
}

func TestOnADuplicateTheSenderIsMovedToLazyPushPeersAndSentAPrune(t *testing.T) {
	tree := newTree(Config{}, alice, bob)
	wantActions(t, tree.Pushed(alice, writer, headAt(1), 1, true, begin))
	wantActions(t, tree.Pushed(bob, writer, headAt(1), 1, false, begin), Action{Kind: Detach, Peer: bob})
	wantEager(t, tree, map[crdt.Author]bool{alice: true, bob: false})
}

// A circle of two: if both links went, nothing would come.
func TestTheLastEagerLinkStays(t *testing.T) {
	tree := newTree(Config{}, alice, bob)
	tree.Detached(alice)
	wantActions(t, tree.Pushed(bob, writer, headAt(1), 1, false, begin))
	wantEager(t, tree, map[crdt.Author]bool{bob: true})
}

// Of the links of a circle over which many runs go at a time, not all are to be detached.
func TestInACrowdADuplicateSeldomDetaches(t *testing.T) {
	tree, detached := newTree(Config{}, alice, bob), 0
	for i := range 1000 {
		tree.Pushed(alice, someone(100+i%10), headAt(uint64(i)), 1, true, begin)
		detached += len(tree.Pushed(bob, someone(100+i%10), headAt(uint64(i)), 1, false, begin))
		tree.Up(bob)
	}
	if detached < 1 || detached > 50 {
		t.Errorf("%d of 1000 duplicates detached", detached)
	}
	later := begin.Add(time.Second)
	wantActions(t, tree.Pushed(bob, writer, headAt(1), 1, false, later), Action{Kind: Detach, Peer: bob})
}

// Where something had to be grafted, runs take long, and more of them are under way at a time: ten a
// second are a crowd then, and no crowd otherwise.
func TestWhileTheTreeIsTornADuplicateSeldomDetaches(t *testing.T) {
	for torn, want := range map[bool][2]int{false: {80, 100}, true: {1, 50}} {
		tree, detached, now := newTree(Config{}, alice, bob), 0, begin
		for i := range 100 {
			author, head := someone(100+i%10), headAt(uint64(i+1))
			if torn {
				tree.IHave(alice, author, head, 1, now)
			}
			now = now.Add(timeout1)
			tree.Pushed(alice, author, head, 1, true, now)
			detached += len(tree.Pushed(bob, author, head, 1, false, now))
			tree.Up(bob)
		}
		if detached < want[0] || detached > want[1] {
			t.Errorf("torn %v: %d of 100 duplicates detached", torn, detached)
		}
	}
}

func TestOnAPruneTheSenderIsMovedToLazyPushPeers(t *testing.T) {
	tree := newTree(Config{}, alice, bob)
	tree.Detached(bob)
	wantEager(t, tree, map[crdt.Author]bool{alice: true, bob: false})
}

func TestOnANewMessageTheSenderIsAddedToEagerPushPeers(t *testing.T) {
	tree := newTree(Config{}, alice)
	tree.Detached(alice)
	wantActions(t, tree.Pushed(alice, writer, headAt(1), 1, true, begin))
	wantEager(t, tree, map[crdt.Author]bool{alice: true})
}

// What was pushed before the Detach came is on its way; it is no reason to send another.
func TestAPruneIsNotRepeatedWhileDuplicatesAreOnTheirWay(t *testing.T) {
	tree := newTree(Config{}, alice, bob)
	wantActions(t, tree.Pushed(bob, writer, headAt(1), 1, false, begin), Action{Kind: Detach, Peer: bob})
	wantActions(t, tree.Pushed(bob, writer, headAt(2), 1, false, begin.Add(timeout2-1)))
	wantActions(t, tree.Pushed(bob, writer, headAt(3), 1, false, begin.Add(timeout2)), Action{Kind: Detach, Peer: bob})
}

func TestWhatWasOnItsWayWhenAPruneWasSentDoesNotMakeTheLinkEager(t *testing.T) {
	tree := newTree(Config{}, alice, bob)
	tree.Pushed(bob, writer, headAt(1), 1, false, begin)
	wantActions(t, tree.Pushed(bob, writer, headAt(2), 1, true, begin.Add(timeout2-1)))
	wantEager(t, tree, map[crdt.Author]bool{bob: false})
	wantActions(t, tree.Pushed(bob, writer, headAt(3), 1, true, begin.Add(timeout2)))
	wantEager(t, tree, map[crdt.Author]bool{bob: true})
}

func TestOnAnIHaveATimerIsStartedWithAPredefinedTimeout(t *testing.T) {
	tree := newTree(Config{}, alice, bob)
	if !tree.Next().IsZero() {
		t.Fatal("there is a timer before anything is missing")
	}
	tree.IHave(alice, writer, headAt(1), 1, begin)
	tree.IHave(bob, writer, headAt(1), 1, begin.Add(10*time.Millisecond))
	next := tree.Next()
	if next.Before(begin.Add(timeout1)) || !next.Before(begin.Add(2*timeout1)) {
		t.Errorf("the timer ends after %v", next.Sub(begin))
	}
	wantActions(t, tree.Tick(next.Add(-1)))
	if len(tree.Tick(next)) == 0 {
		t.Error("nothing is done when the timer ends")
	}
}

func TestTheTimerIsCancelledWhenTheMessageComes(t *testing.T) {
	for name, come := range map[string]func(*Tree){
		"pushed":               func(tree *Tree) { tree.Pushed(bob, writer, headAt(3), 1, true, begin) },
		"at or beyond":         func(tree *Tree) { tree.Has(writer, func(h crdt.Head) bool { return h.Next <= 9 }) },
		"pushed by a stranger": func(tree *Tree) { tree.Pushed(dave, writer, headAt(3), 1, true, begin) },
	} {
		tree := newTree(Config{}, alice, bob)
		tree.IHave(alice, writer, headAt(3), 1, begin)
		come(tree)
		if !tree.Next().IsZero() || tree.Missing() != 0 {
			t.Errorf("%s: the message is still missing", name)
		}
		wantActions(t, tree.Tick(begin.Add(time.Hour)))
	}
}

func TestWhatHasNotComeIsMissingStill(t *testing.T) {
	tree := newTree(Config{}, alice)
	tree.IHave(alice, writer, headAt(3), 1, begin)
	tree.IHave(alice, writer, headAt(5), 1, begin.Add(time.Millisecond))
	tree.Has(writer, func(h crdt.Head) bool { return h.Next <= 4 })
	wantActions(t, tree.Tick(begin.Add(time.Second)), Action{Graft, alice, writer, headAt(5)})
}

func TestWhenTheTimerExpiresTheFirstAnnouncerIsGrafted(t *testing.T) {
	tree := newTree(Config{}, alice, bob)
	tree.Detached(alice)
	tree.Detached(bob)
	tree.IHave(bob, writer, headAt(1), 4, begin)
	tree.IHave(alice, writer, headAt(1), 1, begin)
	wantActions(t, tree.Tick(tree.Next()), Action{Graft, bob, writer, headAt(1)})
	wantEager(t, tree, map[crdt.Author]bool{alice: false, bob: true})
}

func TestAfterAGraftASecondTimerAsksTheNextAnnouncer(t *testing.T) {
	tree := newTree(Config{}, alice, bob)
	tree.IHave(bob, writer, headAt(1), 1, begin)
	tree.IHave(alice, writer, headAt(1), 1, begin)
	first := tree.Next()
	tree.Tick(first)
	if next := tree.Next(); !next.Equal(first.Add(timeout2)) {
		t.Errorf("the second timer takes %v", next.Sub(first))
	}
	wantActions(t, tree.Tick(first.Add(timeout2)), Action{Graft, alice, writer, headAt(1)})
	wantActions(t, tree.Tick(first.Add(2*timeout2)))
	if tree.Missing() != 0 {
		t.Error("what everybody was asked for in vain is kept")
	}
}

// The answer to a Graft is all of the feed that is not held, so one Graft does for several messages.
func TestOneGraftAsksForAllThatAPeerHasNamedOfAFeed(t *testing.T) {
	tree := newTree(Config{}, alice)
	tree.IHave(alice, writer, headAt(1), 1, begin)
	tree.IHave(alice, writer, headAt(2), 1, begin)
	at := begin.Add(2 * timeout1)
	if got := tree.Tick(at); len(got) != 1 {
		t.Errorf("the grafts are %v", got)
	}
	wantActions(t, tree.Tick(at.Add(timeout2-1)))
}

// One more eager link mends the tree; two would close a circle. What alice has announced of late may
// still come over the tree.
func TestAGraftAsksForAllThatIsLateAndThatThePeerHasNamed(t *testing.T) {
	tree := newTree(Config{}, alice, bob)
	tree.Detached(alice)
	tree.Detached(bob)
	tree.IHave(alice, writer, headAt(1), 1, begin)
	late, early := tree.Next().Add(-timeout1/2), tree.Next().Add(-timeout1/2+1)
	tree.IHave(bob, someone(102), headAt(1), 1, late)
	tree.IHave(alice, someone(102), headAt(1), 1, late)
	tree.IHave(alice, someone(101), headAt(1), 1, late)
	tree.IHave(alice, someone(101), headAt(2), 1, late)
	tree.IHave(alice, someone(103), headAt(1), 1, early)
	wantActions(t, tree.Tick(tree.Next()), Action{Graft, alice, writer, headAt(1)},
		Action{Graft, alice, someone(101), headAt(2)}, Action{Graft, alice, someone(102), headAt(1)})
	wantEager(t, tree, map[crdt.Author]bool{alice: true, bob: false})
}

func TestAnEagerAnnouncerIsAskedRatherThanAnotherGrafted(t *testing.T) {
	tree := newTree(Config{}, alice, bob)
	tree.Detached(alice)
	tree.IHave(alice, writer, headAt(1), 1, begin)
	tree.IHave(bob, writer, headAt(1), 1, begin)
	wantActions(t, tree.Tick(tree.Next()), Action{Graft, bob, writer, headAt(1)})
	wantEager(t, tree, map[crdt.Author]bool{alice: false, bob: true})
}

func TestOnAGraftTheSenderIsAddedToEagerPushPeers(t *testing.T) {
	tree := newTree(Config{}, alice)
	tree.Detached(alice)
	tree.Grafted(alice)
	tree.Grafted(bob) // no neighbour
	wantEager(t, tree, map[crdt.Author]bool{alice: true, bob: false})
}

func TestWhenANeighbourGoesDownItsIHavesAreDeletedFromMissing(t *testing.T) {
	tree := newTree(Config{}, alice, bob)
	tree.IHave(alice, writer, headAt(1), 1, begin)
	tree.IHave(bob, writer, headAt(1), 1, begin)
	tree.Down(alice)
	wantEager(t, tree, map[crdt.Author]bool{alice: false})
	wantActions(t, tree.Tick(tree.Next()), Action{Graft, bob, writer, headAt(1)})
	tree.Down(bob)
	wantActions(t, tree.Tick(begin.Add(time.Hour)))
}

func TestWhenANeighbourComesUpItIsAddedToEagerPushPeers(t *testing.T) {
	tree := newTree(Config{}, alice)
	tree.Detached(alice)
	tree.IHave(alice, writer, headAt(1), 1, begin)
	tree.Up(alice) // a new link in the place of the old
	wantEager(t, tree, map[crdt.Author]bool{alice: true})
	wantActions(t, tree.Tick(begin.Add(time.Hour)))
}

func TestAnIHaveFromAStrangerIsIgnored(t *testing.T) {
	tree := newTree(Config{}, alice)
	tree.IHave(bob, writer, headAt(1), 1, begin)
	if tree.Missing() != 0 {
		t.Error("it was taken in")
	}
	wantActions(t, tree.Pushed(bob, writer, headAt(2), 1, false, begin))
}

func TestALazyPeerWithFewerHopsTakesThePlaceOfTheEagerOne(t *testing.T) {
	tree := newTree(Config{HopsThreshold: 3}, alice, bob, carol)
	tree.Detached(alice)
	tree.Detached(carol)
	tree.IHave(carol, writer, headAt(1), 4, begin)
	tree.IHave(alice, writer, headAt(1), 2, begin)
	wantActions(t, tree.Pushed(bob, writer, headAt(1), 5, true, begin),
		Action{Kind: Graft, Peer: alice}, Action{Kind: Detach, Peer: bob})
	wantEager(t, tree, map[crdt.Author]bool{alice: true, bob: false, carol: false})
}

func TestTheTreeIsOptimizedOnlyFromTheThresholdOn(t *testing.T) {
	for threshold, want := range map[int]int{3: 2, 4: 0, 0: 0, -1: 0} {
		tree := newTree(Config{HopsThreshold: threshold}, alice, bob)
		tree.Detached(alice)
		tree.IHave(alice, writer, headAt(1), 2, begin)
		if got := tree.Pushed(bob, writer, headAt(1), 5, true, begin); len(got) != want {
			t.Errorf("threshold %d: %v", threshold, got)
		}
	}
}

// With several authors, each of whom is closer over another link, the tree would never come to rest.
func TestTheTreeIsOptimizedOnlyNowAndThen(t *testing.T) {
	tree := newTree(Config{HopsThreshold: 3}, alice, bob)
	optimized := 0
	for i := range 100 {
		near, far, head := alice, bob, headAt(uint64(1+i))
		if tree.Eager(alice) {
			near, far = bob, alice
		}
		now := begin.Add(time.Duration(i) * timeout1)
		tree.Detached(near)
		tree.IHave(near, writer, head, 1, now)
		optimized += len(tree.Pushed(far, writer, head, 9, true, now)) / 2
	}
	if optimized != 100/optimizePause {
		t.Errorf("%d of 100 runs led to another tree", optimized)
	}
}

// One peer that names what does not exist fills its share and no more; all peers together fill the
// table and no more; and so do the announcers of one message.
func TestMissingIsBounded(t *testing.T) {
	tree := newTree(Config{MaxMissing: 40}, alice, bob)
	for i := range 1000 {
		tree.IHave(alice, someone(200+i), headAt(1), 1, begin)
	}
	if n := tree.Missing(); n != 10 {
		t.Errorf("one peer has filled %d places", n)
	}
	for p := range 100 {
		tree.Up(someone(1000 + p))
		for i := range 100 {
			tree.IHave(someone(1000+p), someone(200+i), headAt(uint64(1+p)), 1, begin)
			tree.IHave(someone(1000+p), someone(200), headAt(1), 1, begin)
		}
	}
	if n := tree.Missing(); n != 40 {
		t.Errorf("%d messages are missing", n)
	}
	if n := len(tree.missing.find(someone(200), headAt(1)).announcements); n != maxAnnouncers {
		t.Errorf("%d announcers of one message", n)
	}
	for at := begin; !tree.Next().IsZero(); at = at.Add(timeout1) {
		tree.Tick(at)
	}
	tree.IHave(alice, writer, headAt(1), 1, begin)
	if tree.Missing() != 1 || len(tree.missing.feeds) != 1 {
		t.Error("what was given up still takes places")
	}
}
