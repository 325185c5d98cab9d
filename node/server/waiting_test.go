package server

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestWaitingTakesAllThereIs(t *testing.T) {
	q := newWaiting[int]()
	for i := range 5 {
		if err := q.put(t.Context(), i, 1); err != nil {
			t.Fatal(err)
		}
	}
	items, err := q.take(t.Context())
	if err != nil || len(items) != 5 || items[0] != 0 || items[4] != 4 {
		t.Errorf("took %v, %v", items, err)
	}
	reason := errors.New("bad line")
	if err := q.put(t.Context(), 9, 1); err != nil {
		t.Fatal(err)
	}
	q.end(reason)
	if items, err := q.take(t.Context()); err != nil || len(items) != 1 {
		t.Errorf("what came before the end was lost: %v, %v", items, err)
	}
	if items, err := q.take(t.Context()); len(items) != 0 || !errors.Is(err, reason) {
		t.Errorf("took %v, %v; want the reason", items, err)
	}
}

// TestWaitingIsBounded checks both bounds, and that an item larger than the bound passes alone.
func TestWaitingIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ fits, size int }{
		"items":     {maxWaiting, 1},
		"bytes":     {4, maxWaitingBytes / 4},
		"one large": {1, maxWaitingBytes * 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newWaiting[int]()
				put := 0
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() {
					for {
						if err := q.put(ctx, put, c.size); err != nil {
							done <- err
							return
						}
						put++
					}
				}()
				synctest.Wait()
				if put != c.fits {
					t.Errorf("%d items fit, want %d", put, c.fits)
				}
				items, err := q.take(ctx)
				synctest.Wait()
				if err != nil || len(items) != c.fits || put != 2*c.fits {
					t.Errorf("took %d, %v; then %d were put", len(items), err, put)
				}
				cancel()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Errorf("a put that waits ended with %v", err)
				}
			})
		})
	}
}
