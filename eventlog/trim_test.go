package eventlog_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// keeper is a log whose wall clock and policy the test sets.
type keeper struct {
	*eventlog.Log
	t   testing.TB
	dir string
	cfg eventlog.Config
	now time.Time
}

// newKeeper makes a log that trims what is an hour old and not among the last 10 of its feed.
func newKeeper(t testing.TB, seed string) *keeper {
	k := &keeper{t: t, dir: t.TempDir(), now: noon}
	k.cfg = eventlog.Config{
		Key: eventlogtest.Key(seed), Now: func() time.Time { return k.now },
		Trim: eventlog.TrimPolicy{MinAge: time.Hour, MinCount: 10},
	}
	k.Log = eventlogtest.Create(t, k.dir, k.cfg)
	return k
}

func (k *keeper) reopen() {
	k.t.Helper()
	if err := k.Close(); err != nil {
		k.t.Fatal(err)
	}
	k.Log = eventlogtest.Reopen(k.t, k.dir, k.cfg)
}

// add appends n entries, each in an op of its own.
func (k *keeper) add(class crdt.Retention, n int) {
	k.t.Helper()
	for range n {
		e := note(fmt.Sprint(k.Feed(k.Author()).Next()))
		e.Retention = class
		if _, err := k.Append(k.t.Context(), e); err != nil {
			k.t.Fatal(err)
		}
	}
}

func (k *keeper) trim(o eventlog.TrimOptions) eventlog.TrimReport {
	k.t.Helper()
	report, err := k.Trim(k.t.Context(), o)
	if err != nil {
		k.t.Fatal(err)
	}
	return report
}

// held returns the seqs of the entries that the query takes, and how many are gone at each place.
func (k *keeper) held(q eventlog.Query) (seqs []uint64, gone map[uint64]uint64) {
	k.t.Helper()
	gone = make(map[uint64]uint64)
	for e, err := range k.Entries(k.t.Context(), q) {
		if err != nil {
			k.t.Fatal(err)
		}
		if e.Gone > 0 {
			gone[e.Seq] = e.Gone
			continue
		}
		if want := fmt.Sprintf("%q", fmt.Sprint(e.Seq)); string(e.Payload) != want {
			k.t.Errorf("entry %d says %s", e.Seq, e.Payload)
		}
		seqs = append(seqs, e.Seq)
	}
	return seqs, gone
}

func between(from, to uint64) (seqs []uint64) {
	for ; from < to; from++ {
		seqs = append(seqs, from)
	}
	return seqs
}

func TestTrimDropsWhatIsOldAndFarEnoughBack(t *testing.T) {
	k := newKeeper(t, "keeper")
	k.add(crdt.Trimmable, 20)
	k.add(crdt.Persistent, 5)
	k.now = k.now.Add(time.Hour)
	k.add(crdt.Trimmable, 20)
	if report := k.trim(eventlog.TrimOptions{}); report.Trimmed.Entries != 20 || report.Trimmed.Bytes == 0 || report.Pruned.Ops != 0 {
		t.Errorf("report: %+v", report)
	}
	if report := k.trim(eventlog.TrimOptions{}); report.Trimmed.Ops != 0 {
		t.Errorf("the second report: %+v", report)
	}
	k.now = k.now.Add(time.Hour)
	k.trim(eventlog.TrimOptions{}) // all are old enough now, the last 10 stay
	want := append(between(20, 25), between(35, 45)...)
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal, eventlog.Arrival} {
		seqs, gone := k.held(eventlog.Query{Order: order, Gone: eventlog.ShowGone})
		if diff := cmp.Diff(want, seqs); diff != "" || len(gone) != 30 {
			t.Errorf("%s: %d are gone, held (-want +got):\n%s", order, len(gone), diff)
		}
	}
	k.reopen()
	if seqs, gone := k.held(eventlog.Query{}); !cmp.Equal(want, seqs) || len(gone) > 0 {
		t.Errorf("after opening it again: %v, gone %v", seqs, gone)
	}
	if s := k.Stats(); s.Trimmed != 30 || s.Entries != 45 || s.Next != 45 {
		t.Errorf("stats: %+v", s)
	}
}

// TestOneEntryWithAFutureTimeDoesNotBlockTheTrim: in system C one entry with a time in the future kept
// all that came after it from being trimmed.
func TestOneEntryWithAFutureTimeDoesNotBlockTheTrim(t *testing.T) {
	k := newKeeper(t, "keeper")
	k.now = k.now.AddDate(10, 0, 0) // a wall clock that is wrong for a while
	k.add(crdt.Trimmable, 1)
	k.now = noon
	k.add(crdt.Trimmable, 30) // their clocks go on from the wrong one: they cannot go back
	s := newStranger(t, "ahead")
	s.now = noon.AddDate(20, 0, 0)
	var prev crdt.Op
	for i := range 30 {
		h := crdt.Header{Log: s.log, First: uint64(i), Prev: prev.ID, Clock: crdt.NextClock(s.now, prev.Clock, 0)}
		op, err := crdt.NewOp(s.key, h, s.now, crdt.Event{Kind: "note", Subject: fmt.Sprint(i), Retention: crdt.Trimmable})
		if err != nil {
			t.Fatal(err)
		}
		apply(t, k.Log, op)
		prev = op
	}
	k.now = k.now.Add(90 * time.Minute)
	k.add(crdt.Trimmable, 1)
	k.now = k.now.Add(90 * time.Minute)
	k.add(crdt.Trimmable, 1)
	report := k.trim(eventlog.TrimOptions{})
	// Of ours all but the last 10 and the one from the wrong years; of the other's all but the last 10.
	if want := uint64(33-10-1) + 20; report.Trimmed.Entries != want {
		t.Errorf("%d entries are trimmed, want %d", report.Trimmed.Entries, want)
	}
}

// TestAWallClockThatFallsBehindTrimsNothing starts a machine whose clock has lost the years.
func TestAWallClockThatFallsBehindTrimsNothing(t *testing.T) {
	k := newKeeper(t, "keeper")
	k.add(crdt.Trimmable, 30)
	k.now = time.Unix(1000, 0)
	k.reopen()
	k.add(crdt.Trimmable, 1)
	if report := k.trim(eventlog.TrimOptions{}); report.Trimmed.Ops > 0 {
		t.Errorf("trimmed with the wrong clock: %+v", report)
	}
	k.now = noon.Add(time.Minute)
	k.add(crdt.Trimmable, 1)
	if report := k.trim(eventlog.TrimOptions{}); report.Trimmed.Ops > 0 {
		t.Errorf("trimmed once the clock was right again: %+v", report)
	}
}

// TestTrimmingNeverGivesANumberAgain: in system C a trim of a short log deleted entry 0, whose id was then
// used again.
func TestTrimmingNeverGivesANumberAgain(t *testing.T) {
	k := newKeeper(t, "keeper")
	k.add(crdt.Trimmable, 1)
	k.now = k.now.AddDate(1, 0, 0)
	k.trim(eventlog.TrimOptions{Policy: &eventlog.TrimPolicy{MinAge: -1, MinCount: eventlog.NoCount}})
	if seqs, _ := k.held(eventlog.Query{}); len(seqs) > 0 {
		t.Fatalf("still there: %v", seqs)
	}
	k.reopen()
	place, err := k.Append(t.Context(), note("next"))
	if err != nil || place.Seq != 1 {
		t.Errorf("the next place is %v, %v", place, err)
	}
	e, err := k.Lookup(t.Context(), place)
	if err != nil || e.Offset != 1 {
		t.Errorf("its offset is %d, %v", e.Offset, err)
	}
}

func TestTrimIsHeldBackByNameUpToALimit(t *testing.T) {
	k := newKeeper(t, "keeper")
	k.add(crdt.Trimmable, 40)
	err := k.Update(t.Context(), func(tx *eventlog.Tx) error { return tx.SetCursor("slow", 5) })
	if err != nil {
		t.Fatal(err)
	}
	k.now = k.now.Add(2 * time.Hour)
	report := k.trim(eventlog.TrimOptions{Holds: []eventlog.Hold{{Name: "member 5e0f1a2b", Offset: 7}}})
	want := []eventlog.HeldBack{
		{Hold: eventlog.Hold{Name: "slow", Offset: 5}, Behind: 35, Entries: 25},
		{Hold: eventlog.Hold{Name: "member 5e0f1a2b", Offset: 7}, Behind: 33, Entries: 23},
	}
	if diff := cmp.Diff(want, report.Held); diff != "" || report.Trimmed.Entries != 5 {
		t.Errorf("trimmed %d, held (-want +got):\n%s", report.Trimmed.Entries, diff)
	}
	report = k.trim(eventlog.TrimOptions{Policy: &eventlog.TrimPolicy{MinAge: time.Hour, MinCount: 10, MaxHold: 30}})
	if report.Trimmed.Entries != 25 || len(report.Held) != 1 || !report.Held[0].Overrun || report.Held[0].Name != "slow" {
		t.Errorf("past the limit: %+v", report)
	}
}

func TestReadersAreToldWhatIsGone(t *testing.T) {
	k := newKeeper(t, "keeper")
	k.add(crdt.Trimmable, 30)
	k.now = k.now.Add(time.Hour)
	pages := make(map[eventlog.Order]string)
	for order := range eventlog.Arrival + 1 {
		var err error
		if _, pages[order], err = k.Page(t.Context(), eventlog.Query{Order: order, Limit: 5}); err != nil {
			t.Fatal(err)
		}
	}
	k.trim(eventlog.TrimOptions{})
	want := eventlog.TrimmedError{
		Author: k.Author(), Seq: 7, Gone: 13, First: crdt.Place{Author: k.Author(), Seq: 20}, Offset: 20,
	}
	for order, page := range pages {
		_, _, err := k.Page(t.Context(), eventlog.Query{Order: order, Limit: 5, Page: page})
		wantTrimmed(t, err, eventlog.TrimmedError{Author: k.Author(), Seq: 5, Gone: 15, First: want.First, Offset: 20})
	}
	_, err := k.Lookup(t.Context(), crdt.Place{Author: k.Author(), Seq: 7})
	wantTrimmed(t, err, want)
	for _, err = range k.Tail(t.Context(), eventlog.Query{Gone: eventlog.StopAtGone, FromOffset: 7}) {
		break
	}
	wantTrimmed(t, err, want)
	// Whoever kept a cursor has missed what went since.
	behind := eventlog.Query{Order: eventlog.Arrival, After: k.CursorAt(7)}
	for _, err = range k.Tail(t.Context(), behind) {
		break
	}
	wantTrimmed(t, err, want)
	_, _, err = k.Page(t.Context(), behind)
	wantTrimmed(t, err, want)
	// What begins now takes what is left.
	if seqs, _ := k.held(eventlog.Query{Order: eventlog.Arrival, FromOffset: 7}); !cmp.Equal(seqs, between(20, 30)) {
		t.Errorf("read %v", seqs)
	}
	_, next, err := k.Page(t.Context(), eventlog.Query{Limit: 3, Gone: eventlog.ShowGone})
	if err != nil {
		t.Fatal(err)
	}
	rest, _, err := k.Page(t.Context(), eventlog.Query{Gone: eventlog.ShowGone, Page: next})
	if err != nil || len(rest) != 27 || rest[0].Seq != 3 || rest[0].Gone != 1 {
		t.Errorf("the next page has %d entries, %v", len(rest), err)
	}
}

func wantTrimmed(t *testing.T, err error, want eventlog.TrimmedError) {
	t.Helper()
	trimmed, ok := errors.AsType[*eventlog.TrimmedError](err)
	if !ok {
		t.Errorf("got %v, want a TrimmedError", err)
		return
	}
	if diff := cmp.Diff(want, *trimmed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNewcomerGetsWhatIsLeft gives a trimmed feed to nodes whose policies agree with that, or do not.
func TestNewcomerGetsWhatIsLeft(t *testing.T) {
	k, newcomer, stricter := newKeeper(t, "keeper"), newKeeper(t, "newcomer"), newKeeper(t, "stricter")
	stricter.cfg.Trim.MinAge = 3 * time.Hour
	stricter.reopen()
	k.add(crdt.Trimmable, 30)
	k.add(crdt.Persistent, 1)
	for _, n := range []*keeper{k, newcomer, stricter} {
		n.now = n.now.Add(2 * time.Hour)
	}
	k.trim(eventlog.TrimOptions{})
	run := readAll(t, k.Log, k.Author())
	if outcome := applyRun(t, newcomer.Log, run); outcome.Err != nil || outcome.Entries != 31 {
		t.Errorf("the newcomer: %+v", outcome)
	}
	if newcomer.Root() != k.Root() {
		t.Error("the newcomer holds something else")
	}
	if seqs, gone := newcomer.held(eventlog.Query{Gone: eventlog.ShowGone}); !cmp.Equal(seqs, between(21, 31)) || len(gone) != 21 {
		t.Errorf("the newcomer has %v, and knows that %d are not there", seqs, len(gone))
	}
	if outcome := applyRun(t, stricter.Log, run); !errors.Is(outcome.Err, crdt.ErrStripped) || outcome.Entries > 0 {
		t.Errorf("the stricter one: %+v", outcome)
	}
	// A run alone does not show that the feed goes on: its leave does.
	run.Ops = run.Ops[:5]
	other := newKeeper(t, "other")
	other.now = k.now
	if outcome := applyRun(t, other.Log, run); outcome.Err != nil || outcome.Entries != 5 {
		t.Errorf("a part of it: %+v", outcome)
	}
	run.Leave = crdt.Signed{}
	third := newKeeper(t, "third")
	third.now = k.now
	if outcome := applyRun(t, third.Log, run); !errors.Is(outcome.Err, crdt.ErrStripped) {
		t.Errorf("without the head: %+v", outcome)
	}
}
