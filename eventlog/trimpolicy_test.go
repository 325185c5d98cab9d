package eventlog_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestAgeCountsFromArrival: the entries of a node whose clock is behind, and old ones that come late, are as
// young as their arrival; those of a node that is right are as old as it says.
func TestAgeCountsFromArrival(t *testing.T) {
	for name, behind := range map[string]time.Duration{"right": 0, "an hour behind": time.Hour, "since 1970": noon.Sub(time.Unix(0, 0))} {
		k, other := newKeeper(t, "keeper "+name), newKeeper(t, "other "+name)
		other.now = noon.Add(-behind)
		other.add(crdt.Trimmable, 100)
		eventlogtest.Exchange(t, other.Log, k.Log)
		k.now = noon.Add(59 * time.Minute)
		if report := k.trim(eventlog.TrimOptions{}); report.Trimmed.Ops > 0 {
			t.Errorf("%s: %d entries were trimmed before they were here for an hour", name, report.Trimmed.Entries)
		}
		k.reopen()
		k.now = noon.Add(2 * time.Hour)
		if report := k.trim(eventlog.TrimOptions{}); report.Trimmed.Entries != 90 || len(report.Ahead) > 0 {
			t.Errorf("%s: then %d were, and %v are kept since clocks are ahead", name, report.Trimmed.Entries, report.Ahead)
		}
	}
}

// TestWhatComesLateIsYoung: a stretch of arrivals that goes on makes the first of it look younger than they
// are, by an eighth of the age at most.
func TestWhatComesLateIsYoung(t *testing.T) {
	k, other := newKeeper(t, "keeper"), newKeeper(t, "other")
	for range 120 { // a minute each
		other.add(crdt.Trimmable, 1)
		eventlogtest.Exchange(t, other.Log, k.Log)
		k.now, other.now = k.now.Add(time.Minute), other.now.Add(time.Minute)
	}
	report := k.trim(eventlog.TrimOptions{})
	if n := report.Trimmed.Entries; n > 61 || n < 61-8 {
		t.Errorf("%d entries of two hours are trimmed after one", n)
	}
}

// TestAClockThatWasAheadIsNamed writes one entry in 2098 and a hundred after the wall clock was set right. Their
// clocks are ahead for good, so that arrival counts; what arrived in 2098 stays, and the report says so.
func TestAClockThatWasAheadIsNamed(t *testing.T) {
	k := newKeeper(t, "keeper")
	var logged bytes.Buffer
	k.cfg.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	k.reopen()
	k.now = noon.AddDate(72, 0, 0)
	k.add(crdt.Trimmable, 1)
	if n := strings.Count(logged.String(), "WARN"); n > 0 || len(k.AheadFeeds()) > 0 {
		t.Errorf("a clock that is as the wall clock is warned of: %s", &logged)
	}
	k.now = noon
	k.add(crdt.Trimmable, 100)
	k.now = k.now.Add(1100 * time.Millisecond)
	report := k.trim(eventlog.TrimOptions{Policy: &eventlog.TrimPolicy{MinAge: time.Second, MinCount: eventlog.NoCount}})
	first, err := k.Lookup(t.Context(), crdt.Place{Author: k.Author(), Seq: 0})
	if err != nil {
		t.Fatal(err)
	}
	want := []eventlog.KeptAhead{{AheadFeed: eventlog.AheadFeed{Author: k.Author(), Clock: first.Clock}, Entries: 1, Below: 1}}
	if diff := cmp.Diff(want, report.Ahead); diff != "" || report.Trimmed.Entries != 100 {
		t.Errorf("%d entries are trimmed; kept (-want +got):\n%s", report.Trimmed.Entries, diff)
	}
	feeds := k.AheadFeeds()
	if len(feeds) != 1 || feeds[0].Author != k.Author() || feeds[0].Clock.Time().Year() != 2098 {
		t.Errorf("ahead: %v", feeds)
	}
	if n := strings.Count(logged.String(), "level=WARN"); n != 1 || !strings.Contains(logged.String(), "quipu prune --below") {
		t.Errorf("%d warnings:\n%s", n, &logged)
	}
	k.reopen() // a start
	if n := strings.Count(logged.String(), "level=WARN"); n != 2 {
		t.Errorf("%d warnings after the next start:\n%s", n, &logged)
	}
	if _, err := k.Prune(t.Context(), eventlog.PruneRequest{Below: want[0].Below}); err != nil {
		t.Fatal(err)
	}
	if report := k.trim(eventlog.TrimOptions{}); report.Pruned.Entries != 1 || len(report.Ahead) > 0 {
		t.Errorf("after the prune: %+v", report)
	}
}
