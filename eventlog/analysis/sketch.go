package analysis

import (
	"math/bits"
	"slices"
)

// sketchBits says how fine a sketch is: each power of two is cut into 2^sketchBits buckets.
const sketchBits = 9

// SketchError is the greatest relative error of a percentile that comes from a sketch: less than one
// in a thousand.
const SketchError = 1.0 / (1 << (sketchBits + 1))

// sketch counts latencies in buckets whose width grows with their value, so that each percentile is
// right to [SketchError] of itself. It gives the guarantee of DDSketch (Masson, Rim and Lee, 2019:
// quantiles with a relative error, and buckets that add up to those of both where two are
// merged) with the buckets of
// HdrHistogram instead of logarithms: integers only, so that every machine finds the same. Its memory
// is 8 bytes for each bucket up to the greatest in use, at most 28,160.
type sketch struct {
	buckets []uint64
	n       uint64
}

// bucketOf returns the bucket of v. Up to 2^(sketchBits+1) each value has its own.
func bucketOf(v uint64) int {
	const exact = 1 << (sketchBits + 1)
	if v < exact {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - sketchBits
	return shift<<sketchBits + int(v>>shift)
}

// middleOf returns the middle of a bucket's values: at most half its width from each of them.
func middleOf(bucket int) uint64 {
	const exact = 1 << (sketchBits + 1)
	if bucket < exact {
		return uint64(bucket)
	}
	shift := bucket>>sketchBits - 1
	low := uint64(bucket-shift<<sketchBits) << shift
	return low + 1<<shift>>1
}

func (s *sketch) add(v uint64) {
	b := bucketOf(v)
	if b >= len(s.buckets) {
		s.buckets = append(s.buckets, make([]uint64, b+1-len(s.buckets))...)
	}
	s.buckets[b]++
	s.n++
}

// ranked returns the value of that rank, from 1 on.
func (s *sketch) ranked(rank uint64) uint64 {
	seen := uint64(0)
	at := slices.IndexFunc(s.buckets, func(n uint64) bool {
		seen += n
		return seen >= rank
	})
	return middleOf(at)
}
