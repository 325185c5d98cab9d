package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// lookOn opens the log in dir for reading only.
func lookOn(t testing.TB, dir string) *eventlog.Log {
	t.Helper()
	l, err := eventlog.Open(dir, eventlog.Config{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// orders are all ways to read.
func orders() (all []eventlog.Query) {
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal, eventlog.Arrival} {
		all = append(all, eventlog.Query{Order: order}, eventlog.Query{Order: order, Reverse: true},
			eventlog.Query{Order: order, Kinds: []string{"kept"}})
	}
	return all
}

// keptPlaces returns where the kept entries stand that a query takes, and calls between before each of them.
func keptPlaces(t testing.TB, l *eventlog.Log, q eventlog.Query, between func(n int)) (all []string) {
	t.Helper()
	q.GoOn = true
	for e, err := range l.Entries(t.Context(), q) {
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		if e.Kind == "kept" {
			between(len(all))
			all = append(all, fmt.Sprintf("%s %.8s", e.Place(), e.Payload))
		}
	}
	return all
}

// onlooked is a log of two authors, with entries that a trim takes between those that are kept.
type onlooked struct {
	*keeper
	other *eventlog.Log
}

func newOnlooked(t *testing.T) onlooked {
	o := onlooked{keeper: newKeeper(t, "keeper"), other: eventlogtest.OpenAs(t, "other")}
	for range 8 {
		o.write(40)
	}
	if _, err := o.Append(t.Context(), event("kept", "last")); err != nil {
		t.Fatal(err)
	}
	if err := o.CatchUpIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	return o
}

func event(kind, text string) crdt.Event {
	return crdt.Event{Kind: kind, Payload: fmt.Appendf(nil, "%q", text+strings.Repeat(" ", 900))}
}

// write appends n entries here and there, and brings those from there.
func (o onlooked) write(n int) {
	o.t.Helper()
	for i := 0; i < n; i += 5 {
		var events []crdt.Event
		for range 5 {
			events = append(events, event("kept", fmt.Sprint(i)))
		}
		for range 5 {
			gone := event("gone", fmt.Sprint(i))
			gone.Retention = crdt.Trimmable
			events = append(events, gone)
		}
		for _, l := range []*eventlog.Log{o.Log, o.other} {
			if _, err := l.AppendBatch(o.t.Context(), events); err != nil {
				o.t.Fatal(err)
			}
		}
	}
	eventlogtest.Exchange(o.t, o.other, o.Log)
}

// TestReadingBesideAWriterBetweenChunks: whatever another process writes while a reader's consumer waits, the reader goes on
// to the end that it began with.
func TestReadingBesideAWriterBetweenChunks(t *testing.T) {
	o := newOnlooked(t)
	steps := []func(){
		func() { o.write(5) },
		func() { o.now = o.now.Add(2 * time.Hour); o.trim(eventlog.TrimOptions{}) },
		func() {
			if _, err := o.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	}
	for i, q := range orders() {
		want := keptPlaces(t, o.Log, q, func(int) {})
		r, step := lookOn(t, o.dir), i
		got := keptPlaces(t, r, q, func(n int) {
			if n%97 == 96 {
				steps[step%len(steps)]()
				step++
			}
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, reverse %v, kinds %v (-want +got):\n%s", q.Order, q.Reverse, q.Kinds, diff)
		}
		if step < i+len(steps) {
			t.Errorf("%s: %d steps", q.Order, step-i)
		}
		eventlogtest.Verify(t, r)
		if len(want) > len(keptPlaces(t, r, q, func(int) {})) {
			t.Error("a second reading shows less")
		}
	}
}

// TestReadingBesideAWriterThatNeverRests reads while commits, trims and compactions come one after the other.
func TestReadingBesideAWriterThatNeverRests(t *testing.T) {
	o := newOnlooked(t)
	var queries []eventlog.Query
	want := map[int][]string{}
	for i, q := range orders() {
		queries, want[i] = append(queries, q), keptPlaces(t, o.Log, q, func(int) {})
	}
	r := lookOn(t, o.dir)
	stop, stopped := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; stop.Err() == nil; i++ {
			if _, err := o.Append(t.Context(), event("later", fmt.Sprint(i))); err != nil {
				t.Errorf("append: %v", err)
				return
			}
			if i%500 == 499 {
				if _, err := o.Compact(t.Context()); err != nil {
					t.Errorf("compact: %v", err)
				}
			}
		}
	})
	var readers sync.WaitGroup
	for i, q := range queries {
		readers.Go(func() {
			// What came later is behind all that was there, but in the other author's part of the order.
			if diff := cmp.Diff(want[i], keptPlaces(t, r, q, func(int) {})); diff != "" {
				t.Errorf("%s, reverse %v, kinds %v (-want +got):\n%s", q.Order, q.Reverse, q.Kinds, diff)
			}
		})
	}
	readers.Wait()
	overtaken := 0
	for range 500 {
		if err := eventlog.ViewOnce(r, func() {}); errors.Is(err, eventlog.ErrOvertaken) {
			overtaken++
		}
	}
	report, err := r.Verify(t.Context())
	stopped()
	wg.Wait()
	if err != nil || !report.OK() {
		t.Errorf("verify: %s, %v, %v", &report, report.Problems, err)
	}
	if overtaken == 0 {
		t.Error("nothing was overtaken: the test shows nothing")
	}
}

// TestWhatIsReadAnewIsOvertaken commits while a reader reads anew what the log is, since its file is another: what it has read
// by then is not kept, and the next try reads it all.
func TestWhatIsReadAnewIsOvertaken(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, "first")
	overtakes := 0
	r, err := eventlog.Open(filepath.Dir(l.Path()), eventlog.Config{ReadOnly: true, Now: func() time.Time {
		for ; overtakes > 0; overtakes-- {
			mustAppend(t, l, "overtakes")
		}
		return time.Now()
	}})
	must(t, err)
	defer r.Close()
	_, err = l.Compact(t.Context())
	must(t, err)
	mustAppend(t, l, "second")
	overtakes = 3
	eventlogtest.Verify(t, r)
	if n := r.Feed(l.Author()).Next(); n == 0 || overtakes > 0 {
		t.Errorf("our feed ends at %d, and %d commits are left", n, overtakes)
	}
}

// TestAViewBeginsAgainWhereItIsOvertaken commits in the middle of a step: it runs again, and sees what is there now.
func TestAViewBeginsAgainWhereItIsOvertaken(t *testing.T) {
	o := newOnlooked(t)
	eventlog.Unsynced(o.Log)
	r := lookOn(t, o.dir)
	runs := 0
	err := eventlog.ViewOps(r, o.Author(), func() {
		if runs++; runs == 1 {
			mustAppend(t, o.Log, "overtakes")
		}
	})
	if err != nil || runs != 2 {
		t.Errorf("the step ran %d times: %v", runs, err)
	}
	runs = 0
	err = eventlog.ViewOps(r, o.Author(), func() {
		runs++
		mustAppend(t, o.Log, "overtakes")
	})
	if !errors.Is(err, eventlog.ErrOvertaken) || runs < 10 {
		t.Errorf("the step ran %d times: %v", runs, err)
	}
	err = r.View(t.Context(), func(tx *eventlog.ReadTx) error {
		mustAppend(t, o.Log, "overtakes")
		for range tx.Arrivals(0) {
		}
		return nil
	})
	if !errors.Is(err, eventlog.ErrOvertaken) {
		t.Errorf("view: %v", err)
	}
}

// TestReadOnlyWritesNothing: no key is needed, all that writes says why it does not, and nothing lies beside the file.
func TestReadOnlyWritesNothing(t *testing.T) {
	o := newOnlooked(t)
	author, next := o.Author(), o.Stats().Next
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(o.dir, "quipu.db.seen")); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(o.dir, "quipu.db"))
	if err != nil {
		t.Fatal(err)
	}
	r := lookOn(t, o.dir)
	if r.Author() != author || r.Stats().Next != next || !r.Health().Untold {
		t.Errorf("author %s, next %d, health %+v", r.Author(), r.Stats().Next, r.Health())
	}
	for name, write := range map[string]func() error{
		"append":    func() error { _, err := r.Append(t.Context(), note("x")); return err },
		"update":    func() error { return r.Update(t.Context(), func(*eventlog.Tx) error { return nil }) },
		"broadcast": func() error { _, err := r.Broadcast(t.Context(), crdt.Event{Kind: "x"}, eventlog.Here); return err },
		"trim": func() error {
			_, err := r.Trim(t.Context(), eventlog.TrimOptions{Policy: &eventlog.TrimPolicy{MinCount: 1}})
			return err
		},
		"compact": func() error { _, err := r.Compact(t.Context()); return err },
		"index":   func() error { return r.RebuildIndex(t.Context()) },
		"follow": func() error {
			return r.Follow(t.Context(), "f", eventlog.FollowConfig{}, func(*eventlog.Tx, []eventlog.Entry) error { return nil })
		},
	} {
		if err := write(); !errors.Is(err, eventlog.ErrOpenedReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Append(t.Context(), note("x")); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("append to what is closed: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(o.dir, "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("beside the file lie %v, %v", files, err)
	}
	if after, err := os.ReadFile(files[0]); err != nil || string(after) != string(before) {
		t.Errorf("the file is another: %v", err)
	}
	o.Log = eventlogtest.Reopen(t, o.dir, o.cfg)
}

// TestReadOnlyTellsOfAFailedSync: what is there is read, and Health says what that is worth. The mark stays.
func TestReadOnlyTellsOfAFailedSync(t *testing.T) {
	o := newOnlooked(t)
	mark := filepath.Join(o.dir, "quipu.db.unsynced")
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := lookOn(t, o.dir)
	if n := len(keptPlaces(t, r, eventlog.Query{}, func(int) {})); n != 641 {
		t.Errorf("read %d entries", n)
	}
	if err := r.Health().ReadOnly; !errors.Is(err, eventlog.ErrReadOnly) || !strings.Contains(err.Error(), "may not be on disk") {
		t.Errorf("health: %v", err)
	}
	if err := os.Remove(mark); err != nil {
		t.Errorf("the mark: %v", err)
	}
}

// TestReadOnlyRefusesAnotherLog: a log that was put back to an older state, or another one in its place, is not read on.
func TestReadOnlyRefusesAnotherLog(t *testing.T) {
	o := newOnlooked(t)
	older := eventlogtest.OpenAs(t, "older")
	r := lookOn(t, o.dir)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(older.Path())
	if err != nil {
		t.Fatal(err)
	}
	whole := o.Path()
	if err := os.Rename(whole, whole+".kept"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(whole, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, err = range r.Entries(t.Context(), eventlog.Query{}) {
		break
	}
	if err == nil || !strings.Contains(err.Error(), "another log now") {
		t.Errorf("read: %v", err)
	}
	if err := os.Rename(whole+".kept", whole); err != nil {
		t.Fatal(err)
	}
	o.Log = eventlogtest.Reopen(t, o.dir, o.cfg)
	if _, err := eventlog.Open(t.TempDir(), eventlog.Config{ReadOnly: true}); !errors.Is(err, eventlog.ErrNotExist) {
		t.Errorf("open nothing: %v", err)
	}
}
