package eventlog_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// occupied runs fn beside an update of l that goes on until leave is called.
func occupied(t *testing.T, l *eventlog.Log, fn func(leave func())) {
	t.Helper()
	left := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := l.Update(context.Background(), func(tx *eventlog.Tx) error {
			<-left
			return nil
		})
		if err != nil {
			t.Errorf("update: %v", err)
		}
	})
	synctest.Wait()
	fn(sync.OnceFunc(func() { close(left) }))
	wg.Wait()
}

// TestContextWhileWaiting cancels appends and updates that wait behind an update, among others that go
// on waiting.
func TestContextWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		occupied(t, l, func(leave func()) {
			ctx, cancel := context.WithCancel(t.Context())
			var cancelled, staying sync.WaitGroup
			for range 4 {
				cancelled.Go(func() {
					if _, err := l.Append(ctx, note("cancelled")); !errors.Is(err, context.Canceled) {
						t.Errorf("append: %v", err)
					}
				})
				cancelled.Go(func() {
					err := l.Update(ctx, func(tx *eventlog.Tx) error { t.Error("update ran"); return nil })
					if !errors.Is(err, context.Canceled) {
						t.Errorf("update: %v", err)
					}
				})
				staying.Go(func() {
					if _, err := l.Append(t.Context(), note("stays")); err != nil {
						t.Errorf("append: %v", err)
					}
				})
			}
			synctest.Wait()
			cancel()
			cancelled.Wait()
			leave()
			staying.Wait()
		})
		wantTexts(t, l, "stays", "stays", "stays", "stays")
	})
}

// TestCloseWhileOthersWait closes a log ahead of appends, updates and runs that wait.
func TestCloseWhileOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, cfg := t.TempDir(), config("a")
		l := eventlogtest.Create(t, dir, cfg)
		op := newStranger(t, "s").op(crdt.Op{}, "x")
		occupied(t, l, func(leave func()) {
			var wg sync.WaitGroup
			wg.Go(func() {
				if err := l.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			synctest.Wait()
			for name, write := range map[string]func() error{
				"append": func() error { _, err := l.Append(t.Context(), note("x")); return err },
				"apply":  func() error { _, err := l.Apply(t.Context(), []crdt.Run{{Ops: []crdt.Op{op}}}); return err },
				"update": func() error { return l.Update(t.Context(), func(*eventlog.Tx) error { return nil }) },
			} {
				wg.Go(func() {
					if err := write(); !errors.Is(err, eventlog.ErrClosed) {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			synctest.Wait()
			leave()
			wg.Wait()
		})
		wantTexts(t, eventlogtest.Reopen(t, dir, cfg))
	})
}

// TestOrderOfTheQueue lets appends and updates wait in turn: each update sees what was queued before it,
// and appends share an op only between updates.
func TestOrderOfTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		var wg sync.WaitGroup
		var seen []uint64
		occupied(t, l, func(leave func()) {
			for range 3 {
				for range 2 {
					wg.Go(func() { mustAppend(t, l, "x") })
					synctest.Wait()
				}
				wg.Go(func() {
					err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
						seen = append(seen, tx.Next())
						return nil
					})
					if err != nil {
						t.Errorf("update: %v", err)
					}
				})
				synctest.Wait()
			}
			leave()
			wg.Wait()
		})
		if !slices.Equal(seen, []uint64{2, 4, 6}) {
			t.Errorf("the updates saw %v entries", seen)
		}
		if s := l.Stats(); s.Ops != 3 {
			t.Errorf("%d ops, want 3", s.Ops)
		}
	})
}

// TestAppendsGoBetweenRuns queues much from peers before an append: it waits for one transaction of
// theirs at most.
func TestAppendsGoBetweenRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		var wg sync.WaitGroup
		occupied(t, l, func(leave func()) {
			for _, name := range []string{"p", "q", "r"} {
				op := newStranger(t, name).op(crdt.Op{}, name)
				wg.Go(func() { apply(t, l, op) })
				synctest.Wait()
			}
			wg.Go(func() { mustAppend(t, l, "mine") })
			synctest.Wait()
			leave()
			wg.Wait()
		})
		want := []string{"p", "mine", "q", "r"}
		if got := texts(t, l, eventlog.Query{Order: eventlog.Arrival}); !slices.Equal(got, want) {
			t.Errorf("arrivals: %q, want %q", got, want)
		}
	})
}
