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

func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, cfg := t.TempDir(), config("a")
		l := eventlogtest.Create(t, dir, cfg)
		appendAll(t, l, numbered(0, 5))
		r := start(t, func(ctx context.Context) error {
			return l.Follow(ctx, "f", eventlog.FollowConfig{MaxEntries: 3}, keep("f"))
		})
		wantKept(t, l, "f", "0 1 2|3 4|")
		mustAppend(t, l, "5")
		synctest.Wait()
		wantKept(t, l, "f", "0 1 2|3 4|5|")
		if s := status(t, l, "f"); !s.Running || s.Cursor != 6 || s.Next != 6 || s.Lag != 0 || s.Handled != 6 || !s.Holds || s.Since.IsZero() {
			t.Errorf("status %+v", s)
		}
		r.stop()
		mustAppend(t, l, "6")
		if s := status(t, l, "f"); s.Running || s.Cursor != 6 || s.Lag != 1 {
			t.Errorf("status %+v", s)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = eventlogtest.Reopen(t, dir, cfg)
		catchUp(t, l, "f", eventlog.FollowConfig{}, keep("f"))
		wantKept(t, l, "f", "0 1 2|3 4|5|6|")
	})
}

func TestFollowFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		other := newStranger(t, "other")
		apply(t, l, other.chain(crdt.Op{}, 3, "other")...)
		for _, e := range []crdt.Event{
			{Kind: "k1", Module: "m1", Subject: "s1"}, {Kind: "k2", Module: "m1", Subject: "s2"}, {Kind: "k1", Module: "m2", Subject: "s2"},
		} {
			if _, err := l.Append(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		for name, test := range map[string]struct {
			cfg    eventlog.FollowConfig
			want   []uint64
			filter string
		}{
			"all":      {eventlog.FollowConfig{}, []uint64{0, 1, 2, 3, 4, 5}, ""},
			"kinds":    {eventlog.FollowConfig{Kinds: []string{"k1", "k3"}}, []uint64{3, 5}, "kind=k1,k3"},
			"modules":  {eventlog.FollowConfig{Modules: []string{"m1"}}, []uint64{3, 4}, "module=m1"},
			"subjects": {eventlog.FollowConfig{Subjects: []string{"s2"}, Kinds: []string{"k1"}}, []uint64{5}, "kind=k1 subject=s2"},
			"authors":  {eventlog.FollowConfig{Authors: []crdt.Author{other.author()}}, []uint64{0, 1, 2}, "author=" + other.author().Short()},
			"from":     {eventlog.FollowConfig{From: 4}, []uint64{4, 5}, ""},
			"now":      {eventlog.FollowConfig{From: eventlog.Now}, nil, ""},
		} {
			var got []uint64
			catchUp(t, l, name, test.cfg, func(_ *eventlog.Tx, batch []eventlog.Entry) error {
				for _, e := range batch {
					got = append(got, e.Offset)
				}
				return nil
			})
			if !slices.Equal(got, test.want) || status(t, l, name).Filter != test.filter {
				t.Errorf("%s: offsets %v, want %v; filter %q, want %q", name, got, test.want, status(t, l, name).Filter, test.filter)
			}
		}
	})
}

// TestNoTransactionIsHeldWhileAFollowerWaits (system B: an early version held a write transaction while
// it waited): for entries, for a batch to fill, and between two attempts.
func TestNoTransactionIsHeldWhileAFollowerWaits(t *testing.T) {
	failing := func(*eventlog.Tx, []eventlog.Entry) error { return errors.New("not now") }
	for name, test := range map[string]struct {
		cfg     eventlog.FollowConfig
		handler func(*eventlog.Tx, []eventlog.Entry) error
	}{
		"for entries":  {eventlog.FollowConfig{}, keep("f")},
		"for a batch":  {eventlog.FollowConfig{MaxWait: time.Hour}, keep("f")},
		"to try again": {eventlog.FollowConfig{OnError: eventlog.RetryOnError, RetryMin: time.Hour}, failing},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := eventlogtest.Open(t)
			mustAppend(t, l, "0")
			r := start(t, func(ctx context.Context) error { return l.Follow(ctx, "f", test.cfg, test.handler) })
			began := time.Now()
			if n := eventlog.Bolt(l).Stats().OpenTxN; n != 0 {
				t.Errorf("%s: %d transactions are open", name, n)
			}
			mustAppend(t, l, "1")
			if err := l.Update(t.Context(), count); err != nil || time.Since(began) != 0 {
				t.Errorf("%s: an update took %s: %v", name, time.Since(began), err)
			}
			r.stop()
		})
	}
}

// TestAnErrorDoesNotAdvance (system B: an error stops the follower where it is): nothing of the batch
// is kept, and the next start begins with it.
func TestAnErrorDoesNotAdvance(t *testing.T) {
	l := eventlogtest.Open(t)
	appendAll(t, l, numbered(0, 6))
	refused := errors.New("refused")
	handler := func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		if err := keep("f")(tx, batch); err != nil {
			return err
		}
		if _, err := tx.Append(note("undone")); err != nil {
			return err
		}
		if batch[0].Offset == 2 {
			return refused
		}
		return errors.Join(tx.SetCursor("other", 1))
	}
	cfg := eventlog.FollowConfig{MaxEntries: 2, Kinds: []string{"test.note"}}
	for range 2 {
		err := l.Follow(t.Context(), "f", cfg, handler)
		want := &eventlog.HandlerError{Name: "f", First: 2, Last: 3, Attempts: 1, Err: refused}
		if got, ok := err.(*eventlog.HandlerError); !ok || *got != *want || !errors.Is(err, refused) {
			t.Errorf("follow: %v, want %v", err, want)
		}
		wantKept(t, l, "f", "0 1|")
	}
	s := status(t, l, "f")
	if s.Cursor != 2 || s.Handled != 2 || s.Failure == nil || s.Failure.Error != "refused" || s.Failure.Time.IsZero() ||
		s.Failure.First != 2 || s.Failure.Last != 3 || s.Failure.Attempts != 1 {
		t.Errorf("status %+v, failure %+v", s, s.Failure)
	}
	if n := l.Stats().Entries; n != 7 {
		t.Errorf("%d entries, want 7: what a failed handler has appended is kept", n)
	}
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 6))
		_ = l.Follow(t.Context(), "f", cfg, handler)
		catchUp(t, l, "f", cfg, keep("f"))
		wantKept(t, l, "f", "0 1|2 3|4 5|")
		if s := status(t, l, "f"); s.Failure == nil || s.Failure.Attempts != 0 {
			t.Errorf("failure %+v, want one that has passed", s.Failure)
		}
	})
}

// TestAFollowerWithoutACursorBeginsAtOnce (system C: a follower without a cursor waited for ever).
func TestAFollowerWithoutACursorBeginsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 3))
		catchUp(t, l, "begins", eventlog.FollowConfig{}, keep("begins"))
		wantKept(t, l, "begins", "0 1 2|")
		// One that begins with what is new has a cursor before anything is.
		catchUp(t, l, "new", eventlog.FollowConfig{From: eventlog.Now}, keep("new"))
		mustAppend(t, l, "3")
		catchUp(t, l, "new", eventlog.FollowConfig{From: eventlog.Now}, keep("new"))
		wantKept(t, l, "new", "3|")
	})
}

func TestFollowerNamesAndConfigurations(t *testing.T) {
	l := eventlogtest.Open(t)
	for _, name := range []string{"", strings.Repeat("n", 256), "\xff", "quipu.transition"} {
		if err := l.Follow(t.Context(), name, eventlog.FollowConfig{}, keep("f")); !errors.Is(err, eventlog.ErrName) {
			t.Errorf("follower %q: %v", name, err)
		}
	}
	for field, cfg := range map[string]eventlog.FollowConfig{
		"From":       {From: crdt.MaxSeq},
		"MaxEntries": {MaxEntries: 1<<16 + 1},
		"MaxBytes":   {MaxBytes: -1},
		"MaxWait":    {MaxWait: -1},
		"OnError":    {OnError: 2},
		"RetryMin":   {RetryMin: time.Hour, RetryMax: time.Minute},
		"ParkAfter":  {ParkAfter: 1},
		"Kinds":      {Kinds: []string{strings.Repeat("k", 16<<10)}},
	} {
		if err := l.Follow(t.Context(), "f", cfg, keep("f")); err == nil || !strings.Contains(err.Error(), "config: "+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if all, err := l.Followers(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("followers %v, %v", all, err)
	}
}

func TestFollowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		mustAppend(t, l, "0")
		r := start(t, func(ctx context.Context) error { return l.Follow(ctx, "f", eventlog.FollowConfig{}, keep("f")) })
		if err := l.Follow(t.Context(), "f", eventlog.FollowConfig{}, keep("f")); !errors.Is(err, eventlog.ErrFollowing) {
			t.Errorf("a second one: %v", err)
		}
		r.stop()

		func() {
			defer func() {
				if p := recover(); p != "oh" {
					t.Errorf("recovered %v", p)
				}
			}()
			_ = l.Follow(t.Context(), "panics", eventlog.FollowConfig{}, func(tx *eventlog.Tx, batch []eventlog.Entry) error {
				_ = keep("panics")(tx, batch)
				panic("oh")
			})
		}()
		wantKept(t, l, "panics", "")
		catchUp(t, l, "panics", eventlog.FollowConfig{}, keep("panics"))
		wantKept(t, l, "panics", "0|")

		// A handler that gives up because ctx ends has not failed.
		ctx, cancel := context.WithCancel(t.Context())
		err := l.Follow(ctx, "cancelled", eventlog.FollowConfig{}, func(tx *eventlog.Tx, _ []eventlog.Entry) error {
			cancel()
			return fmt.Errorf("give up: %w", ctx.Err())
		})
		if s := status(t, l, "cancelled"); err != context.Canceled || s.Cursor != 0 || s.Failure != nil { //nolint:errorlint // the very error
			t.Errorf("follow: %v, status %+v", err, s)
		}

		err = l.Update(t.Context(), func(*eventlog.Tx) error {
			if err := l.Follow(t.Context(), "inside", eventlog.FollowConfig{}, keep("f")); !errors.Is(err, eventlog.ErrInTx) {
				t.Errorf("follow inside an update: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		waits := start(t, func(ctx context.Context) error { return l.Follow(ctx, "f", eventlog.FollowConfig{}, keep("f")) })
		retries := start(t, func(ctx context.Context) error {
			return l.Follow(ctx, "r", eventlog.FollowConfig{OnError: eventlog.RetryOnError}, func(*eventlog.Tx, []eventlog.Entry) error {
				return errors.New("never")
			})
		})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*run{waits, retries} {
			if err := r.error(); !errors.Is(err, eventlog.ErrClosed) {
				t.Errorf("ended with %v, want ErrClosed", err)
			}
		}
	})
}
