package eventlog_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// TestAForkThatArrivesUnderATrimIsNotPruned makes a fork known between the look of a trim at a feed and
// its transaction: what contradicts itself is kept as evidence.
func TestAForkThatArrivesUnderATrimIsNotPruned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(t, "keeper")
		s := newStranger(t, "forker")
		trunk := s.chain(crdt.Op{}, 5, "trunk")
		floor := s.seal(crdt.Header{
			Log: s.log, First: 5, Prev: trunk[4].ID, Clock: crdt.NextClock(s.now, trunk[4].Clock, 0), Floor: 5,
		}, "floor")
		apply(t, k.Log, append(trunk, floor)...)
		k.add(crdt.Persistent, 1)
		begun, goOn := make(chan struct{}), make(chan struct{})
		go func() {
			err := k.Update(t.Context(), func(*eventlog.Tx) error {
				close(begun)
				<-goOn
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}()
		<-begun
		applied := make(chan struct{})
		go func() {
			defer close(applied)
			// One of them sorts before the op that it stands beside, one after it.
			for i := range 8 {
				apply(t, k.Log, s.op(trunk[4], "branch"+string(rune('a'+i)), "x"))
			}
		}()
		synctest.Wait()
		trimmed := make(chan struct{})
		go func() {
			defer close(trimmed)
			if report := k.trim(eventlog.TrimOptions{}); report.Pruned.Ops > 0 {
				t.Errorf("pruned: %+v", report.Pruned)
			}
		}()
		synctest.Wait()
		close(goOn)
		<-trimmed
		<-applied
		if n := len(k.Feed(s.author()).Branches); n != 9 {
			t.Errorf("%d branches", n)
		}
	})
}

// TestAReadingThatAPruneOvertakesIsToldAtOnce reads a page over and over while what it has is pruned: it
// has all of it, or it is told.
func TestAReadingThatAPruneOvertakesIsToldAtOnce(t *testing.T) {
	k := newKeeper(t, "keeper")
	eventlog.Unsynced(k.Log)
	k.add(crdt.Persistent, 2)
	for range 150 {
		first := k.Stats().Next - 2
		q := eventlog.Query{Order: eventlog.Arrival, FromOffset: first, Limit: 1}
		_, page, err := k.Page(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		q.Page = page
		read := make(chan struct{})
		go func() {
			defer close(read)
			for {
				entries, _, err := k.Page(t.Context(), q)
				if _, told := errors.AsType[*eventlog.TrimmedError](err); told {
					return
				}
				if err != nil || len(entries) != 1 || entries[0].Offset != first+1 {
					t.Errorf("read %d entries, %v, where that at %d stood", len(entries), err, first+1)
					return
				}
			}
		}()
		k.prune(eventlog.PruneRequest{Below: first + 2})
		k.add(crdt.Persistent, 1)
		k.trim(eventlog.TrimOptions{})
		<-read
	}
}
