package eventlog_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

func (k *keeper) prune(r eventlog.PruneRequest) eventlog.Pruned {
	k.t.Helper()
	p, err := k.Prune(k.t.Context(), r)
	if err != nil {
		k.t.Fatal(err)
	}
	return p
}

func TestPruneSignsAFloorAndTrimDropsWhatLiesBelow(t *testing.T) {
	k := newKeeper(t, "keeper")
	k.add(crdt.Persistent, 20)
	p := k.prune(eventlog.PruneRequest{Below: 12, Reason: "archived"})
	if p.Floor != 12 || p.Entries != 12 || p.Place.Seq != 20 {
		t.Errorf("pruned: %+v", p)
	}
	said, err := k.Lookup(t.Context(), p.Place)
	if err != nil || said.Kind != eventlog.PruneKind || string(said.Payload) != `{"floor":12,"reason":"archived"}` {
		t.Errorf("the entry says %s %s, %v", said.Kind, said.Payload, err)
	}
	root := k.Root()
	if report := k.trim(eventlog.TrimOptions{}); report.Pruned.Entries != 12 || report.Trimmed.Ops > 0 {
		t.Errorf("report: %+v", report)
	}
	if k.Root() != root {
		t.Error("pruning has changed the frontier")
	}
	k.reopen()
	k.add(crdt.Persistent, 0)
	if diff := cmp.Diff([]eventlog.GoneFrom{{Author: k.Author(), First: 12, Floor: 12}}, k.Gone()); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal, eventlog.Arrival} {
		for _, reverse := range []bool{false, true} {
			n := 0
			for e, err := range k.Entries(t.Context(), eventlog.Query{Order: order, Reverse: reverse}) {
				if err != nil || e.Seq < 12 || e.Offset != e.Seq {
					t.Errorf("%s: entry %s at %d, %v", order, e.Place(), e.Offset, err)
				}
				n++
			}
			if n != 9 {
				t.Errorf("%s reverse %t: %d entries", order, reverse, n)
			}
		}
	}
	_, err = k.Lookup(t.Context(), crdt.Place{Author: k.Author(), Seq: 3})
	wantTrimmed(t, err, eventlog.TrimmedError{
		Author: k.Author(), Seq: 3, Gone: 9, First: crdt.Place{Author: k.Author(), Seq: 12}, Offset: 12, Pruned: true,
	})
	if place, err := k.Append(t.Context(), note("21")); err != nil || place.Seq != 21 {
		t.Errorf("append after it: %v, %v", place, err)
	}
}

func TestPruneByCountAndTime(t *testing.T) {
	k := newKeeper(t, "keeper")
	k.add(crdt.Persistent, 10)
	k.now = k.now.Add(time.Hour)
	between := k.now.Add(-time.Minute)
	k.add(crdt.Persistent, 10)
	if p := k.prune(eventlog.PruneRequest{Before: between}); p.Floor != 10 || p.Entries != 10 {
		t.Errorf("by time: %+v", p)
	}
	if p := k.prune(eventlog.PruneRequest{Keep: 5}); p.Floor != 16 || p.Entries != 6 {
		t.Errorf("by count: %+v", p)
	}
	for name, r := range map[string]eventlog.PruneRequest{
		"again": {Keep: 7}, "below what has leave": {Below: 3}, "before the first": {Before: noon.Add(-time.Hour)},
	} {
		if _, err := k.Prune(t.Context(), r); !errors.Is(err, eventlog.ErrNothingToPrune) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, r := range map[string]eventlog.PruneRequest{"nothing": {}, "two": {Keep: 1, Below: 1}} {
		if _, err := k.Prune(t.Context(), r); err == nil || errors.Is(err, eventlog.ErrNothingToPrune) {
			t.Errorf("%s is asked for: %v", name, err)
		}
	}
}

// TestPruneReachesAllNodes prunes a feed that others hold: as a whole, a part of it, and not at all.
func TestPruneReachesAllNodes(t *testing.T) {
	k, other, behind, newcomer, archive := newKeeper(t, "keeper"), newKeeper(t, "other"), newKeeper(t, "behind"), newKeeper(t, "new"), newKeeper(t, "archive")
	archive.cfg.Trim.KeepPruned = true
	archive.reopen()
	k.add(crdt.Persistent, 5)
	eventlogtest.Exchange(t, k.Log, behind.Log)
	k.add(crdt.Persistent, 15)
	k.prune(eventlog.PruneRequest{Below: 12})
	for _, n := range []*keeper{other, archive} {
		eventlogtest.Exchange(t, k.Log, n.Log)
	}
	k.trim(eventlog.TrimOptions{})
	for _, n := range []*keeper{behind, newcomer} {
		eventlogtest.Exchange(t, k.Log, n.Log)
	}
	// What it held already and what it took from the floor on do not contradict each other.
	if n, forked := behind.Stats().Forked, behind.Forked(); n != 0 || len(forked) > 0 {
		t.Errorf("%d feeds are said to have forked: %v", n, forked)
	}
	for name, want := range map[*keeper]int{other: 9, behind: 9, newcomer: 9, archive: 21} {
		name.trim(eventlog.TrimOptions{})
		name.add(crdt.Persistent, 0)
		n := 0
		for e, err := range name.Entries(t.Context(), eventlog.Query{Authors: []crdt.Author{k.Author()}}) {
			if err != nil || e.Disputed {
				t.Errorf("entry %s, %v", e.Place(), err)
			}
			n++
		}
		if n != want || name.Root() != k.Root() {
			t.Errorf("%s has %d entries, want %d; equal %t", name.Author().Short(), n, want, name.Root() == k.Root())
		}
		name.reopen()
	}
	// What the archive still has comes to nobody: it is below the floor that they hold.
	eventlogtest.Exchange(t, archive.Log, newcomer.Log)
	if newcomer.Feed(k.Author()).First() != 12 {
		t.Error("the newcomer has taken what was pruned")
	}
}

func TestAFeedWithAForkIsNotPruned(t *testing.T) {
	l := newKeeper(t, "keeper")
	s := newStranger(t, "forker")
	trunk := s.chain(crdt.Op{}, 3, "trunk")
	apply(t, l.Log, trunk...)
	apply(t, l.Log, s.chain(trunk[0], 5, "branch")...)
	floor := s.seal(crdt.Header{
		Log: s.log, First: 3, Prev: trunk[2].ID, Clock: crdt.NextClock(s.now, trunk[2].Clock, 0), Floor: 3,
	}, "floor")
	apply(t, l.Log, floor)
	if report := l.trim(eventlog.TrimOptions{}); report.Pruned.Ops > 0 {
		t.Errorf("pruned: %+v", report)
	}
}

// TestPruneOvertakesReaders prunes between two pages and under a tail.
func TestPruneOvertakesReaders(t *testing.T) {
	k := newKeeper(t, "keeper")
	k.add(crdt.Persistent, 20)
	k.prune(eventlog.PruneRequest{Below: 12})
	type reader struct {
		q    eventlog.Query
		page string
	}
	var readers []reader
	for order := range eventlog.Arrival + 1 {
		for _, reverse := range []bool{false, true} {
			q := eventlog.Query{Order: order, Reverse: reverse, Limit: 5, Gone: eventlog.Gone(len(readers) % 2)}
			_, page, err := k.Page(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			readers = append(readers, reader{q, page})
		}
	}
	report := k.trim(eventlog.TrimOptions{Holds: []eventlog.Hold{{Name: "late", Offset: 8}}})
	if report.Pruned.Entries != 8 || report.Held[0].Entries != 4 {
		t.Fatalf("report: %+v", report)
	}
	for _, r := range readers {
		r.q.Page = r.page
		r.q.Limit = 100
		entries, _, err := k.Page(t.Context(), r.q)
		trimmed, ok := errors.AsType[*eventlog.TrimmedError](err)
		if !ok || !trimmed.Pruned || trimmed.Offset != 8 {
			t.Errorf("%s reverse %t: %d entries, %v", r.q.Order, r.q.Reverse, len(entries), err)
		}
	}
	for _, err := range k.Tail(t.Context(), eventlog.Query{Gone: eventlog.StopAtGone, FromOffset: 2}) {
		wantTrimmed(t, err, eventlog.TrimmedError{Gone: 6, Offset: 8, Pruned: true})
		break
	}
}

// TestAPruneThatTakesTheOpThatAPageEndedIn prunes more than the page before had left.
func TestAPruneThatTakesTheOpThatAPageEndedIn(t *testing.T) {
	for i := range 2 * 2 * (eventlog.Arrival + 1) {
		order, reverse, indexed := i/4, i&1 > 0, i&2 > 0
		t.Run(fmt.Sprintf("%s reverse %t indexed %t", order, reverse, indexed), func(t *testing.T) {
			k := newKeeper(t, "keeper")
			k.add(crdt.Persistent, 12)
			q := eventlog.Query{Order: order, Reverse: reverse, Limit: 3}
			if indexed {
				q.Kinds = []string{"test.note"}
				if err := k.CatchUpIndex(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			_, page, err := k.Page(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			k.pruneBelow(11)
			q.Page, q.Limit = page, 100
			entries, _, err := k.Page(t.Context(), q)
			if trimmed, told := errors.AsType[*eventlog.TrimmedError](err); !told || !trimmed.Pruned {
				t.Errorf("%d entries, %v", len(entries), err)
			}
		})
	}
}

func TestWhatArrivedLastIsNotPruned(t *testing.T) {
	l := newKeeper(t, "keeper")
	s := newStranger(t, "s")
	ops := s.chain(crdt.Op{}, 6, "s")
	floor := s.seal(crdt.Header{Log: s.log, First: 6, Prev: ops[5].ID, Clock: crdt.NextClock(s.now, ops[5].Clock, 0), Floor: 6}, "floor")
	apply(t, l.Log, ops[:2]...)
	if o := applyRun(t, l.Log, crdt.Run{Leave: floor.Signed, Ops: []crdt.Op{floor}}); o.Err != nil || o.Ops != 1 {
		t.Fatalf("outcome: %+v", o)
	}
	apply(t, l.Log, ops[2:]...) // arrive last, though they lie below the floor
	next := l.Stats().Next
	l.trim(eventlog.TrimOptions{})
	l.reopen()
	if l.Stats().Next != next {
		t.Errorf("the next offset was %d and is %d", next, l.Stats().Next)
	}
	mustAppend(t, l.Log, "one more")
	l.trim(eventlog.TrimOptions{})
	if l.Feed(s.author()).First() != 6 {
		t.Errorf("the feed begins at %d", l.Feed(s.author()).First())
	}
	l.reopen()
}

// TestAPruneAcrossTheEndOfAReading reads backwards down to an offset in the middle of an op that was pruned.
func TestAPruneAcrossTheEndOfAReading(t *testing.T) {
	for _, indexed := range []bool{false, true} {
		k := newKeeper(t, "keeper")
		apply(t, k.Log, newStranger(t, "s").chain(crdt.Op{}, 1, "s")...)
		if _, err := k.AppendBatch(t.Context(), slices.Repeat([]crdt.Event{note("many")}, 5)); err != nil {
			t.Fatal(err)
		}
		q := eventlog.Query{Order: eventlog.Arrival, Reverse: true, FromOffset: 3, Gone: eventlog.StopAtGone, Limit: 100}
		if indexed {
			q.Kinds = []string{"test.note"}
			if err := k.CatchUpIndex(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		k.add(crdt.Persistent, 1)
		k.pruneBelow(5)
		entries, _, err := k.Page(t.Context(), q)
		if trimmed, told := errors.AsType[*eventlog.TrimmedError](err); !told || !trimmed.Pruned {
			t.Errorf("indexed %t: %d entries, %v", indexed, len(entries), err)
		}
	}
}
