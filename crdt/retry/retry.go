// Package retry says how long to wait before what has failed is tried again.
package retry

import "time"

// After returns the pause after the n-th failure in a row, from 1 on: low doubled n-1 times, at most high, and
// of that between half and all, so that many that fail together do not try together. random returns a
// duration from 0 to below the one that it gets, as N of math/rand/v2 does.
func After(n int, low, high time.Duration, random func(time.Duration) time.Duration) time.Duration {
	d := min(low, high)
	for ; n > 1 && d < high; n-- {
		d += min(d, high-d)
	}
	return d/2 + random(d/2+1)
}
