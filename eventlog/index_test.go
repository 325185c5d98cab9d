package eventlog

import (
	"errors"
	"testing"
)

// found is cords.query for a query that the index can answer.
func (c *cords) found() Query {
	for {
		if q := c.query(); len(q.Kinds)+len(q.Subjects) > 0 {
			if len(q.Subjects) > 0 && c.rng.IntN(2) == 0 {
				q.Subjects = q.Subjects[:1]
			}
			return q
		}
	}
}

// indexed brings the index of l up to date in steps of any size.
func (c *cords) indexed(l *Log) {
	c.t.Helper()
	if err := l.CatchUpIndex(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

// usesIndex reports whether the query is answered by the index.
func usesIndex(t testing.TB, l *Log, q Query) bool {
	t.Helper()
	r, err := l.store.newReading(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	switch r.walk.(type) {
	case *foundWalk, *sortedWalk:
		return true
	}
	return false
}

// Whatever is indexed and whatever not, with forks, late arrivals and all that a query can ask for, the
// index shows what the definitions say. Merges of two levels come by.
func TestIndexedQueriesShowTheNaiveView(t *testing.T) {
	used := 0
	for seed := range seeds(6) {
		c := newCords(t, 500+seed, 1+int(seed%5), []int{0, 4, 20}[seed%3])
		if seed%4 == 3 {
			c.payload = 9_000 // several chunks
		}
		l := Unsynced(c.open())
		for range indexFan + 2 {
			c.grow(l, 1+c.rng.IntN(6))
			c.indexed(l)
		}
		for range 4 {
			for range 24 {
				q := c.found()
				if usesIndex(t, l, q) {
					used++
				}
				if diff := diffEntries(c.view(q), collect(t, l.Entries(t.Context(), q))); diff != "" {
					t.Fatalf("seed %d, query %+v (-want +got):\n%s", seed, q, diff)
				}
			}
			c.grow(l, 12) // is not indexed
			if c.rng.IntN(2) == 0 {
				c.indexed(l)
			}
		}
	}
	t.Logf("%d queries used the index", used)
	if used == 0 {
		t.Error("the index was never used")
	}
}

// A page token goes on where the page ended, whether the index answers for the next page or not.
func TestIndexedPagesShowOneSnapshot(t *testing.T) {
	for seed := range seeds(6) {
		c := newCords(t, 600+seed, 1+int(seed%4), []int{0, 3, 10}[seed%3])
		l := Unsynced(c.open())
		for range 6 {
			c.grow(l, 10)
			q := c.found()
			q.Limit = 0
			want := c.view(q)
			var got []Entry
			for q.Limit = 1 + c.rng.IntN(5); ; {
				l.store.cfg.NoIndex = c.rng.IntN(3) == 0
				page, next, err := l.Page(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				l.store.cfg.NoIndex = false
				got = append(got, page...)
				if q.Page = next; next == "" {
					break
				}
				c.grow(l, 1+c.rng.IntN(2))
				if c.rng.IntN(2) == 0 {
					c.indexed(l)
				}
				q.Limit = 1 + c.rng.IntN(5)
			}
			if diff := diffEntries(want, got); diff != "" {
				t.Fatalf("seed %d, query %+v (-want +got):\n%s", seed, q, diff)
			}
		}
	}
}

// Pages of one entry end between any two entries, those of one seq on two branches too.
func TestIndexedPagesOfOneEntry(t *testing.T) {
	for seed := range uint64(3) {
		c := newCords(t, 650+seed, 2, 2)
		l := Unsynced(c.open())
		c.grow(l, 16)
		c.indexed(l)
		for i := range 6 {
			q := Query{Kinds: []string{"kind-0", "kind-1", "kind-2"}, Order: Order(i % 3), Reverse: i >= 3}
			want := c.view(q)
			q.Limit = 1
			var got []Entry
			for more := true; more; more = q.Page != "" {
				page, next, err := l.Page(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				got, q.Page = append(got, page...), next
			}
			if diff := diffEntries(want, got); diff != "" {
				t.Fatalf("seed %d, query %+v (-want +got):\n%s", seed, q, diff)
			}
		}
	}
}

func TestIndexIsOffByChoice(t *testing.T) {
	c := newCords(t, 700, 2, 0)
	l := c.open()
	c.grow(l, 20)
	c.indexed(l)
	q := Query{Subjects: []string{"subject-1"}}
	if !usesIndex(t, l, q) {
		t.Error("the index is not used")
	}
	l.store.cfg.NoIndex = true
	if usesIndex(t, l, q) {
		t.Error("the index is used all the same")
	}
	for name, err := range map[string]error{
		"Index": l.Index(t.Context()), "CatchUpIndex": l.CatchUpIndex(t.Context()), "RebuildIndex": l.RebuildIndex(t.Context()),
	} {
		if !errors.Is(err, ErrNoIndex) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s, err := l.IndexStatus(); err != nil || !s.Off || s.Reached == 0 {
		t.Errorf("status %+v, %v", s, err)
	}
}

// Queries that the index cannot help are scanned.
func TestWhatTheIndexCannotTellIsScanned(t *testing.T) {
	c := newCords(t, 701, 2, 0)
	l := c.open()
	c.grow(l, 20)
	c.indexed(l)
	for name, test := range map[string]struct {
		q    Query
		uses bool
	}{
		"everything":          {Query{}, false},
		"a module":            {Query{Modules: []string{"module-1"}}, false},
		"the empty subject":   {Query{Subjects: []string{"subject-1", ""}}, false},
		"… and a kind":        {Query{Subjects: []string{""}, Kinds: []string{"kind-1"}}, true},
		"nothing there is":    {Query{Subjects: []string{"no such subject"}}, true},
		"what is not indexed": {Query{Subjects: []string{"subject-1"}, Order: Arrival, FromOffset: c.next}, false},
	} {
		if uses := usesIndex(t, l, test.q); uses != test.uses {
			t.Errorf("%s: index used: %t", name, uses)
		}
		if diff := diffEntries(c.view(test.q), collect(t, l.Entries(t.Context(), test.q))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
