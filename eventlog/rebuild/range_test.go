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

// TestTheRangeIsFixedWhenItBegins: what arrives while a rebuild is under way, or between two runs, is not of it.
func TestTheRangeIsFixedWhenItBegins(t *testing.T) {
	log := eventlogtest.Open(t)
	fill(t, log, 1000)
	want := fold(t, log, eventlog.ByAuthor)
	if _, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{MaxEntries: 100}, &chain{name: "chain", apply: killAt(450)}); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	fill(t, log, 1000)
	c := &chain{name: "chain"}
	result := run(t, log, c, rebuild.Config{})
	if result.Entries != 1000 || len(c.applied) != 600 || c.loads != 1 || c.news != 0 {
		t.Errorf("%d entries, %d of them after the kill, %d times loaded, %d times new", result.Entries, len(c.applied), c.loads, c.news)
	}
	wantResult(t, log, "chain", want)
	if run(t, log, c, rebuild.Config{Anew: true}).Entries != 2000 {
		t.Error("a rebuild that begins anew ends where the one before did")
	}
	wantResult(t, log, "chain", fold(t, log, eventlog.ByAuthor))
}

// TestAnotherRangeIsAnError: a rebuild under way is not gone on with over something else.
func TestAnotherRangeIsAnError(t *testing.T) {
	log := eventlogtest.Open(t)
	fill(t, log, 100)
	to := log.Frontier()
	if _, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{MaxEntries: 10}, &chain{name: "chain", apply: killAt(50)}); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	fill(t, log, 1)
	for _, cfg := range []rebuild.Config{{Order: eventlog.Causal}, {To: log.Frontier()}, {To: to, Clock: 1}, {From: to}} {
		_, err := rebuild.Run(t.Context(), log, "chain", cfg, &chain{name: "chain"})
		if other, ok := errors.AsType[*rebuild.RangeError](err); !ok || !other.Under.To.Equal(to) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	run(t, log, &chain{name: "chain"}, rebuild.Config{To: to})
	for _, cfg := range []rebuild.Config{{Order: eventlog.Arrival}, {MaxEntries: -1}} {
		if _, err := rebuild.Run(t.Context(), log, "other", cfg, &chain{}); !errors.Is(err, rebuild.ErrConfig) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	for _, name := range []string{"", "\xff", strings.Repeat("n", 250)} {
		if _, err := rebuild.Run(t.Context(), log, name, rebuild.Config{}, &chain{}); !errors.Is(err, rebuild.ErrConfig) {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

// TestASnapshotIsWhereAFoldBegins: what From covers is not applied, in either order, and may be gone.
func TestASnapshotIsWhereAFoldBegins(t *testing.T) {
	log, other := eventlogtest.OpenAs(t, "a"), eventlogtest.OpenAs(t, "b")
	fill(t, log, 30)
	fill(t, log, 20)
	fill(t, other, 50)
	eventlogtest.Exchange(t, other, log)
	from := log.Frontier()
	fill(t, other, 30)
	fill(t, log, 20)
	eventlogtest.Exchange(t, other, log)
	if pruned, err := log.Prune(t.Context(), eventlog.PruneRequest{Below: 40}); err != nil {
		t.Fatalf("%+v, %v", pruned, err)
	}
	if report, err := log.Trim(t.Context(), eventlog.TrimOptions{}); err != nil || log.Feed(log.Author()).First() != 30 {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal} {
		c := &chain{name: order.String()}
		result := run(t, log, c, rebuild.Config{Order: order, From: from, MaxEntries: 7})
		if result.Gone > 0 || !result.Range.From.Equal(from) {
			t.Errorf("%s: %+v", order, result)
		}
		for _, p := range c.applied {
			if p.Seq < 50 {
				t.Errorf("%s: %s was applied, which the snapshot covers", order, p)
			}
		}
		if len(c.applied) < 50 { // and what the prune has written
			t.Errorf("%s: %d applied", order, len(c.applied))
		}
	}
}

// TestAClockBoundsTheRange: what was written after it is no part of the range, in either order.
func TestAClockBoundsTheRange(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	log := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("a"), Now: func() time.Time { return now }})
	fill(t, log, 300)
	bound := crdt.ClockAt(now) + 1<<16
	now = now.Add(time.Hour)
	fill(t, log, 300)
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal} {
		c := &chain{name: order.String()}
		result := run(t, log, c, rebuild.Config{Order: order, Clock: bound})
		if result.Entries != 300 || c.count() != 300 {
			t.Errorf("%s: %+v, %d applied", order, result, c.count())
		}
	}
}
