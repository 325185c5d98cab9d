package helped

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestNext hands out what came of each piece, once and in order, however many there are.
func TestNext(t *testing.T) {
	for _, n := range []int{0, 1, 2, 300} {
		calls := make([]atomic.Int64, n)
		w := Begin(n, func(i int) int { calls[i].Add(1); return i * i })
		for want := range n {
			if i, got := w.Next(); i != want || got != want*want {
				t.Errorf("piece %d of %d: %d, %d", want, n, i, got)
			}
		}
		if i, _ := w.Next(); i != -1 {
			t.Errorf("piece %d after the last of %d", i, n)
		}
		w.End()
		for i := range calls {
			if c := calls[i].Load(); c != 1 {
				t.Errorf("piece %d of %d was done %d times", i, n, c)
			}
		}
	}
}

// TestHelper has the owner do what the helper has not begun with, and then wait for what it has.
func TestHelper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done atomic.Int64
		first := make(chan struct{})
		w := Begin(4, func(i int) int {
			if i == 0 {
				<-first
			}
			done.Add(1)
			return i
		})
		defer w.End()
		synctest.Wait() // the helper has the first
		go func() {
			synctest.Wait() // the owner has done the others, and waits
			if n := done.Load(); n != 3 {
				t.Errorf("%d pieces done beside the first, want 3", n)
			}
			close(first)
		}()
		for want := range 4 {
			if i, got := w.Next(); i != want || got != want {
				t.Errorf("piece %d: %d, %d", want, i, got)
			}
		}
	})
}

// TestEnd leaves what nobody has begun with.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done atomic.Int64
		first := make(chan struct{})
		w := Begin(4, func(int) int { <-first; done.Add(1); return 0 })
		synctest.Wait() // the helper has the first
		ended := make(chan struct{})
		go func() { w.End(); close(ended) }()
		synctest.Wait()
		close(first)
		<-ended
		if n := done.Load(); n != 1 {
			t.Errorf("%d pieces done, want 1", n)
		}
		if w.work() {
			t.Error("there is still work after the end")
		}
	})
}
