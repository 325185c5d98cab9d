package heap

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A heap gives back what is in it by its order, whatever was pushed and popped in between.
func TestHeapGivesBackTheLeast(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := Heap[int]{Less: func(a, b int) bool { return a < b }}
		left := map[int]int{}
		for range rapid.IntRange(0, 200).Draw(rt, "steps") {
			if item := rapid.IntRange(-20, 20).Draw(rt, "item"); h.Len() == 0 || rapid.Bool().Draw(rt, "push") {
				h.Push(item)
				left[item]++
				continue
			}
			top := h.Top()
			if item := h.Pop(); item != top || item != slices.Min(slices.Collect(maps.Keys(left))) {
				rt.Fatalf("popped %d, top %d, of %v", item, top, left)
			}
			if left[top]--; left[top] == 0 {
				delete(left, top)
			}
		}
		n := 0
		for _, count := range left {
			n += count
		}
		if h.Len() != n {
			rt.Fatalf("%d items, want %d", h.Len(), n)
		}
	})
}
