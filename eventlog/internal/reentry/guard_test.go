package reentry

import (
	"sync"
	"testing"
)

func TestInside(t *testing.T) {
	var g Guard
	if g.Inside() {
		t.Error("inside before it entered")
	}
	leave := g.Enter()
	if !g.Inside() {
		t.Error("not inside after it entered")
	}
	var other sync.WaitGroup
	other.Go(func() {
		if g.Inside() {
			t.Error("another goroutine is inside")
		}
		defer g.Enter()()
		if !g.Inside() {
			t.Error("another goroutine that entered is not inside")
		}
	})
	other.Wait()
	if !g.Inside() {
		t.Error("not inside after another left")
	}
	leave()
	if g.Inside() {
		t.Error("inside after it left")
	}
}
