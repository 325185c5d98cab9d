// Package sketch counts many values in little memory, so that each percentile of them is right to less than one in a
// thousand of itself.
package sketch

import (
	"iter"
	"math/bits"
	"slices"
)

// fine says how fine a sketch is: each power of two is cut into 2^fine buckets.
const fine = 9

// Error is the greatest relative error of a value that comes out of a sketch.
const Error = 1.0 / (1 << (fine + 1))

// Sketch counts values in buckets whose width grows with their value, so that each rank is right to [Error] of itself.
// It gives the guarantee of DDSketch (Masson, Rim and Lee, 2019: quantiles with a relative error, and buckets that add
// up to those of both where two are merged) with the buckets of HdrHistogram instead of logarithms: integers only, so
// that every machine finds the same. Its memory is 8 bytes for each bucket up to the greatest in use, at most 28,160.
// The zero value is empty.
type Sketch struct {
	buckets []uint64
	n       uint64
}

// exact is below what each value has a bucket of its own.
const exact = 1 << (fine + 1)

// bucketOf returns the bucket of v.
func bucketOf(v uint64) int {
	if v < exact {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - fine
	return shift<<fine + int(v>>shift)
}

// middleOf returns the middle of a bucket's values: at most half its width from each of them.
func middleOf(bucket int) uint64 {
	if bucket < exact {
		return uint64(bucket)
	}
	shift := bucket>>fine - 1
	low := uint64(bucket-shift<<fine) << shift
	return low + 1<<shift>>1
}

// Add counts a value.
func (s *Sketch) Add(v uint64) { s.count(bucketOf(v), 1) }

// Merge counts all that another sketch has counted.
func (s *Sketch) Merge(o *Sketch) {
	for bucket, n := range o.buckets {
		if n > 0 {
			s.count(bucket, n)
		}
	}
}

func (s *Sketch) count(bucket int, n uint64) {
	if bucket >= len(s.buckets) {
		s.buckets = append(s.buckets, make([]uint64, bucket+1-len(s.buckets))...)
	}
	s.buckets[bucket] += n
	s.n += n
}

// Count returns how many values were counted.
func (s *Sketch) Count() uint64 { return s.n }

// Reset forgets all values, and keeps the memory for what comes.
func (s *Sketch) Reset() {
	clear(s.buckets)
	s.n = 0
}

// Ranked returns the value of a rank, from 1 to [Sketch.Count].
func (s *Sketch) Ranked(rank uint64) uint64 {
	seen := uint64(0)
	at := slices.IndexFunc(s.buckets, func(n uint64) bool {
		seen += n
		return seen >= rank
	})
	return middleOf(at)
}

// All yields values that were counted, in order, and how often.
func (s *Sketch) All() iter.Seq2[uint64, uint64] {
	return func(yield func(uint64, uint64) bool) {
		for bucket, n := range s.buckets {
			if n > 0 && !yield(middleOf(bucket), n) {
				return
			}
		}
	}
}
