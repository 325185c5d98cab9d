package restore

import (
	"iter"
	"sync"
)

// ahead yields what read returns, up to its first error, which is yielded too. Read is called by a goroutine of its own,
// a step or two ahead of whoever takes it; the goroutine is gone when the iteration has ended.
func ahead[T any](read func() (T, error)) iter.Seq2[T, error] {
	type result struct {
		v   T
		err error
	}
	return func(yield func(T, error) bool) {
		results, stop := make(chan result, 1), make(chan struct{})
		var reading sync.WaitGroup
		reading.Go(func() {
			defer close(results)
			for err := error(nil); err == nil; {
				var r result
				r.v, r.err = read()
				select {
				case results <- r:
					err = r.err
				case <-stop:
					return
				}
			}
		})
		defer reading.Wait()
		defer close(stop)
		for r := range results {
			if !yield(r.v, r.err) {
				return
			}
		}
	}
}
