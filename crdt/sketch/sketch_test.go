package sketch_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt/sketch"
)

// TestRanksAreThoseOfTheValues: each rank, of one sketch and of two that are merged, is right to Error, and what All
// yields adds up to all.
func TestRanksAreThoseOfTheValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Uint64(), rapid.Uint64Max(5000)), 1, 200).Draw(t, "values")
		cut := rapid.IntRange(0, len(values)).Draw(t, "cut")
		var whole, one, other sketch.Sketch
		other.Add(17)
		other.Reset()
		for i, v := range values {
			whole.Add(v)
			if i < cut {
				one.Add(v)
			} else {
				other.Add(v)
			}
		}
		one.Merge(&other)
		slices.Sort(values)
		for _, s := range []*sketch.Sketch{&whole, &one} {
			if s.Count() != uint64(len(values)) {
				t.Fatalf("%d values are counted, of %d", s.Count(), len(values))
			}
			for i, want := range values {
				if got := s.Ranked(uint64(i + 1)); math.Abs(float64(got)-float64(want)) > float64(want)*sketch.Error {
					t.Fatalf("rank %d is %d, want %d", i+1, got, want)
				}
			}
			sum, before := uint64(0), uint64(0)
			for v, n := range s.All() {
				if sum > 0 && v <= before {
					t.Fatalf("%d comes after %d", v, before)
				}
				sum, before = sum+n, v
			}
			if sum != s.Count() {
				t.Fatalf("All yields %d of %d values", sum, s.Count())
			}
		}
	})
}
