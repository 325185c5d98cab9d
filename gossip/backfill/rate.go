package backfill

import (
	"math"
	"time"
)

// rate is a moving average of so much a second. What is older than its memory hardly counts.
type rate struct {
	amount, seconds float64
}

// add takes in what came in the time that passed.
func (r *rate) add(amount float64, took, memory time.Duration) {
	keep := math.Exp(-took.Seconds() / memory.Seconds())
	r.amount = r.amount*keep + amount
	r.seconds = r.seconds*keep + took.Seconds()
}

// perSecond returns the average, 0 when nothing is known.
func (r rate) perSecond() float64 {
	if r.seconds <= 0 {
		return 0
	}
	return r.amount / r.seconds
}
