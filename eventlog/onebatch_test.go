package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestOneBatch ends a follower behind each batch, whatever became of it: nothing is left out, nothing comes twice.
func TestOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 5))
		cfg := eventlog.FollowConfig{MaxEntries: 2, OneBatch: true, OnError: eventlog.RetryOnError, ParkAfter: 1}
		for _, want := range []string{"0 1|", "0 1|2|", "0 1|2|4|"} { // 3 is parked: its batch is narrowed
			if err := l.Follow(t.Context(), "f", cfg, poisoned("f", "3")); err != nil {
				t.Fatal(err)
			}
			wantKept(t, l, "f", want)
		}
	})
}

// TestOneBatchThatIsMoved moves the cursor while the batch is handled, back and forth.
func TestOneBatchThatIsMoved(t *testing.T) {
	l := eventlogtest.Open(t)
	appendAll(t, l, numbered(0, 4))
	cfg := eventlog.FollowConfig{MaxEntries: 2, OneBatch: true}
	for _, c := range []struct {
		to   uint64
		want []string
	}{
		{0, []string{"2 3", "0 1"}},
		{eventlog.Now, []string{"2 3"}},
	} {
		if err := l.ResetFollower(t.Context(), "f", 2); err != nil && !errors.Is(err, eventlog.ErrNoFollower) {
			t.Fatal(err)
		}
		var got []string
		cfg := cfg
		cfg.From = 2
		err := l.Deliver(t.Context(), "f", cfg, nil, func(ctx context.Context, d eventlog.Delivery) error {
			if got = append(got, saying(d.Entries)); len(got) == 1 {
				return l.ResetFollower(ctx, "f", c.to)
			}
			return nil
		})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("moved to %d: handled %q, %v, want %q", c.to, got, err, c.want)
		}
	}
}

// TestFailuresCountOverRestarts begins a follower again between any two failures of a batch: it is parked after as many
// as without that, and what failed elsewhere does not count.
func TestFailuresCountOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 2))
		cfg := eventlog.FollowConfig{MaxEntries: 1, OnError: eventlog.RetryOnError, ParkAfter: 4, RetryMin: time.Hour, RetryMax: time.Hour}
		calls := map[string]int{}
		once := func(want string) {
			r := start(t, func(ctx context.Context) error {
				return l.Deliver(ctx, "f", cfg, nil, func(_ context.Context, d eventlog.Delivery) error {
					calls[saying(d.Entries)]++
					return errPoison
				})
			})
			r.stop()
			if got := fmt.Sprint(calls); got != want {
				t.Errorf("called %s, want %s", got, want)
			}
		}
		for n := range 3 {
			once(fmt.Sprintf("map[0:%d]", n+1))
			if s := status(t, l, "f"); s.Failure == nil || s.Failure.Attempts != n+1 {
				t.Errorf("after %d: %+v", n+1, s.Failure)
			}
		}
		once("map[0:4 1:1]")
		parked, err := l.Parked(t.Context(), "f")
		if err != nil || len(parked) != 1 || parked[0].Offset != 0 || parked[0].Failure.Attempts != 4 {
			t.Errorf("parked %+v, %v", parked, err)
		}
	})
}
