package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

var errPoison = errors.New("poison")

// poisoned is keep, but for batches that hold an entry that says one of the words.
func poisoned(name string, words ...string) func(tx *eventlog.Tx, batch []eventlog.Entry) error {
	return func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		if err := keep(name)(tx, batch); err != nil {
			return err
		}
		for _, e := range batch {
			if slices.Contains(words, saying([]eventlog.Entry{e})) {
				return errPoison
			}
		}
		return nil
	}
}

// TestPausesDouble fails a handler, and looks at when it is called again.
func TestPausesDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		mustAppend(t, l, "0")
		var calls []time.Time
		r := start(t, func(ctx context.Context) error {
			cfg := eventlog.FollowConfig{OnError: eventlog.RetryOnError, RetryMin: time.Second, RetryMax: 10 * time.Second}
			return l.Follow(ctx, "f", cfg, func(tx *eventlog.Tx, batch []eventlog.Entry) error {
				if calls = append(calls, time.Now()); len(calls) < 8 {
					return errPoison
				}
				return keep("f")(tx, batch)
			})
		})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if s := status(t, l, "f"); s.Cursor != 0 || s.Failure == nil || s.Failure.Attempts < 2 || s.Failure.Error != "poison" {
			t.Errorf("status %+v, failure %+v", s, s.Failure)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		wantKept(t, l, "f", "0|")
		for i, most := range []time.Duration{1, 2, 4, 8, 10, 10, 10} {
			most *= time.Second
			if d := calls[i+1].Sub(calls[i]); d < most/2 || d > most {
				t.Errorf("pause %d took %s, want between %s and %s", i, d, most/2, most)
			}
		}
		if s := status(t, l, "f"); s.Cursor != 1 || s.Failure.Attempts != 0 {
			t.Errorf("status %+v, failure %+v", s, s.Failure)
		}
		r.stop()
	})
}

// TestPoisonIsParked narrows batches to the entries that fail, parks those, and goes on.
func TestPoisonIsParked(t *testing.T) {
	for _, words := range [][]string{{"0"}, {"5"}, {"15"}, {"3", "4"}, {"0", "7", "8", "15"}} {
		for _, after := range []int{1, 3} {
			synctest.Test(t, func(t *testing.T) {
				l := eventlogtest.Open(t)
				appendAll(t, l, numbered(0, 16))
				cfg := eventlog.FollowConfig{OnError: eventlog.RetryOnError, ParkAfter: after, MaxEntries: 11}
				r := start(t, func(ctx context.Context) error { return l.Follow(ctx, "f", cfg, poisoned("f", words...)) })
				time.Sleep(time.Hour)
				synctest.Wait()
				r.stop()
				checkParked(t, l, words)
			})
		}
	}
}

// checkParked checks that the words of 16 are parked, and all others handled once, in order.
func checkParked(t *testing.T, l *eventlog.Log, words []string) {
	t.Helper()
	var want []string
	for i := range 16 {
		if s := fmt.Sprint(i); !slices.Contains(words, s) {
			want = append(want, s)
		}
	}
	got := strings.Fields(strings.ReplaceAll(kept(t, l, "f"), "|", " "))
	if !slices.Equal(got, want) {
		t.Errorf("poison %q: handled %q, want %q", words, got, want)
	}
	parked, err := l.Parked(t.Context(), "f")
	if err != nil || len(parked) != len(words) {
		t.Fatalf("parked %+v, %v", parked, err)
	}
	for i, p := range parked {
		if fmt.Sprint(p.Offset) != words[i] || p.Author != l.Author() || p.Seq != p.Offset || p.Kind != "test.note" || p.Subject != "s" ||
			p.Failure.Error != "poison" || p.Failure.Attempts < 1 || p.Failure.First != p.Offset || p.Failure.Last != p.Offset || p.Op.IsZero() {
			t.Errorf("parked %+v", p)
		}
	}
	if s := status(t, l, "f"); s.Cursor != 16 || s.Handled != uint64(16-len(words)) || s.Parked != uint64(len(words)) {
		t.Errorf("status %+v", s)
	}
}

// TestABatchThatFailsOnlyAsAWholeParksNothing fails batches of more than one entry.
func TestABatchThatFailsOnlyAsAWholeParksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 5))
		cfg := eventlog.FollowConfig{OnError: eventlog.RetryOnError, ParkAfter: 1}
		r := start(t, func(ctx context.Context) error {
			return l.Follow(ctx, "f", cfg, func(tx *eventlog.Tx, batch []eventlog.Entry) error {
				if len(batch) > 1 {
					return errPoison
				}
				return keep("f")(tx, batch)
			})
		})
		time.Sleep(time.Hour)
		synctest.Wait()
		r.stop()
		wantKept(t, l, "f", "0|1|2|3|4|")
	})
}

// TestTheLogsOwnFaultParksNothing lets a handler append to a log that cannot: no entry is to blame.
func TestTheLogsOwnFaultParksNothing(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, "0")
	twin := eventlogtest.OpenAs(t, t.Name()) // with the same key
	mustAppend(t, twin, "other 0")
	apply(t, l, readAll(t, twin, twin.Author()).Ops...)
	err := l.Follow(t.Context(), "f", eventlog.FollowConfig{OnError: eventlog.RetryOnError, ParkAfter: 1},
		func(tx *eventlog.Tx, _ []eventlog.Entry) error {
			if _, err := tx.Append(note("x")); err != nil {
				return fmt.Errorf("emit: %w", err)
			}
			return nil
		})
	if _, handler := errors.AsType[*eventlog.HandlerError](err); handler || !errors.Is(err, eventlog.ErrSecondWriter) {
		t.Errorf("follow: %v, want ErrSecondWriter", err)
	}
	if s := status(t, l, "f"); s.Parked != 0 || s.Cursor != 0 {
		t.Errorf("status %+v", s)
	}
}

// parkSome parks the entries 1, 3 and 5 of 6.
func parkSome(t *testing.T, l *eventlog.Log) {
	t.Helper()
	events := numbered(0, 6)
	for i := range events {
		events[i].Retention = crdt.Trimmable
	}
	appendAll(t, l, events)
	cfg := eventlog.FollowConfig{OnError: eventlog.RetryOnError, ParkAfter: 1}
	catchUp(t, l, "f", cfg, poisoned("f", "1", "3", "5"))
	if got := parkedAt(t, l); !slices.Equal(got, []uint64{1, 3, 5}) {
		t.Fatalf("parked at %v", got)
	}
}

func parkedAt(t *testing.T, l *eventlog.Log) (offsets []uint64) {
	t.Helper()
	parked, err := l.Parked(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parked {
		offsets = append(offsets, p.Offset)
	}
	return offsets
}

func TestReplayParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		parkSome(t, l)
		before, err := l.Parked(t.Context(), "f")
		if err != nil {
			t.Fatal(err)
		}
		n, err := l.ReplayParked(t.Context(), "f", poisoned("replayed", "3"))
		failed, ok := err.(*eventlog.HandlerError)
		if n != 2 || !ok || failed.First != 3 || failed.Last != 3 || failed.Attempts != before[1].Failure.Attempts+1 {
			t.Errorf("replay: %d, %v", n, err)
		}
		wantKept(t, l, "replayed", "1|5|")
		if got := parkedAt(t, l); !slices.Equal(got, []uint64{3}) {
			t.Errorf("parked at %v, want 3", got)
		}
		if s := status(t, l, "f"); s.Parked != 1 || s.Handled != 5 {
			t.Errorf("status %+v", s)
		}
		if n, err := l.ReplayParked(t.Context(), "f", keep("replayed")); n != 1 || err != nil {
			t.Errorf("replay again: %d, %v", n, err)
		}
		if n, err := l.ReplayParked(t.Context(), "f", keep("replayed")); n != 0 || err != nil {
			t.Errorf("replay of nothing: %d, %v", n, err)
		}
		wantKept(t, l, "replayed", "1|5|3|")
		if _, err := l.ReplayParked(t.Context(), "g", keep("g")); !errors.Is(err, eventlog.ErrNoFollower) {
			t.Errorf("replay of a follower that is not there: %v", err)
		}
	})
}

func TestDropParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		parkSome(t, l)
		if n, err := l.DropParked(t.Context(), "f", 3, 2); n != 0 || !errors.Is(err, eventlog.ErrNotParked) {
			t.Errorf("drop of what is not parked: %d, %v", n, err)
		}
		if n, err := l.DropParked(t.Context(), "f", 3); n != 1 || err != nil {
			t.Errorf("drop: %d, %v", n, err)
		}
		if got := parkedAt(t, l); !slices.Equal(got, []uint64{1, 5}) {
			t.Errorf("parked at %v", got)
		}
		if n, err := l.DropParked(t.Context(), "f"); n != 2 || err != nil {
			t.Errorf("drop all: %d, %v", n, err)
		}
		if s := status(t, l, "f"); s.Parked != 0 || s.Dropped != 3 {
			t.Errorf("status %+v", s)
		}
	})
}

// TestAParkedEntryThatIsTrimmedIsNamed parks an entry whose body goes before it is replayed.
func TestAParkedEntryThatIsTrimmedIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		parkSome(t, l)
		eventlog.TrimAt(t, l, 3)
		n, err := l.ReplayParked(t.Context(), "f", keep("replayed"))
		gone, ok := errors.AsType[*eventlog.TrimmedError](err)
		if n != 0 || !ok || gone.Author != l.Author() || gone.Seq != 1 || gone.Gone == 0 {
			t.Errorf("replay: %d, %+v", n, err)
		}
		parked, err := l.Parked(t.Context(), "f")
		if err != nil || len(parked) != 3 || parked[1].Seq != 3 || parked[1].Kind != "test.note" {
			t.Errorf("parked: %+v, %v", parked, err)
		}
	})
}

// TestTooManyParked stops a follower that parks everything.
func TestTooManyParked(t *testing.T) {
	if testing.Short() {
		t.Skip("parks 10,000 entries")
	}
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.Unsynced(eventlogtest.Open(t))
		appendAll(t, l, numbered(0, 100))
		eventlog.SetParked(t, l, "f", 10_000-2)
		r := start(t, func(ctx context.Context) error {
			return l.Follow(ctx, "f", eventlog.FollowConfig{OnError: eventlog.RetryOnError, ParkAfter: 1},
				func(*eventlog.Tx, []eventlog.Entry) error { return errPoison })
		})
		if err := r.error(); !errors.Is(err, eventlog.ErrTooManyParked) {
			t.Errorf("follow: %v", err)
		}
		if s := status(t, l, "f"); s.Cursor != 2 || s.Parked != 10_000 {
			t.Errorf("status %+v", s)
		}
	})
}
