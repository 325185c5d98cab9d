package analysis

import (
	"cmp"
	"container/heap"
	"slices"
)

// slowest keeps the pairs that took longest: a heap, the one to go first on top.
type slowest struct {
	most  int
	pairs []Outcome
}

func (s *slowest) add(o *Outcome) {
	if s.most == 0 || len(s.pairs) == s.most && compareSlow(o, &s.pairs[0]) >= 0 {
		return
	}
	if len(s.pairs) == s.most {
		s.pairs[0] = *o
		heap.Fix(s, 0)
		return
	}
	heap.Push(s, *o)
}

func (s *slowest) sorted() []Outcome {
	slices.SortFunc(s.pairs, func(a, b Outcome) int { return compareSlow(&a, &b) })
	return s.pairs
}

// compareSlow puts the slower pair first.
func compareSlow(a, b *Outcome) int {
	return cmp.Or(cmp.Compare(b.Latency, a.Latency), comparePlaces(&a.End, &b.End))
}

// Len is a method of [heap.Interface], as are those that follow.
func (s *slowest) Len() int { return len(s.pairs) }

// Less says which of two pairs goes first.
func (s *slowest) Less(i, j int) bool { return compareSlow(&s.pairs[i], &s.pairs[j]) > 0 }

// Swap swaps two pairs.
func (s *slowest) Swap(i, j int) { s.pairs[i], s.pairs[j] = s.pairs[j], s.pairs[i] }

// Push puts a pair at the end.
func (s *slowest) Push(o any) { s.pairs = append(s.pairs, o.(Outcome)) }

// Pop takes the pair at the end.
func (s *slowest) Pop() any {
	end := len(s.pairs) - 1
	o := s.pairs[end]
	s.pairs = s.pairs[:end]
	return o
}
