package server_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/server"
)

// nothingKept is a policy that trims whatever may be trimmed at once.
var nothingKept = eventlog.TrimPolicy{MinAge: -1, MinCount: eventlog.NoCount}

// newTrimmable returns a log that trims by the policy: trimmable entries and then a persistent one, each in
// an op of its own.
func newTrimmable(t *testing.T, policy eventlog.TrimPolicy, trimmable int) *eventlog.Log {
	t.Helper()
	log := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("a"), Trim: policy})
	for i := range trimmable + 1 {
		e := crdt.Event{Kind: "seen", Subject: fmt.Sprint(i), Retention: crdt.Trimmable}
		if i == trimmable {
			e.Retention = crdt.Persistent
		}
		if _, err := log.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	return log
}

// inMemory returns a client of log, in memory.
func inMemory(t *testing.T, log *eventlog.Log) *client.Client {
	return transports["in memory"](t, server.New(server.Config{Log: log}))
}

// TestReaderBehindTheTrimPointIsToldWhereToGoOn reads what is gone, which must end neither in silence nor in
// waiting. System C: who is behind the trim point waits for ever.
func TestReaderBehindTheTrimPointIsToldWhereToGoOn(t *testing.T) {
	log := newTrimmable(t, nothingKept, 3)
	c := inMemory(t, log)
	if _, err := c.Trim(t.Context(), api.TrimRequest{}); err != nil {
		t.Fatal(err)
	}
	want := &api.TrimmedError{
		Place: &crdt.Place{Author: log.Author(), Seq: 1}, Entries: 2,
		First: &crdt.Place{Author: log.Author(), Seq: 3}, Offset: 3,
	}
	from := uint64(1)
	check := func(what string, err error) {
		refusal, ok := errors.AsType[*api.Error](err)
		if !ok || refusal.Code != api.Trimmed || !errors.Is(err, api.ErrTrimmed) || errors.Is(err, api.ErrNotFound) {
			t.Fatalf("%s: got %v, want an error that says what is gone", what, err)
		}
		if diff := cmp.Diff(want, refusal.Trimmed); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	_, err := c.Entry(t.Context(), *want.Place)
	check("look up", err)
	for _, err := range c.Tail(t.Context(), api.Query{Offset: &from, Gone: "stop"}) {
		check("tail", err)
	}
	for _, err := range c.Entries(t.Context(), api.Query{From: want.Place, Gone: "stop"}) {
		check("entries", err)
	}
	_, err = c.Prove(t.Context(), *want.Place)
	check("prove", err)

	w := httptest.NewRecorder()
	server.New(server.Config{Log: log}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/entries/"+url.PathEscape(want.Place.String()), nil))
	if w.Code != http.StatusGone {
		t.Errorf("status %d, want %d", w.Code, http.StatusGone)
	}
}

// TestAReadingThatGoesOnIsNotEndedByATrim: quipu log --gone skip ended with exit code 3 where a trim overtook it.
func TestAReadingThatGoesOnIsNotEndedByATrim(t *testing.T) {
	for _, q := range []api.Query{{GoOn: true}, {GoOn: true, Gone: "show"}, {}} {
		log := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("a"), Trim: nothingKept})
		big := crdt.Event{Kind: "seen", Payload: fmt.Appendf(nil, "%q", strings.Repeat("x", 50_000)), Retention: crdt.Trimmable}
		for range 20 {
			if _, err := log.Append(t.Context(), big); err != nil {
				t.Fatal(err)
			}
		}
		last, err := log.Append(t.Context(), crdt.Event{Kind: "last"})
		if err != nil {
			t.Fatal(err)
		}
		reached := false
		var failed error
		n := 0
		for line, err := range inMemory(t, log).Entries(t.Context(), q) {
			if failed = err; err != nil {
				break
			}
			if n++; n == 1 {
				if _, err := log.Trim(t.Context(), eventlog.TrimOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			e, _, err := line.Entry()
			if err != nil {
				t.Fatal(err)
			}
			reached = e.Place() == last
		}
		if q.GoOn && (failed != nil || !reached) || !q.GoOn && !errors.Is(failed, api.ErrTrimmed) {
			t.Errorf("%+v: after %d entries, the last %t: %v", q, n, reached, failed)
		}
	}
}

func TestEntriesShowsWhatIsGone(t *testing.T) {
	log := newTrimmable(t, nothingKept, 2)
	c := inMemory(t, log)
	if _, err := c.Trim(t.Context(), api.TrimRequest{}); err != nil {
		t.Fatal(err)
	}
	for gone, want := range map[string][]uint64{"": {0}, "skip": {0}, "show": {1, 1, 0}} {
		var got []uint64
		for line, err := range c.Entries(t.Context(), api.Query{Gone: gone}) {
			if err != nil {
				t.Fatal(err)
			}
			e, _, err := line.Entry()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Gone)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("gone %q: %s", gone, diff)
		}
	}
	var all []api.GoneFrom
	for g, err := range c.Gone(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, g)
	}
	if diff := cmp.Diff([]api.GoneFrom{{Author: log.Author(), Trimmed: 2}}, all); diff != "" {
		t.Error(diff)
	}
}

func TestTrimKeepsNoLessThanThePolicyUnlessForced(t *testing.T) {
	c := inMemory(t, newTrimmable(t, eventlog.TrimPolicy{}, 3))
	none, day, few := age.Age(0), age.Age(24*time.Hour), uint64(0)
	for _, r := range []api.TrimRequest{{MinAge: &none}, {MinAge: &day}, {MinCount: &few}} {
		if _, err := c.Trim(t.Context(), r); err == nil || !strings.Contains(err.Error(), "keep less than this node's policy, 14d and 10000") {
			t.Errorf("%+v: got %v, want a refusal that names the policy", r, err)
		}
	}
	more, many := age.Age(15*24*time.Hour), uint64(20_000)
	report, err := c.Trim(t.Context(), api.TrimRequest{MinAge: &more, MinCount: &many})
	want := api.TrimPolicy{MinAge: more, MinCount: many, MaxHold: eventlog.DefaultMaxHold}
	if err != nil || report.Policy != want || report.Trimmed.Entries != 0 {
		t.Errorf("more: %+v, %v", report, err)
	}
	report, err = c.Trim(t.Context(), api.TrimRequest{MinAge: &none, MinCount: &few, Force: true})
	if err != nil || report.Trimmed.Entries != 3 || report.After.Bytes == 0 {
		t.Errorf("forced: %+v, %v", report, err)
	}
}

func TestPruneOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		for range 3 {
			if _, err := log.Append(t.Context(), crdt.Event{Kind: "k"}); err != nil {
				t.Fatal(err)
			}
		}
		plan, err := c.Prune(t.Context(), api.PruneRequest{Keep: 1, Plan: true})
		if err != nil || !cmp.Equal(plan, api.Pruned{Floor: 2, Entries: 2}) || log.Stats().Entries != 3 {
			t.Fatalf("plan: %+v, %v", plan, err)
		}
		done, err := c.Prune(t.Context(), api.PruneRequest{Below: plan.Floor, Reason: "old"})
		if err != nil || done.Floor != 2 || done.Entries != 2 || *done.Place != (crdt.Place{Author: log.Author(), Seq: 3}) {
			t.Fatalf("prune: %+v, %v", done, err)
		}
		if _, err = c.Prune(t.Context(), api.PruneRequest{Below: 2}); !errors.Is(err, api.ErrNotFound) {
			t.Errorf("again: %v", err)
		}
		report, err := c.Trim(t.Context(), api.TrimRequest{})
		if err != nil || report.Pruned.Entries != 2 {
			t.Errorf("trim: %+v, %v", report, err)
		}
		if compaction, err := c.Compact(t.Context()); err != nil || compaction.Before == 0 || compaction.After == 0 {
			t.Errorf("compact: %+v, %v", compaction, err)
		}
		for _, r := range []api.PruneRequest{{}, {Below: 1, Keep: 1}, {Below: 1, Reason: strings.Repeat("x", 1<<10+1)}} {
			_, err := c.Prune(t.Context(), r)
			if refusal, ok := errors.AsType[*api.Error](err); !ok || refusal.Code != api.Invalid {
				t.Errorf("%+v: got %v, want a refusal", r, err)
			}
		}
	})
}

func TestTrimRequestsThatMakeNoSense(t *testing.T) {
	handler := server.New(server.Config{Log: eventlogtest.Open(t)})
	for body, want := range map[string]int{
		`{`: http.StatusBadRequest, `[]`: http.StatusBadRequest, `{"minage":"1d","x":1}`: http.StatusBadRequest,
		`{"minAge":"soon"}`: http.StatusBadRequest, `{"minCount":-1}`: http.StatusBadRequest,
		strings.Repeat(" ", 1<<17) + `{}`: http.StatusRequestEntityTooLarge,
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/trim", strings.NewReader(body)))
		if w.Code != want {
			t.Errorf("%.20q: status %d, want %d", body, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	for more, want := range map[int]string{0: `"policy"`, 1: `"detail":"the body is longer than 65536 bytes"`} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/trim", strings.NewReader("{}"+strings.Repeat(" ", 1<<16-2+more))))
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d bytes: %s, want %s", 1<<16+more, w.Body, want)
		}
	}
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/trim", nil))
	if w.Code != http.StatusOK {
		t.Errorf("no body: status %d: %s", w.Code, w.Body)
	}
}

// TestForksAreShownWhoseEntriesAreGone copies a log, writes with both, and trims where both have met.
func TestForksAreShownWhoseEntriesAreGone(t *testing.T) {
	dir, key := t.TempDir(), eventlogtest.Key("a")
	log := eventlogtest.Create(t, dir, eventlog.Config{Key: key})
	write := func(l *eventlog.Log, subject string) {
		t.Helper()
		if _, err := l.Append(t.Context(), crdt.Event{Kind: "k", Subject: subject, Retention: crdt.Trimmable}); err != nil {
			t.Fatal(err)
		}
	}
	write(log, "before")
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	eventlogtest.Disguise(t, dir)
	other := t.TempDir()
	if err := os.CopyFS(other, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	witness := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("w"), Trim: nothingKept})
	for name, d := range map[string]string{"one": dir, "two": other} {
		l := eventlogtest.Reopen(t, d, eventlog.Config{Key: key})
		write(l, name)
		eventlogtest.Exchange(t, l, witness)
	}
	c := inMemory(t, witness)
	if report, err := c.Trim(t.Context(), api.TrimRequest{}); err != nil || report.Trimmed.Entries != 3 {
		t.Fatalf("trim: %+v, %v", report, err)
	}
	f, err := c.Fork(t.Context(), log.Author())
	if err != nil || f.Entries != 2 || len(f.Forks) != 1 || len(f.Forks[0].Branches) != 2 {
		t.Fatalf("fork: %+v, %v", f, err)
	}
	for _, b := range f.Forks[0].Branches {
		if b.Entries != 1 || len(b.Begin) != 0 {
			t.Errorf("branch: %+v", b)
		}
	}
}
