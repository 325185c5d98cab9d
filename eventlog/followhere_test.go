package eventlog_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

func TestDeliverWithoutAStoreKeepsTheCursorHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 3))
		to, bad := &delivered{}, errors.New("bad")
		to.fail = func(batch string) error {
			if batch == "2" {
				return bad
			}
			return nil
		}
		deliver := func(ctx context.Context) error {
			return l.Deliver(ctx, "f", eventlog.FollowConfig{MaxEntries: 2}, nil, to.handle)
		}
		failed, ok := errors.AsType[*eventlog.HandlerError](start(t, deliver).error())
		if !ok || !errors.Is(failed, bad) || failed.First != 2 || failed.Last != 2 {
			t.Errorf("ended with %v", failed)
		}
		to.want(t, "0 1")
		s := status(t, l, "f")
		if s.Elsewhere || s.Cursor != 2 || s.Handled != 2 || s.Failure == nil {
			t.Errorf("status %+v", s)
		}

		// It is moved as one of Follow is, and what it has done with does not come again.
		if n, err := l.SkipFollower(t.Context(), "f", 1); n != 1 || err != nil {
			t.Errorf("skipped %d, %v", n, err)
		}
		mustAppend(t, l, "3")
		start(t, deliver).stop()
		to.want(t, "0 1", "3")
		if err := l.ResetFollower(t.Context(), "f", 3); err != nil {
			t.Error(err)
		}
		start(t, deliver).stop()
		to.want(t, "0 1", "3", "3")
	})
}

// TestOthersWriteWhileADeliveryIsHandled has the handler wait for an append, and for its own cursor to be
// moved: no transaction is open around it. System B: an early version of its followers held the write
// transaction while they waited.
func TestOthersWriteWhileADeliveryIsHandled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 2))
		var got []string
		r := start(t, func(ctx context.Context) error {
			return l.Deliver(ctx, "f", eventlog.FollowConfig{MaxEntries: 1}, nil, func(ctx context.Context, d eventlog.Delivery) error {
				got = append(got, saying(d.Entries))
				if len(got) > 1 {
					return nil
				}
				if _, err := l.Append(ctx, note("late")); err != nil {
					return err
				}
				return l.ResetFollower(ctx, "f", 2)
			})
		})
		r.stop()
		if len(got) != 2 || got[1] != "late" {
			t.Errorf("delivered %q: expected to go on where the cursor was moved", got)
		}
		if s := status(t, l, "f"); s.Cursor != 3 || s.Handled != 1 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestFollowUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 5))
		follow := func(name string, cfg eventlog.FollowConfig) func(context.Context) error {
			return func(ctx context.Context) error { return l.Follow(ctx, name, cfg, keep(name)) }
		}
		upTo := func(name string, cfg eventlog.FollowConfig, want string) {
			t.Helper()
			began := time.Now()
			if err := follow(name, cfg)(t.Context()); err != nil {
				t.Error(err)
			}
			if waited := time.Since(began); waited > 0 { // by the bubble's clock
				t.Errorf("%s has waited for %s", name, waited)
			}
			wantKept(t, l, name, want)
			if s := status(t, l, name); s.Cursor < *cfg.Until {
				t.Errorf("%s ended at offset %d, before %d", name, s.Cursor, *cfg.Until)
			}
		}
		upTo("all", eventlog.FollowConfig{Until: new(l.Stats().Next), MaxWait: time.Minute}, "0 1 2 3 4|")
		upTo("all", eventlog.FollowConfig{Until: new(l.Stats().Next)}, "0 1 2 3 4|")
		upTo("some", eventlog.FollowConfig{Until: new(uint64(3)), MaxEntries: 2}, "0 1|2 3|")
		upTo("none", eventlog.FollowConfig{Until: new(uint64(5)), Kinds: []string{"no such"}}, "")

		// What is not there yet is waited for.
		r := start(t, follow("all", eventlog.FollowConfig{Until: new(uint64(6))}))
		mustAppend(t, l, "5")
		if err := r.error(); err != nil {
			t.Error(err)
		}
		wantKept(t, l, "all", "0 1 2 3 4|5|")
	})
}

// TestAnEndThatIsReachedIsReached: a follower whose end is not behind where it stands has come there, also where that is
// the beginning, in an empty log or not. It is a follower from then on.
func TestAnEndThatIsReachedIsReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, elsewhere, began := eventlogtest.Open(t), newCursors(), time.Now()
		for n := range uint64(2) {
			for name, cfg := range map[string]eventlog.FollowConfig{
				"all": {Until: new(l.Stats().Next), From: n}, "none": {Until: new(uint64(0))}, "new": {Until: new(uint64(0)), From: eventlog.Now},
			} {
				to := &delivered{}
				ended := map[string]error{
					name:            l.Follow(t.Context(), name, cfg, keep(name)),
					name + " sent":  l.Deliver(t.Context(), name+" sent", cfg, nil, to.handle),
					name + " there": l.Deliver(t.Context(), name+" there", cfg, elsewhere, to.handle),
				}
				for name, err := range ended {
					if s := status(t, l, name); err != nil || s.Cursor > n || len(to.batches) > 0 {
						t.Errorf("%d entries, %s: %v, %+v, %q", n, name, err, s, to.batches)
					}
				}
			}
			for _, f := range []string{"all", "all sent", "all there", "new", "new sent", "new there"} {
				if err := l.RemoveFollower(t.Context(), f); err != nil { // the next begins anew
					t.Error(err)
				}
			}
			clear(elsewhere.kept)
			mustAppend(t, l, "0")
		}
		if waited := time.Since(began); waited > 0 { // by the bubble's clock
			t.Errorf("they have waited for %s", waited)
		}
	})
}
