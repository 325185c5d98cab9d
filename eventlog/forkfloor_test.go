package eventlog_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestBranchBelowAFloorDisputesNothingAbove reads a feed whose author has left the fork behind: what
// stands above the floor is not in doubt, in any order, as in [crdt.Set].
//
//	0 ─┬─ 1 ─ 2 ─ 3 ─ 4      3 signs the floor 3
//	   └─ 1
func TestBranchBelowAFloorDisputesNothingAbove(t *testing.T) {
	l := eventlogtest.Open(t)
	s := newStranger(t, "forker")
	trunk := s.chain(crdt.Op{}, 3, "trunk")
	branch := s.op(trunk[0], "branch")
	floor := s.seal(crdt.Header{
		Log: s.log, First: 3, Prev: trunk[2].ID, Clock: crdt.NextClock(s.now, trunk[2].Clock, 0), Floor: 3,
	}, "floor")
	last := s.op(floor, "last")
	set := crdt.NewSet(s.log)
	give := func(ops ...crdt.Op) {
		t.Helper()
		apply(t, l, ops...)
		if out, err := set.Apply(crdt.Run{Ops: ops}); err != nil || out.Err != nil {
			t.Fatalf("apply to the set: %v, %v", out, err)
		}
	}
	give(trunk...)
	give(branch)
	wantDisputed(t, l, set)
	_, page, err := l.Page(t.Context(), eventlog.Query{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	give(floor, last)
	wantDisputed(t, l, set)
	for e, err := range l.Entries(t.Context(), eventlog.Query{}) {
		if err != nil || e.Disputed != (e.Seq > 0 && e.Seq < 3) {
			t.Errorf("entry %s: %v", e.Place(), err)
		}
	}
	// A page of before the floor shows what was held then.
	rest, _, err := l.Page(t.Context(), eventlog.Query{Page: page})
	if err != nil || len(rest) != 3 {
		t.Fatalf("the rest of the pages has %d entries, %v", len(rest), err)
	}
	for _, e := range rest {
		if !e.Disputed {
			t.Errorf("entry %s is not disputed on a page of before the floor", e.Place())
		}
	}
}

// wantDisputed compares what is disputed in the log, in every order, with what is in the set.
func wantDisputed(t *testing.T, l *eventlog.Log, set *crdt.Set) {
	t.Helper()
	want := make(map[string]bool)
	for e, err := range set.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		want[fmt.Sprintf("%d %s", e.Seq, e.Op)] = e.Disputed
	}
	for i := range 6 {
		q := eventlog.Query{Order: eventlog.Order(i / 2), Reverse: i%2 == 1}
		got := make(map[string]bool)
		for _, q.Disputed = range []eventlog.Disputed{eventlog.HideDisputed, eventlog.OnlyDisputed} {
			for e, err := range l.Entries(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				if e.Disputed != (q.Disputed == eventlog.OnlyDisputed) {
					t.Errorf("%s among those of %s", e.Place(), q.Disputed)
				}
				got[fmt.Sprintf("%d %s", e.Seq, e.Op)] = e.Disputed
				if found, err := l.Lookup(t.Context(), crdt.Place{Author: e.Author, Seq: e.Seq, Branch: e.Op.Branch()}); err != nil || found.Disputed != e.Disputed {
					t.Errorf("look up %s: disputed %t, %v", e.Place(), found.Disputed, err)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("disputed in %s order, reverse %t (-set +log):\n%s", q.Order, q.Reverse, diff)
		}
	}
}
