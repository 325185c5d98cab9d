package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestForgettingBesideEverything appends, trims, prunes, compacts, indexes, verifies and reads at once:
// nobody waits for ever, a follower that holds misses nothing and repeats nothing, one that does not
// knows how many it has missed, and the log is whole all the time.
func TestForgettingBesideEverything(t *testing.T) {
	const entries = 16
	const all = entries + 2 + 1 // with two leaves to prune and the last one
	cfg := config("forgets")
	cfg.Trim = eventlog.TrimPolicy{MinAge: -1, MinCount: 3}
	l := eventlog.Unsynced(eventlogtest.Create(t, t.TempDir(), cfg))
	// It holds from the first entry on, however late it begins.
	if err := l.Update(t.Context(), func(tx *eventlog.Tx) error { return tx.SetCursor("follower 0", 0) }); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var works, followers sync.WaitGroup
	check := func(name string, err error) {
		_, told := errors.AsType[*eventlog.TrimmedError](err)
		if err != nil && !told && !errors.Is(err, context.Canceled) && !errors.Is(err, eventlog.ErrNothingToPrune) {
			t.Errorf("%s: %v", name, err)
			cancel()
		}
	}
	work := func(name string, do func() error) {
		works.Go(func() {
			for ctx.Err() == nil {
				check(name, do())
			}
		})
	}
	work("trim", func() error {
		_, err := l.Trim(ctx, eventlog.TrimOptions{})
		return err
	})
	work("compact", func() error {
		_, err := l.Compact(ctx)
		return err
	})
	work("index", func() error { return l.CatchUpIndex(ctx) })
	work("verify", func() error {
		report, err := l.Verify(ctx)
		if len(report.Problems) > 0 {
			err = fmt.Errorf("problems: %v", report.Problems)
		}
		return err
	})
	for i := range 3 {
		work("read", func() error {
			q := eventlog.Query{Order: eventlog.Order(i), Reverse: i%2 == 1, Subjects: []string{"it"}}
			for _, err := range l.Entries(ctx, q) {
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	var counts [2]uint64 // of the follower that holds, and of the other one
	for i := range counts {
		followers.Go(func() {
			next := uint64(0)
			f := eventlog.FollowConfig{MaxEntries: 7, DoesNotHold: i == 1, SkipTrimmed: i == 1, Kinds: []string{note("").Kind, "note"}, Until: new(uint64(all))}
			err := l.Follow(ctx, fmt.Sprint("follower ", i), f, func(_ *eventlog.Tx, batch []eventlog.Entry) error {
				for _, e := range batch {
					if e.Offset < next {
						return fmt.Errorf("offset %d comes again, before %d", e.Offset, next)
					}
					next = e.Offset + 1
					if e.Subject == "it" {
						counts[i]++
					}
				}
				return nil
			})
			if err != nil {
				t.Errorf("follower %d: %v", i, err)
				cancel()
			}
		})
	}
	for i := range entries {
		e := crdt.Event{Kind: "note", Subject: "it", Payload: []byte(`"x"`), Retention: crdt.Trimmable}
		if _, err := l.Append(ctx, e); err != nil {
			t.Fatal(err)
		}
		if i%5 == 4 {
			_, err := l.Prune(ctx, eventlog.PruneRequest{Keep: 6})
			check("prune", err)
		}
	}
	if _, err := l.Append(ctx, note("last")); err != nil {
		t.Fatal(err)
	}
	if next := l.Stats().Next; next != all {
		t.Fatalf("the log ends at offset %d, want %d", next, all)
	}
	followers.Wait() // Each ends by itself, where the log ends.
	cancel()
	works.Wait()
	if missed := status(t, l, "follower 1").Trimmed; counts[0] != entries || counts[1]+missed != entries {
		t.Errorf("the followers have handled %v of %d entries, and the second has missed %d", counts, entries, missed)
	}
}
