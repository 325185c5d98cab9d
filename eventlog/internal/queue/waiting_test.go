package queue

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhatWaits is told as it is: requests with their bytes, and each who writes alone as one without.
func TestWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		var gathered int
		l.cfg.Gathered = func(took time.Duration) {
			if took < 0 {
				t.Errorf("gathered for %v", took)
			}
			gathered++
		}
		waits := func(requests, bytes int) {
			t.Helper()
			if r, b := l.Waiting(); r != requests || b != bytes {
				t.Errorf("%d requests of %d bytes wait, want %d of %d", r, b, requests, bytes)
			}
		}
		waits(0, 0)
		l.Lead()
		l.join(t.Context(), "a", nil)
		l.join(t.Context(), "b", nil)
		waits(2, 2)
		l.alone(l.Exclusively, t.Context(), "-", nil)
		waits(3, 2)
		ctx, cancel := context.WithCancel(t.Context())
		l.join(ctx, "c", context.Canceled)
		waits(4, 3)
		cancel()
		synctest.Wait()
		waits(3, 2)
		l.run("ab", "-")
		waits(0, 0)
		if gathered != 1 {
			t.Errorf("%d batches have gathered, want 1", gathered)
		}
	})
}
