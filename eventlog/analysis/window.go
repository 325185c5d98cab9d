package analysis

import "container/heap"

// window holds marks back so that they leave in order, wherever none comes more than its size of
// entries too late.
type window struct {
	join  *Join
	marks []*Mark // a heap, the first in order on top
	last  *Mark   // the last that left
}

// add takes a mark in, and reports whether it is in time.
func (w *window) add(m *Mark) bool {
	if w.last != nil && w.join.compare(m, w.last) < 0 {
		return false
	}
	heap.Push(w, m)
	return true
}

// next takes out the first mark, unless there are no more than keep.
func (w *window) next(keep int) (*Mark, bool) {
	if len(w.marks) <= keep {
		return nil, false
	}
	w.last = heap.Pop(w).(*Mark)
	return w.last, true
}

// Len is a method of [heap.Interface], as are those that follow.
func (w *window) Len() int { return len(w.marks) }

// Less says which of two marks leaves first.
func (w *window) Less(i, j int) bool { return w.join.compare(w.marks[i], w.marks[j]) < 0 }

// Swap swaps two marks.
func (w *window) Swap(i, j int) { w.marks[i], w.marks[j] = w.marks[j], w.marks[i] }

// Push puts a mark at the end.
func (w *window) Push(m any) { w.marks = append(w.marks, m.(*Mark)) }

// Pop takes the mark at the end.
func (w *window) Pop() any {
	end := len(w.marks) - 1
	m := w.marks[end]
	w.marks[end] = nil
	w.marks = w.marks[:end]
	return m
}
