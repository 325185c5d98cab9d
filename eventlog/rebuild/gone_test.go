package rebuild_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/rebuild"
)

// trimmable is a log that a trim may take all of but the last 10 entries.
func trimmable(t *testing.T) *eventlog.Log {
	t.Helper()
	log := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("a"), Trim: eventlog.TrimPolicy{MinAge: -1, MinCount: 10}})
	for range 20 {
		fillTrimmable(t, log)
	}
	return log
}

// fillTrimmable appends an op of 10 entries whose bodies may go.
func fillTrimmable(t *testing.T, log *eventlog.Log) {
	t.Helper()
	events := make([]crdt.Event, 10)
	for i := range events {
		events[i] = crdt.Event{Kind: "k", Retention: crdt.Trimmable}
	}
	if _, err := log.AppendBatch(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

func trim(t *testing.T, log *eventlog.Log) (bodies uint64) {
	t.Helper()
	report, err := log.Trim(t.Context(), eventlog.TrimOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return report.Trimmed.Entries
}

// TestTrimsAreHeldWhileItRuns: nothing of the range goes while a rebuild is under way, between two runs neither, and all
// may once it has finished or is dropped.
func TestTrimsAreHeldWhileItRuns(t *testing.T) {
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal} {
		log := trimmable(t)
		want := fold(t, log, order)
		cfg := rebuild.Config{Order: order, MaxEntries: 15}
		c := &chain{name: "chain"}
		c.apply = func(n uint64) error {
			if trim(t, log) > 0 {
				t.Fatal("a trim took what is to be folded")
			}
			return killAt(100)(n)
		}
		if _, err := rebuild.Run(t.Context(), log, "chain", cfg, c); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		fillTrimmable(t, log)
		if took := trim(t, log); took > 0 {
			t.Errorf("%s: a trim between two runs took %d", order, took)
		}
		if f, err := log.Follower(t.Context(), rebuild.Prefix+"chain"); err != nil || !f.Holds || f.Cursor != 0 {
			t.Errorf("%s: the holder is %+v, %v", order, f, err)
		}
		c.apply = nil
		run(t, log, c, cfg)
		wantResult(t, log, "chain", want)
		if took := trim(t, log); took != 200 {
			t.Errorf("%s: a trim afterwards took %d of 200", order, took)
		}
	}
	log := trimmable(t)
	if _, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{MaxEntries: 15}, &chain{name: "chain", apply: killAt(100)}); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	if err := rebuild.Drop(t.Context(), log, "chain"); err != nil {
		t.Fatal(err)
	}
	if took := trim(t, log); took != 190 {
		t.Errorf("once dropped, a trim took %d of 190", took)
	}
	if err := rebuild.Drop(t.Context(), log, "chain"); !errors.Is(err, rebuild.ErrNotFound) {
		t.Errorf("dropped twice: %v", err)
	}
}

// TestWhatIsGoneIsATypedError: entries that were trimmed, trimmed while they were not held, or pruned are named, never
// passed over unasked, and no panic as in system D; nothing is left of a rebuild that cannot begin.
func TestWhatIsGoneIsATypedError(t *testing.T) {
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal} {
		log := trimmable(t)
		trim(t, log)
		c := &chain{name: "chain"}
		_, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{Order: order}, c)
		gone, ok := errors.AsType[*eventlog.TrimmedError](err)
		if !ok || gone.Seq != 0 || gone.Gone != 190 || gone.First.Seq != 190 || gone.Pruned {
			t.Errorf("%s: trimmed: %v", order, err)
		}
		noHolds(t, log)
		result := run(t, log, c, rebuild.Config{Order: order, SkipTrimmed: true})
		if result.Entries != 200 || result.Gone != 190 || len(c.applied) != 10 {
			t.Errorf("%s: skipped: %+v, %d applied", order, result, len(c.applied))
		}

		log = trimmable(t)
		if _, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{Order: order, MaxEntries: 15}, &chain{name: "chain", apply: killAt(100)}); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		if err := log.ResetFollower(t.Context(), rebuild.Prefix+"chain", eventlog.Now); err != nil { // somebody lets go
			t.Fatal(err)
		}
		trim(t, log)
		c = &chain{name: "chain"}
		_, err = rebuild.Run(t.Context(), log, "chain", rebuild.Config{Order: order}, c)
		if gone, ok := errors.AsType[*eventlog.TrimmedError](err); !ok || gone.Seq != 90 {
			t.Errorf("%s: trimmed on the way: %v", order, err)
		}
		result = run(t, log, c, rebuild.Config{Order: order, SkipTrimmed: true})
		if result.Entries != 200 || result.Gone != 100 || len(c.applied) != 10 || c.count() != 100 {
			t.Errorf("%s: on the way, skipped: %+v, %d applied", order, result, c.count())
		}
	}
}

// TestWhatIsPrunedIsATypedError: below a floor, as a whole, and where a frontier ends in it; a gap ends system D.
func TestWhatIsPrunedIsATypedError(t *testing.T) {
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal} {
		log := eventlogtest.Open(t)
		fill(t, log, 20)
		early := log.Frontier()
		fill(t, log, 20)
		fill(t, log, 20)
		if _, err := log.Prune(t.Context(), eventlog.PruneRequest{Below: 40}); err != nil {
			t.Fatal(err)
		}
		trim(t, log)
		for _, to := range []crdt.Frontier{nil, early} {
			c := &chain{name: "chain"}
			_, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{Order: order, To: to}, c)
			if gone, ok := errors.AsType[*eventlog.TrimmedError](err); !ok || !gone.Pruned || gone.First.Seq != 40 {
				t.Errorf("%s: %v", order, err)
			}
			noHolds(t, log)
			result := run(t, log, c, rebuild.Config{Order: order, To: to, SkipTrimmed: true, Anew: true})
			if want := min(result.Entries, 40); to != nil && result.Entries != 20 || result.Gone != want || c.count() != result.Entries-want {
				t.Errorf("%s: skipped: %+v, %d applied", order, result, c.count())
			}
			if err := rebuild.Drop(t.Context(), log, "chain"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestAPruneBesideARebuild: it holds a prune back, too, and what is pruned beside its range does not disturb it.
func TestAPruneBesideARebuild(t *testing.T) {
	log, other := eventlogtest.OpenAs(t, "a"), eventlogtest.OpenAs(t, "b")
	for range 30 {
		fill(t, log, 10)
	}
	to := log.Frontier()
	for range 30 {
		fill(t, other, 10)
	}
	if _, err := other.Prune(t.Context(), eventlog.PruneRequest{Below: 200}); err != nil {
		t.Fatal(err)
	}
	eventlogtest.Exchange(t, other, log)
	want := 0
	c := &chain{name: "chain"}
	c.apply = func(n uint64) error {
		if n == 5 {
			trim(t, log)
			want = int(log.Feed(other.Author()).First())
		}
		return nil
	}
	run(t, log, c, rebuild.Config{Order: eventlog.Causal, To: to})
	if c.count() != 300 || want > 0 {
		t.Errorf("%d applied, pruned below %d", c.count(), want)
	}
	trim(t, log)
	if first := log.Feed(other.Author()).First(); first != 200 {
		t.Errorf("afterwards the other's feed begins at %d", first)
	}
}

// TestAnEntryThatIsNotHereYet: it is an error that names it, or waited for; the range stays as it was asked for. What is
// missing ends system D.
func TestAnEntryThatIsNotHereYet(t *testing.T) {
	log, ahead := eventlogtest.OpenAs(t, "a"), eventlogtest.OpenAs(t, "b")
	fill(t, ahead, 100)
	to := ahead.Frontier()
	c := &chain{name: "chain"}
	_, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{To: to}, c)
	if lacking, ok := errors.AsType[*eventlog.NotHeldError](err); !ok || !lacking.Heads.Equal(to) || !strings.Contains(err.Error(), "chain") {
		t.Errorf("%v", err)
	}
	noHolds(t, log)
	done := make(chan error)
	go func() {
		_, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{To: to, Wait: -1}, c)
		done <- err
	}()
	for { // it waits
		all, err := rebuild.List(t.Context(), log)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) > 0 {
			break
		}
	}
	fill(t, ahead, 10)
	eventlogtest.Exchange(t, ahead, log)
	select {
	case err := <-done:
		if err != nil || c.count() != 100 {
			t.Errorf("%d applied, %v", c.count(), err)
		}
	case <-time.After(time.Minute):
		t.Fatal("what has come is not found")
	}
}
