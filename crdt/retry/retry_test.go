package retry_test

import (
	"math"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt/retry"
)

func TestAfterDoublesAndIsCutAtRandom(t *testing.T) {
	const low, high = 100 * time.Millisecond, time.Second
	least := func(time.Duration) time.Duration { return 0 }
	most := func(d time.Duration) time.Duration { return d - 1 }
	for n, want := range map[int]time.Duration{
		0: low, 1: low, 2: 2 * low, 3: 4 * low, 4: 8 * low, 5: high, 6: high, math.MaxInt: high,
	} {
		if got := retry.After(n, low, high, most); got != want {
			t.Errorf("failure %d: at most %s, want %s", n, got, want)
		}
		if got := retry.After(n, low, high, least); got != want/2 {
			t.Errorf("failure %d: at least %s, want %s", n, got, want/2)
		}
	}
	if got := retry.After(math.MaxInt, 1, math.MaxInt64, least); got != math.MaxInt64/2 {
		t.Errorf("up to the longest duration: %s", got)
	}
	if got := retry.After(9, 0, 0, most); got != 0 {
		t.Errorf("no pause: %s", got)
	}
	if got := retry.After(1, high, low, most); got != low {
		t.Errorf("a low above the high: %s", got)
	}
}
