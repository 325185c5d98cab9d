package eventlog

import (
	"errors"
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// newForgetful makes a log of 40 entries, an op each, of which the index has the first. All are about "it"
// but for the first others.
func newForgetful(t *testing.T, indexed, others int) *Log {
	t.Helper()
	l := Unsynced(newCords(t, 905, 1, 0).open())
	for i := range 40 {
		if i == indexed && i > 0 {
			if err := l.CatchUpIndex(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		e := crdt.Event{Kind: "k", Subject: "it", Retention: crdt.Trimmable}
		if i < others {
			e.Subject = "something else"
		}
		if _, err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// forget makes the log forget its first 30 entries: their bodies, or all of them.
func forget(t *testing.T, l *Log, prune bool) {
	t.Helper()
	policy := TrimPolicy{MinAge: -1, MinCount: 10}
	if prune {
		policy.KeepBodies = true
		if _, err := l.Prune(t.Context(), PruneRequest{Below: 30}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Trim(t.Context(), TrimOptions{Policy: &policy}); err != nil {
		t.Fatal(err)
	}
}

// TestAReadingIsOvertakenBeforeItsFirstChunk forgets between the beginning of a reading, when it has asked
// the index, and its first look at the ops.
func TestAReadingIsOvertakenBeforeItsFirstChunk(t *testing.T) {
	for i, indexed := range []int{0, 10, 35, 10} {
		for _, prune := range []bool{false, true} {
			l := newForgetful(t, indexed, i/3*10)
			var readings []*reading
			for i := range 6 {
				r, err := l.store.newReading(Query{Order: Order(i / 2), Reverse: i%2 == 1, Subjects: []string{"it"}})
				if err != nil {
					t.Fatal(err)
				}
				readings = append(readings, r)
			}
			forget(t, l, prune)
			for _, r := range readings {
				n := 0
				err := r.each(t.Context(), func(*Entry) bool { n++; return true })
				r.close()
				if _, told := errors.AsType[*TrimmedError](err); !told {
					t.Errorf("%d indexed, prune %t, %s reverse %t: %d entries, %v", indexed, prune, r.query.Order, r.query.Reverse, n, err)
				}
			}
		}
	}
}

// TestAnIndexThatIsMadeAfterATrimHidesNothing makes the index when bodies are gone, which it then knows
// nothing of: a page, and a tail that goes on from its cursor, are told of them all the same.
func TestAnIndexThatIsMadeAfterATrimHidesNothing(t *testing.T) {
	for _, prune := range []bool{false, true} {
		l := newForgetful(t, 35, 0)
		var pages [6]string
		query := func(i int, page string) Query {
			return Query{Order: Order(i / 2), Reverse: i%2 == 1, Subjects: []string{"it"}, Limit: 5, Page: page}
		}
		for i := range pages {
			var err error
			if _, pages[i], err = l.Page(t.Context(), query(i, "")); err != nil {
				t.Fatal(err)
			}
		}
		forget(t, l, prune)
		if err := l.RebuildIndex(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantTold := func(what string, err error) {
			t.Helper()
			if _, told := errors.AsType[*TrimmedError](err); !told {
				t.Errorf("prune %t: %s: %v", prune, what, err)
			}
		}
		for i, page := range pages {
			q := query(i, page)
			q.Limit = 100
			_, _, err := l.Page(t.Context(), q)
			wantTold("page in "+q.Order.String()+" order", err)
		}
		for _, err := range l.Tail(t.Context(), Query{After: l.CursorAt(5), Subjects: []string{"it"}}) {
			wantTold("tail", err)
			break
		}
	}
}
