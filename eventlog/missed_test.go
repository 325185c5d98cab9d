package eventlog_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// newAway makes a log that was away while the author of 0 to 20 pruned what is below 12: it has 0 to 4 and
// 12 to 20.
func newAway(t *testing.T) (author crdt.Author, away *keeper) {
	t.Helper()
	k, away := newKeeper(t, "keeper"), newKeeper(t, "away")
	k.add(crdt.Persistent, 5)
	eventlogtest.Exchange(t, k.Log, away.Log)
	k.add(crdt.Persistent, 15)
	k.prune(eventlog.PruneRequest{Below: 12})
	k.trim(eventlog.TrimOptions{})
	eventlogtest.Exchange(t, k.Log, away.Log)
	return k.Author(), away
}

// TestANodeThatWasAwayWhileOthersPrunedKnowsWhatItLacks: what is missing in the middle of a feed is told by name.
func TestANodeThatWasAwayWhileOthersPrunedKnowsWhatItLacks(t *testing.T) {
	author, away := newAway(t)
	want := eventlog.TrimmedError{
		Author: author, Seq: 5, Gone: 7, First: crdt.Place{Author: author, Seq: 12}, Offset: 5, Pruned: true,
	}
	for order := range eventlog.Arrival + 1 {
		read := 0
		var last error
		for _, err := range away.Entries(t.Context(), eventlog.Query{Order: order, Gone: eventlog.StopAtGone}) {
			if last = err; err == nil {
				read++
			}
		}
		wantTrimmed(t, last, want)
		if read > 5 {
			t.Errorf("%s: %d entries were read before", order, read)
		}
	}
	_, err := away.Lookup(t.Context(), crdt.Place{Author: author, Seq: 7})
	want.Seq, want.Gone = 7, 5
	wantTrimmed(t, err, want)
	if e, err := away.Lookup(t.Context(), crdt.Place{Author: author, Seq: 12}); err != nil || e.Seq != 12 {
		t.Errorf("what stands behind it: entry %d, %v", e.Seq, err)
	}
	if diff := cmp.Diff([]eventlog.GoneFrom{{Author: author, Missed: 7, Floor: 12}}, away.Gone()); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
	away.trim(eventlog.TrimOptions{})
	if diff := cmp.Diff([]eventlog.GoneFrom{{Author: author, First: 12, Floor: 12}}, away.Gone()); diff != "" {
		t.Errorf("gone after the trim (-want +got):\n%s", diff)
	}
}

// TestAFollowerIsToldOfWhatNeverCame follows at a node that was away. It is told once, by an error, and what
// would show it is not pruned before it was.
func TestAFollowerIsToldOfWhatNeverCame(t *testing.T) {
	author, away := newAway(t)
	var seqs []uint64
	follow := func(until uint64, cfg eventlog.FollowConfig, name string) error {
		cfg.Until = &until
		return away.Follow(t.Context(), name, cfg, func(_ *eventlog.Tx, batch []eventlog.Entry) error {
			for _, e := range batch {
				seqs = append(seqs, e.Seq)
			}
			return nil
		})
	}
	if err := follow(5, eventlog.FollowConfig{}, "f"); err != nil || len(seqs) != 5 {
		t.Fatalf("before what is missing: %v, %v", seqs, err)
	}
	if report := away.trim(eventlog.TrimOptions{}); report.Pruned.Ops > 0 || len(report.Held) != 1 || report.Held[0].Name != "f" {
		t.Errorf("a trim before it was told: %+v", report)
	}
	wantTrimmed(t, follow(14, eventlog.FollowConfig{}, "f"), eventlog.TrimmedError{
		Author: author, Seq: 5, Gone: 7, First: crdt.Place{Author: author, Seq: 12}, Offset: 5, Pruned: true,
	})
	if err := follow(14, eventlog.FollowConfig{}, "f"); err != nil || !cmp.Equal(seqs, append(between(0, 5), between(12, 21)...)) {
		t.Errorf("once it was told: %v, %v", seqs, err)
	}
	if report := away.trim(eventlog.TrimOptions{}); report.Pruned.Entries != 5 {
		t.Errorf("a trim after it was told: %+v", report)
	}
	_, away = newAway(t)
	seqs = nil
	err := follow(14, eventlog.FollowConfig{SkipTrimmed: true}, "skips")
	s, _ := away.Follower(t.Context(), "skips")
	if err != nil || len(seqs) != 14 || s.Trimmed != 7 {
		t.Errorf("one that skips: %v, %v, %d trimmed", seqs, err, s.Trimmed)
	}
}

// TestATailIsToldOnceOfWhatIsGone: the entries of one author are gone, those of another lie between them. What
// is told from one error to the next, or between two entries, is each entry that is gone once.
func TestATailIsToldOnceOfWhatIsGone(t *testing.T) {
	k, other := newKeeper(t, "keeper"), newKeeper(t, "other")
	for range 3 {
		k.add(crdt.Trimmable, 2)
		other.add(crdt.Persistent, 1)
		eventlogtest.Exchange(t, other.Log, k.Log)
	}
	k.add(crdt.Persistent, 10)
	k.now = k.now.Add(2 * time.Hour)
	k.trim(eventlog.TrimOptions{})
	if held := k.Stats(); held.Trimmed != 6 {
		t.Fatalf("%d entries are trimmed, want 6", held.Trimmed)
	}
	q := eventlog.Query{Gone: eventlog.StopAtGone, Limit: 13}
	var told, read []uint64
	for read = nil; len(read) < 13; {
		for e, err := range k.Tail(t.Context(), q) {
			gone, stopped := errors.AsType[*eventlog.TrimmedError](err)
			switch {
			case stopped:
				told = append(told, gone.Gone)
				q.FromOffset = gone.Offset
			case err != nil:
				t.Fatal(err)
			default:
				read = append(read, e.Offset)
				q.Limit--
			}
		}
	}
	if diff := cmp.Diff([]uint64{2, 2, 2}, told); diff != "" {
		t.Errorf("told to be gone (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(append([]uint64{2, 5, 8}, between(9, 19)...), read); diff != "" {
		t.Errorf("offsets read (-want +got):\n%s", diff)
	}
}
