// Package backoff is the pauses between tries of what fails for a while.
package backoff

import (
	"math/rand/v2"
	"time"

	"github.com/quipulog/quipu/crdt/retry"
)

// Pause is a pause that doubles with each failure. The zero Pause is over.
type Pause struct {
	failures int // in a row
	until    time.Time
}

// Until returns a pause that ends at a moment, after no failure.
func Until(moment time.Time) Pause { return Pause{until: moment} }

// Fail begins the next pause, between half of and all of its length: low at first, high at most.
func (p *Pause) Fail(now time.Time, low, high time.Duration) {
	p.failures++
	p.until = now.Add(retry.After(p.failures, low, high, rand.N))
}

// Over reports whether the pause is over.
func (p *Pause) Over(now time.Time) bool { return !now.Before(p.until) }

// End returns when the pause is over.
func (p *Pause) End() time.Time { return p.until }

// Jittered returns d ± a quarter, so that nodes that began together do not stay together.
func Jittered(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2+1)
}
