package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/quipulog/quipu/crdt"
)

func TestTailMissesNothingUnderAppends(t *testing.T) {
	c := newCords(t, 320, 3, 6)
	l := c.open()
	c.grow(l, 20)
	var writing sync.WaitGroup
	defer writing.Wait()
	writing.Go(func() {
		for i := range 40 {
			c.grow(l, 2)
			if _, err := l.Append(t.Context(), crdt.Event{Kind: "own", Subject: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
			c.next++ // the naive view does not have it
		}
	})
	next := uint64(0)
	for e, err := range l.Tail(t.Context(), Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Offset != next {
			t.Fatalf("offset %d after %d", e.Offset, next-1)
		}
		if next++; e.Subject == "39" {
			break
		}
	}
	writing.Wait()
	if next != c.next {
		t.Errorf("%d entries, want %d", next, c.next)
	}
}

func TestTailFiltersAndLimits(t *testing.T) {
	c := newCords(t, 321, 3, 6)
	l := c.open()
	c.grow(l, 40)
	q := Query{Order: Arrival, Kinds: []string{"kind-1"}, FromOffset: 30, Limit: 12}
	if diff := diffEntries(c.view(q), collect(t, l.Tail(t.Context(), q))); diff != "" {
		t.Fatal(diff)
	}
}

func TestTailFromNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCords(t, 322, 2, 0)
		l := c.open()
		c.grow(l, 20)
		got := make(chan Entry)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			for e, err := range l.Tail(ctx, Query{FromOffset: Now}) {
				if err != nil {
					ended <- err
					return
				}
				got <- e
			}
		}()
		synctest.Wait() // it waits for what is new
		place, err := l.Append(ctx, crdt.Event{Kind: "news"})
		if err != nil {
			t.Fatal(err)
		}
		if e := <-got; e.Place() != place || e.Offset != c.next {
			t.Errorf("got %s at %d, want %s at %d", e.Place(), e.Offset, place, c.next)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestTailWaitsForAnOffsetThatIsToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCords(t, 323, 2, 0)
		l := c.open()
		c.grow(l, 5)
		got := make(chan Entry, 1)
		go func() {
			for e, err := range l.Tail(t.Context(), Query{FromOffset: c.next + 2, Limit: 1}) {
				if err == nil {
					got <- e
				}
			}
			close(got)
		}()
		synctest.Wait()
		for range 4 {
			if _, err := l.Append(t.Context(), crdt.Event{Kind: "news"}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if e := <-got; e.Offset != c.next+2 {
			t.Errorf("got offset %d, want %d", e.Offset, c.next+2)
		}
	})
}

func TestTailEndsWhenTheLogCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCords(t, 324, 1, 0)
		l, err := Create(t.TempDir(), Birth{Genesis: &c.genesis}, Config{Key: testKey("who reads")})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			for _, err := range l.Tail(t.Context(), Query{}) {
				ended <- err
			}
		}()
		synctest.Wait()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestTailRefusesQueriesThatMakeNoSense(t *testing.T) {
	l := newCords(t, 325, 1, 0).open()
	for name, q := range map[string]Query{
		"causal": {Order: Causal}, "reverse": {Reverse: true}, "page": {Page: "x"}, "limit": {Limit: -1},
	} {
		for _, err := range l.Tail(t.Context(), q) {
			if !errors.Is(err, ErrQuery) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
