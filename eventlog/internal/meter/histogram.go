// Package meter counts what a log does where it does it: no lock, no allocation, a few atomic additions for each commit.
//
// A [Histogram] counts observations by their size. [Meters] has all that is counted, and [Reading] is what it says at a
// moment. What is read while others count may have the one part of an observation and not yet the other.
package meter

import "sync/atomic"

// Histogram counts observations by their size, in a fixed number of places.
type Histogram struct {
	bounds []uint64        // ascending, each the greatest of its place; never changed
	counts []atomic.Uint64 // of each place, and of what is beyond the last bound
	sum    atomic.Uint64
}

// NewHistogram returns a histogram whose places end with the bounds, which ascend.
func NewHistogram(bounds ...uint64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

// Observe counts one observation.
func (h *Histogram) Observe(size uint64) {
	at := 0
	for at < len(h.bounds) && size > h.bounds[at] {
		at++
	}
	h.counts[at].Add(1)
	h.sum.Add(size)
}

// Distribution is what a [Histogram] has counted.
type Distribution struct {
	// Bounds are the greatest sizes of each place; they are shared, and nobody changes them.
	Bounds []uint64
	// Counts are of each place alone, with one more for what is beyond the last bound. Sum is of all sizes.
	Counts []uint64
	Sum    uint64
}

// Read returns what was counted so far.
func (h *Histogram) Read() Distribution {
	d := Distribution{Bounds: h.bounds, Counts: make([]uint64, len(h.counts)), Sum: h.sum.Load()}
	for i := range h.counts {
		d.Counts[i] = h.counts[i].Load()
	}
	return d
}

// Count returns how many observations there were.
func (d Distribution) Count() (n uint64) {
	for _, c := range d.Counts {
		n += c
	}
	return n
}
