package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

func TestResetSkipAndRemove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		for i := range 10 {
			e := note(fmt.Sprint(i))
			if i%2 == 1 {
				e.Kind = "odd"
			}
			if _, err := l.Append(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		cfg := eventlog.FollowConfig{Kinds: []string{"odd"}, OnError: eventlog.RetryOnError, RetryMin: time.Hour, RetryMax: time.Hour, MaxEntries: 1}
		r := start(t, func(ctx context.Context) error { return l.Follow(ctx, "f", cfg, poisoned("f", "5")) })
		wantKept(t, l, "f", "1|3|")
		// It waits before 5 and goes on at once when that is skipped.
		began := time.Now()
		if n, err := l.SkipFollower(t.Context(), "f", 1); n != 1 || err != nil {
			t.Errorf("skip: %d, %v", n, err)
		}
		synctest.Wait()
		wantKept(t, l, "f", "1|3|7|9|")
		if s := status(t, l, "f"); s.Skipped != 1 || s.Handled != 4 {
			t.Errorf("status %+v", s)
		}
		// One that waits for entries begins again.
		if err := l.ResetFollower(t.Context(), "f", 6); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		wantKept(t, l, "f", "1|3|7|9|7|9|")
		if time.Since(began) != 0 {
			t.Errorf("that took %s", time.Since(began))
		}
		if err := l.RemoveFollower(t.Context(), "f"); !errors.Is(err, eventlog.ErrFollowing) {
			t.Errorf("remove a follower that runs: %v", err)
		}
		r.stop()

		if err := l.ResetFollower(t.Context(), "f", 0); err != nil {
			t.Error(err)
		}
		if n, err := l.SkipFollower(t.Context(), "f", 100); n != 5 || err != nil || status(t, l, "f").Cursor != 10 {
			t.Errorf("skip more than there is: %d, %v, %+v", n, err, status(t, l, "f"))
		}
		if err := l.ResetFollower(t.Context(), "f", 11); err == nil || !strings.Contains(err.Error(), "expected 0 to 10") {
			t.Errorf("reset past the end: %v", err)
		}
		if err := l.ResetFollower(t.Context(), "f", eventlog.Now); err != nil || status(t, l, "f").Cursor != 10 {
			t.Errorf("reset to now: %v", err)
		}
		parkCfg := eventlog.FollowConfig{OnError: eventlog.RetryOnError, ParkAfter: 1}
		catchUp(t, l, "g", parkCfg, poisoned("g", "4"))
		for _, err := range []error{
			l.ResetFollower(t.Context(), "h", 0), l.RemoveFollower(t.Context(), "h"), second(l.SkipFollower(t.Context(), "h", 1)),
			second(l.Parked(t.Context(), "h")), second(l.DropParked(t.Context(), "h")), second(l.Follower(t.Context(), "h")),
		} {
			if !errors.Is(err, eventlog.ErrNoFollower) || !strings.Contains(err.Error(), "expected one of f, g") {
				t.Errorf("a follower that is not there: %v", err)
			}
		}
		for _, err := range []error{
			l.ResetFollower(t.Context(), "quipu.transition", 0), l.RemoveFollower(t.Context(), "quipu.transition"),
			second(l.SkipFollower(t.Context(), "quipu.transition", 1)), l.ResetFollower(t.Context(), "/", 0),
		} {
			if !errors.Is(err, eventlog.ErrName) {
				t.Errorf("a name that no follower has: %v", err)
			}
		}
		if err := l.RemoveFollower(t.Context(), "g"); err != nil {
			t.Error(err)
		}
		all, err := l.Followers(t.Context())
		if err != nil || len(all) != 1 || all[0].Name != "f" {
			t.Errorf("followers: %+v, %v", all, err)
		}
		wantKept(t, l, "g", "")
		catchUp(t, l, "g", eventlog.FollowConfig{MaxEntries: 5}, keep("g"))
		wantKept(t, l, "g", "0 1 2 3 4|5 6 7 8 9|")
	})
}

// TestABatchInHandIsDroppedWhenTheCursorMoves moves the cursor by hand while the follower waits to try
// its batch again: it does not hand over what is not next any more.
func TestABatchInHandIsDroppedWhenTheCursorMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 6))
		var failed atomic.Bool
		cfg := eventlog.FollowConfig{OnError: eventlog.RetryOnError, MaxEntries: 2}
		r := start(t, func(ctx context.Context) error {
			return l.Follow(ctx, "f", cfg, func(tx *eventlog.Tx, batch []eventlog.Entry) error {
				if failed.CompareAndSwap(false, true) {
					return errPoison
				}
				return keep("f")(tx, batch)
			})
		})
		if err := l.Update(t.Context(), func(tx *eventlog.Tx) error { return tx.SetCursor("f", 3) }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		r.stop()
		wantKept(t, l, "f", "3 4|5|")
		if s := status(t, l, "f"); s.Handled != 3 || s.Failure == nil {
			t.Errorf("SetCursor has not left the record as it was: %+v", s)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestFollowerStatusTellsTheLag looks at the lag in entries and in time.
func TestFollowerStatusTellsTheLag(t *testing.T) {
	now := noon
	cfg := config("a")
	cfg.Now = func() time.Time { return now }
	l := eventlogtest.Create(t, t.TempDir(), cfg)
	err := l.Update(t.Context(), func(tx *eventlog.Tx) error { return tx.SetCursor("f", 1) })
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		mustAppend(t, l, fmt.Sprint(i))
		now = now.Add(time.Minute)
	}
	s := status(t, l, "f")
	if s.Lag != 2 || s.LagTime != 2*time.Minute || !s.Since.IsZero() || !s.Holds {
		t.Errorf("status %+v", s)
	}
	late := newStranger(t, "ahead")
	late.now = now.Add(24 * time.Hour)
	apply(t, l, late.op(crdt.Op{}, "from tomorrow"))
	if err := l.ResetFollower(t.Context(), "f", 3); err != nil {
		t.Fatal(err)
	}
	if s := status(t, l, "f"); s.Lag != 1 || s.LagTime != 0 {
		t.Errorf("status before an entry of a clock ahead: %+v", s)
	}
}

// TestMaxFollowers: a name that has a cursor goes on beside as many as there may be, and beside more; a new one does not
// begin, wherever its cursor is kept.
func TestMaxFollowers(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := eventlog.FollowConfig{Until: new(uint64), MaxFollowers: 2}
	handle := func(*eventlog.Tx, []eventlog.Entry) error { return nil }
	for _, name := range []string{"a", "b", "a", "b"} {
		if err := l.Follow(t.Context(), name, cfg, handle); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	cfg.MaxFollowers = 1
	if err := l.Follow(t.Context(), "b", cfg, handle); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	for _, most := range []int{1, 2} {
		cfg.MaxFollowers = most
		if err := l.Follow(t.Context(), "c", cfg, handle); !errors.Is(err, eventlog.ErrTooManyFollowers) {
			t.Errorf("Follow beside two of %d: %v", most, err)
		}
		err := l.Deliver(t.Context(), "d", cfg, newCursors(), func(context.Context, eventlog.Delivery) error { return nil })
		if !errors.Is(err, eventlog.ErrTooManyFollowers) {
			t.Errorf("Deliver beside two of %d: %v", most, err)
		}
	}
	if all, err := l.Followers(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("%d followers, %v", len(all), err)
	}
}
