package eventlog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// collect returns what a reading yields.
func collect(t testing.TB, entries iter.Seq2[Entry, error]) []Entry {
	t.Helper()
	var all []Entry
	for e, err := range entries {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// diffEntries says where entries differ, by place; "" where they do not. Only what differs is shown to
// cmp, which takes its time over payloads.
func diffEntries(want, got []Entry) string {
	if slices.EqualFunc(want, got, func(a, b Entry) bool { return reflect.DeepEqual(a, b) }) {
		return ""
	}
	lines := func(entries []Entry) (all []string) {
		for _, e := range entries {
			all = append(all, fmt.Sprintf("%s/%d@%s disputed=%t clock=%s offset=%d %s %s %s %x",
				e.Author.Short(), e.Seq, e.Op.Branch(), e.Disputed, e.Clock, e.Offset, e.Time, e.Kind, e.Subject, sha256.Sum256(e.Payload)))
		}
		return all
	}
	return cmp.Diff(lines(want), lines(got))
}

// seeds returns how many seeds a test tries: fewer with -short.
func seeds(n uint64) uint64 {
	if testing.Short() {
		return n / 3
	}
	return n
}

func TestEntriesShowTheNaiveView(t *testing.T) {
	for seed := range seeds(12) {
		fork := []int{0, 4, 20}[seed%3]
		c := newCords(t, seed, 1+int(seed%5), fork)
		if seed%7 == 0 {
			c.payload = 9_000 // several chunks
		}
		l := c.open()
		for range 3 {
			c.grow(l, 30)
			for range 40 {
				q := c.query()
				if diff := diffEntries(c.view(q), collect(t, l.Entries(t.Context(), q))); diff != "" {
					t.Fatalf("seed %d, query %+v (-want +got):\n%s", seed, q, diff)
				}
			}
		}
	}
}

func TestPagesShowOneSnapshot(t *testing.T) {
	for seed := range seeds(9) {
		fork := []int{0, 3, 10}[seed%3]
		c := newCords(t, 100+seed, 1+int(seed%4), fork)
		l := c.open()
		for range 5 {
			c.grow(l, 10)
			q := c.query()
			q.Limit = 0
			want := c.view(q)
			var got []Entry
			for q.Limit = 1 + c.rng.IntN(30); ; {
				page, next, err := l.Page(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				if next != "" && len(page) != q.Limit {
					t.Fatalf("a page of %d entries is not the last, limit %d", len(page), q.Limit)
				}
				got = append(got, page...)
				if q.Page = next; next == "" {
					break
				}
				c.grow(l, 1+c.rng.IntN(3)) // what arrives now is in none of the pages
				q.Limit = 1 + c.rng.IntN(30)
			}
			if diff := diffEntries(want, got); diff != "" {
				t.Fatalf("seed %d, query %+v (-want +got):\n%s", seed, q, diff)
			}
		}
	}
}

func TestEntriesAreASnapshot(t *testing.T) {
	for seed := range uint64(12) {
		c := newCords(t, 200+seed, 3, []int{0, 4}[seed%2])
		c.payload = 6000 // several chunks
		l := c.open()
		c.grow(l, 60)
		q := Query{Order: Order(seed % 3), Reverse: seed%5 < 2}
		want := c.view(q)
		var got []Entry
		for e, err := range l.Entries(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, e); len(got)%10 == 0 {
				c.grow(l, 1)
			}
		}
		if diff := diffEntries(want, got); diff != "" {
			t.Fatalf("seed %d, query %+v (-want +got):\n%s", seed, q, diff)
		}
	}
}

func TestEntriesHoldNoTransactionInTheLoop(t *testing.T) {
	c := newCords(t, 300, 3, 5)
	c.payload = 4000
	l := c.open()
	c.grow(l, 60)
	for _, order := range []Order{ByAuthor, Causal, Arrival} {
		n := 0
		for _, err := range l.Entries(t.Context(), Query{Order: order}) {
			if err != nil {
				t.Fatal(err)
			}
			if open := Bolt(l).Stats().OpenTxN; open != 0 {
				t.Fatalf("%d transactions are open in the loop", open)
			}
			n++
		}
		if n != len(c.applied) {
			t.Fatalf("%s: %d entries, want %d", order, n, len(c.applied))
		}
	}
}

func TestReadersAreRefusedInsideAnUpdateOrAView(t *testing.T) {
	c := newCords(t, 305, 1, 0)
	l := c.open()
	c.grow(l, 3)
	e := c.applied[0]
	inside := func() error {
		for name, read := range map[string]func() error{
			"Entries": func() error { return first(l.Entries(t.Context(), Query{})) },
			"Tail":    func() error { return first(l.Tail(t.Context(), Query{FromOffset: Now})) },
			"Page":    func() error { _, _, err := l.Page(t.Context(), Query{}); return err },
			"Lookup":  func() error { _, err := l.Lookup(t.Context(), e.Place()); return err },
			"Prove":   func() error { _, err := l.Prove(t.Context(), e.Place()); return err },
			"Wants":   func() error { _, err := l.Wants(t.Context(), crdt.Frontier{e.Author: nil}, 0); return err },
			"Plan":    func() error { _, err := l.Plan(t.Context(), crdt.Want{Author: e.Author}); return err },
			"Read":    func() error { _, err := l.Read(t.Context(), &crdt.Segment{Author: e.Author}, 1); return err },
		} {
			if err := read(); !errors.Is(err, ErrInTx) {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	}
	if err := l.Update(t.Context(), func(*Tx) error { return inside() }); err != nil {
		t.Fatal(err)
	}
	if err := l.View(t.Context(), func(*ReadTx) error { return inside() }); err != nil {
		t.Fatal(err)
	}
}

// first returns the error of the first step.
func first(entries iter.Seq2[Entry, error]) error {
	for _, err := range entries {
		return err
	}
	return nil
}

// Whatever arrives meanwhile, an iteration yields exactly what was there when it began: all offsets
// below one bound, in order.
func TestEntriesBesideWriters(t *testing.T) {
	c := newCords(t, 306, 4, 5)
	c.payload = 2000
	l := c.open()
	c.grow(l, 20)
	var running sync.WaitGroup
	stop := make(chan struct{})
	for i := range 6 {
		q := Query{Order: Order(i % 3), Reverse: i >= 3}
		running.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				var all []Entry
				for e, err := range l.Entries(t.Context(), q) {
					if err != nil {
						t.Error(err)
						return
					}
					all = append(all, e)
				}
				seen := make([]bool, len(all))
				for i, e := range all {
					if e.Offset >= uint64(len(all)) || seen[e.Offset] {
						t.Errorf("%+v: offset %d among %d entries", q, e.Offset, len(all))
						return
					}
					seen[e.Offset] = true
					if i > 0 && compareIn(q.Order, &all[i-1], &e) < 0 == q.Reverse {
						t.Errorf("%+v: %s stands after %s", q, e.Place(), all[i-1].Place())
						return
					}
				}
			}
		})
	}
	for range 30 {
		c.grow(l, 3)
	}
	close(stop)
	running.Wait()
}

func TestEntriesEndWithTheirContext(t *testing.T) {
	c := newCords(t, 301, 2, 0)
	c.payload = 9_000
	l := c.open()
	c.grow(l, 60)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range l.Entries(ctx, Query{}) {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Fatalf("the iteration ended with %v", last)
	}
}

func TestEntriesRefuseQueriesThatMakeNoSense(t *testing.T) {
	l := newCords(t, 302, 1, 0).open()
	from := crdt.Place{Author: l.Author()}
	now := time.Now()
	for name, q := range map[string]Query{
		"order":          {Order: 3},
		"limit":          {Limit: -1},
		"from, causal":   {From: &from, Order: Causal},
		"offset, author": {FromOffset: 1},
		"clock, author":  {FromClock: 1},
		"until < since":  {Since: now, Until: now.Add(-1)},
	} {
		for _, err := range l.Entries(t.Context(), q) {
			if !errors.Is(err, ErrQuery) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestEntriesOfAnEmptyLog(t *testing.T) {
	l := newCords(t, 303, 1, 0).open()
	for _, order := range []Order{ByAuthor, Causal, Arrival} {
		for _, reverse := range []bool{false, true} {
			if got := collect(t, l.Entries(t.Context(), Query{Order: order, Reverse: reverse})); len(got) != 0 {
				t.Errorf("%s: %d entries", order, len(got))
			}
		}
	}
}

func TestEntryJSONRoundTrip(t *testing.T) {
	c := newCords(t, 304, 2, 3)
	l := c.open()
	c.grow(l, 20)
	for e, err := range l.Entries(t.Context(), Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		b, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var back Entry
		if err := back.UnmarshalJSON(b); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if diff := diffEntries([]Entry{e}, []Entry{back}); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", b, diff)
		}
	}
}

// An op that is gone from the file is damage in every order, and nothing is left out in silence; what stands before it
// is read all the same.
func TestMissingOpIsDamage(t *testing.T) {
	for missing := range 6 {
		c := newCords(t, 307, 1, 0)
		ops := c.chain(6, func(int) bool { return false }, nil)
		l := c.open()
		c.apply(l, []crdt.Run{{Ops: ops}})
		key := record.OpKey(ops[missing].Key())
		if err := Bolt(l).Update(func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketOps).Bucket(ops[0].Author[:]).Delete(key[:])
		}); err != nil {
			t.Fatal(err)
		}
		l.store.durable++ // the transaction of the test is one
		for _, order := range []Order{ByAuthor, Causal, Arrival} {
			for _, reverse := range []bool{false, true} {
				n := 0
				var last error
				for _, err := range l.Entries(t.Context(), Query{Order: order, Reverse: reverse}) {
					if last = err; err == nil {
						n++
					}
				}
				if !isDamaged(last) || n > 5 {
					t.Errorf("op %d is missing, %s, reverse %t: %d entries, then %v", missing, order, reverse, n, last)
				}
			}
		}
	}
}
