// Package reentry knows which goroutines are inside a function that they were called back with, so that a
// call there that would wait for itself returns an error instead.
package reentry

import (
	"bytes"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

// Guard knows which goroutines run a function. The zero Guard is ready.
type Guard struct {
	running    atomic.Int64
	goroutines sync.Map // their numbers
}

// Enter notes that the calling goroutine runs such a function, until it calls leave.
func (g *Guard) Enter() (leave func()) {
	id := goroutineID()
	g.running.Add(1)
	g.goroutines.Store(id, nil)
	return func() {
		g.goroutines.Delete(id)
		g.running.Add(-1)
	}
}

// Inside reports whether the calling goroutine runs such a function. While none does it costs one load.
func (g *Guard) Inside() bool {
	if g.running.Load() == 0 {
		return false
	}
	_, inside := g.goroutines.Load(goroutineID())
	return inside
}

// goroutineID returns the number of the calling goroutine, which the runtime tells nowhere but in the
// first line of a stack trace: "goroutine 7 [running]:".
func goroutineID() uint64 {
	var b [64]byte
	line := b[:runtime.Stack(b[:], false)]
	digits, _, _ := bytes.Cut(bytes.TrimPrefix(line, []byte("goroutine ")), []byte(" "))
	id, _ := strconv.ParseUint(string(digits), 10, 64)
	return id
}
