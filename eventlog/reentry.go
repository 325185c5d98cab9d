package eventlog

import (
	"bytes"
	"errors"
	"runtime"
	"strconv"
	"sync/atomic"
)

// ErrInTx is returned when a method of the log is called inside the function of an Update, in its
// goroutine: it would wait for the transaction that it is in. Use the [Tx].
var ErrInTx = errors.New("called inside an Update of the same log")

// reentry knows which goroutine runs the function of an Update: 0 for none.
type reentry struct {
	goroutine atomic.Uint64
}

// notInside returns [ErrInTx] when the caller is inside an Update. While none runs it costs one load.
func (l *Log) notInside() error {
	if id := l.update.goroutine.Load(); id != 0 && id == goroutineID() {
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
