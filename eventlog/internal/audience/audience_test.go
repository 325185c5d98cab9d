package audience_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/audience"
)

var errOver = errors.New("it is over")

// wide are bounds that no test comes to.
var wide = audience.Bounds{Events: 1 << 10, Bytes: 1 << 20}

func signal(subject string) crdt.Broadcast {
	return crdt.Broadcast{Event: crdt.Event{Kind: "signal", Subject: subject, Retention: crdt.Transient}}
}

func all(crdt.Broadcast) bool { return true }

// join lets in one who listens within bounds.
func join(t *testing.T, a *audience.Audience, takes func(crdt.Broadcast) bool, bounds audience.Bounds) *audience.Listener {
	t.Helper()
	li, err := a.Join(takes, bounds)
	if err != nil {
		t.Fatal(err)
	}
	return li
}

// tell tells the signals with these subjects, and wants each to be taken by as many.
func tell(t *testing.T, a *audience.Audience, takers int, subjects ...string) {
	t.Helper()
	for _, s := range subjects {
		if took, err := a.Tell(signal(s)); err != nil || took != takers {
			t.Errorf("%s is taken by %d, %v; want %d", s, took, err, takers)
		}
	}
}

// wantNext wants these subjects next, each after "n missed" where some were, and then the error if there
// is one.
func wantNext(t *testing.T, li *audience.Listener, end error, want ...string) {
	t.Helper()
	var got []string
	for len(got) < len(want) {
		b, missed, err := li.Next()
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		if missed > 0 {
			got = append(got, fmt.Sprintf("%d missed", missed))
		}
		got = append(got, b.Subject)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if end == nil {
		return
	}
	if b, missed, err := li.Next(); err != end {
		t.Errorf("%s, %d missed, %v; want %v", b.Subject, missed, err, end)
	}
}

func TestListenerHearsWhatItTakes(t *testing.T) {
	var a audience.Audience
	tell(t, &a, 0, "nobody")
	odd := join(t, &a, func(b crdt.Broadcast) bool { return b.Subject[0]%2 == 1 }, wide)
	both := join(t, &a, all, wide)
	tell(t, &a, 2, "1")
	tell(t, &a, 1, "2")
	tell(t, &a, 2, "3")
	wantNext(t, odd, nil, "1", "3")
	wantNext(t, both, nil, "1", "2", "3")
}

// What is too much for a mailbox goes from its front, is counted where it was, and is the loss of that
// listener alone. One event always may wait, however large.
func TestMailboxIsBounded(t *testing.T) {
	var a audience.Audience
	few := join(t, &a, all, audience.Bounds{Events: 2, Bytes: 1 << 20})
	small := join(t, &a, all, audience.Bounds{Events: 1 << 10, Bytes: 1})
	one := signal("0")
	three := join(t, &a, all, audience.Bounds{Events: 1 << 10, Bytes: 3 * one.Memory()})
	free := join(t, &a, all, wide)
	tell(t, &a, 4, "0", "1", "2", "3", "4")
	wantNext(t, few, nil, "3 missed", "3")
	tell(t, &a, 4, "5", "6")
	wantNext(t, few, nil, "1 missed", "5", "6")
	wantNext(t, small, nil, "6 missed", "6")
	wantNext(t, three, nil, "4 missed", "4", "5", "6")
	tell(t, &a, 4, "7")
	wantNext(t, three, nil, "7")
	wantNext(t, free, nil, "0", "1", "2", "3", "4", "5", "6", "7")
}

// One that leaves hears what waits, then why it left first, and nothing that is told later.
func TestListenerLeaves(t *testing.T) {
	var a audience.Audience
	li := join(t, &a, all, wide)
	tell(t, &a, 1, "a")
	why := errors.New("enough")
	li.Leave(why)
	li.Leave(errOver)
	tell(t, &a, 0, "b")
	wantNext(t, li, why, "a")
}

func TestLeavingMakesRoom(t *testing.T) {
	var a audience.Audience
	var last *audience.Listener
	for range 1024 {
		last = join(t, &a, all, wide)
	}
	if _, err := a.Join(all, wide); !errors.Is(err, audience.ErrFull) {
		t.Errorf("one more than are let in: %v", err)
	}
	last.Leave(errOver)
	join(t, &a, all, wide)
}

// Closing wakes who waits.
func TestCloseEndsListening(t *testing.T) {
	var a audience.Audience
	li := join(t, &a, all, wide)
	tell(t, &a, 1, "a")
	wantNext(t, li, nil, "a")
	ended := make(chan error)
	go func() {
		_, _, err := li.Next()
		ended <- err
	}()
	a.Close(errOver)
	if err := <-ended; err != errOver {
		t.Errorf("ended with %v", err)
	}
	if took, err := a.Tell(signal("b")); took != 0 || err != errOver {
		t.Errorf("told %d, %v", took, err)
	}
	if _, err := a.Join(all, wide); err != errOver {
		t.Errorf("joined: %v", err)
	}
}

// A relay may stop another: what is being passed on still goes to it, the next event does not.
func TestRelays(t *testing.T) {
	var a audience.Audience
	if peers, relayed := a.PassOn(signal("a")); peers != 0 || relayed {
		t.Errorf("nobody relays: %d, %t", peers, relayed)
	}
	var sent []string
	relay := func(name string, peers int) (stop func()) {
		return a.Relay(func(b crdt.Broadcast) int {
			sent = append(sent, name+b.Subject)
			return peers
		})
	}
	var stopOne func()
	stop := a.Relay(func(crdt.Broadcast) int {
		stopOne()
		return 0
	})
	stopOne = relay("one ", 1)
	relay("two ", 2)
	if peers, relayed := a.PassOn(signal("a")); peers != 3 || !relayed {
		t.Errorf("handed to %d, %t", peers, relayed)
	}
	if peers, _ := a.PassOn(signal("b")); peers != 2 {
		t.Errorf("handed to %d", peers)
	}
	stop()
	a.PassOn(signal("c"))
	if diff := cmp.Diff([]string{"one a", "two a", "two b", "two c"}, sent); diff != "" {
		t.Error(diff)
	}
}
