package eventlog

import (
	"bytes"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

// ErrInTx is returned when a method of the log is called inside the function of an Update or a View, in
// its goroutine: it would wait for the transaction that it is in. Use the [Tx], or the [ReadTx].
var ErrInTx = errors.New("called inside an Update or a View of the same log")

// reentry knows which goroutines run the function of an Update or a View.
type reentry struct {
	running    atomic.Int64
	goroutines sync.Map // their numbers
}

// enter notes that the calling goroutine runs such a function, until it calls leave.
func (r *reentry) enter() (leave func()) {
	id := goroutineID()
	r.running.Add(1)
	r.goroutines.Store(id, nil)
	return func() {
		r.goroutines.Delete(id)
		r.running.Add(-1)
	}
}

// notInside returns [ErrInTx] when the caller is inside an Update or a View. While none runs it costs
// one load.
func (l *Log) notInside() error {
	if l.inside.running.Load() == 0 {
		return nil
	}
	if _, inside := l.inside.goroutines.Load(goroutineID()); inside {
		return ErrInTx
	}
	return nil
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
