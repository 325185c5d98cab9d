// Package helped does pieces of work on two processors and hands out what came of them in their order.
package helped

import (
	"sync"
	"sync/atomic"
)

// Work is pieces of work, each of which is done once. Its owner does some while it waits for one, and a helper
// does them all the time, also while the owner is busy elsewhere:
//
//	owner    do 0  do 2 │ busy with 0…2         │ busy with 3…5
//	helper   do 1       │ do 3  do 4  do 5      │ do 6 …
//
// The helper is one goroutine, so that two processors at most are used, and is gone when [Work.End] returns.
type Work[T any] struct {
	do     func(i int) T
	begun  atomic.Int64 // how many pieces somebody has begun with
	taken  int          // how many were handed out; the owner's
	helper sync.WaitGroup

	mu       sync.Mutex // guards what follows
	finished *sync.Cond
	done     []bool // by piece
	results  []T    // by piece
}

// Begin begins to do n pieces. do is called by two goroutines at once, and does piece i. The caller ends the work.
func Begin[T any](n int, do func(i int) T) *Work[T] {
	w := &Work[T]{do: do, done: make([]bool, n), results: make([]T, n)}
	w.finished = sync.NewCond(&w.mu)
	if n > 1 {
		w.helper.Go(func() {
			for w.work() {
			}
		})
	}
	return w
}

// End waits for the helper, which does not begin with another piece.
func (w *Work[T]) End() {
	w.begun.Store(int64(len(w.done)))
	w.helper.Wait()
}

// Next returns what came of the next piece, and which one that is; -1 after the last.
func (w *Work[T]) Next() (i int, result T) {
	if i = w.taken; i == len(w.done) {
		return -1, result
	}
	for !w.isDone(i) && w.work() {
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.done[i] {
		w.finished.Wait()
	}
	w.taken++
	return i, w.results[i]
}

func (w *Work[T]) isDone(i int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done[i]
}

// work does one piece that nobody has begun with, and reports whether there was one.
func (w *Work[T]) work() bool {
	i := int(w.begun.Add(1)) - 1
	if i >= len(w.done) {
		return false
	}
	result := w.do(i)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.results[i], w.done[i] = result, true
	w.finished.Signal()
	return true
}
