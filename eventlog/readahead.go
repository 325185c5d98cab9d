package eventlog

import (
	"io"
	"os"
	"sync"
)

const (
	// coldFaults is how many pages must have come from the disk during one reading before reading
	// ahead pays.
	coldFaults = 64
	// readAheadBlock is how much of the file is read at a time. The end of the iteration waits for no
	// more than that.
	readAheadBlock = 1 << 20
	// readAheadMost bounds what one iteration reads ahead. A file that is larger than the memory
	// would only push out what was just read.
	readAheadMost = 2 << 30
)

// readAhead reads the file front to back beside an iteration whose pages are not in memory. bbolt
// advises the map as random, so that each page that is missing costs a read of its own: 0.14 million
// entries a second, where plain reads of the whole file let the iteration find its pages there and
// go at 3 million and more.
//
// It begins once the iteration has waited for some pages, which the process's count of major faults
// tells, so that warm and short readings start nothing. It is one goroutine, which ends before the
// iteration does; of several iterations, one reads ahead for all.
type readAhead struct {
	log    *Log
	faults int64 // of the process when the iteration began; negative where they are not counted
	stop   chan struct{}
	done   sync.WaitGroup
}

func (l *Log) newReadAhead() *readAhead { return &readAhead{log: l, faults: majorFaults()} }

// observe starts reading when it pays.
func (r *readAhead) observe() {
	if r.faults < 0 || r.stop != nil || majorFaults()-r.faults < coldFaults || !r.log.readingAhead.CompareAndSwap(false, true) {
		return
	}
	r.stop = make(chan struct{})
	r.done.Go(func() {
		defer r.log.readingAhead.Store(false)
		r.read()
	})
}

// close ends the goroutine and waits for it.
func (r *readAhead) close() {
	if r.stop != nil {
		close(r.stop)
		r.done.Wait()
	}
}

// read reads the file until it ends or the iteration does. An error ends it too: whatever is wrong,
// the iteration meets it and says so.
func (r *readAhead) read() {
	f, err := os.Open(r.log.path)
	if err != nil {
		return
	}
	defer f.Close()
	block := make([]byte, readAheadBlock)
	for total := 0; total < readAheadMost; {
		select {
		case <-r.stop:
			return
		default:
		}
		n, err := io.ReadFull(f, block)
		if total += n; err != nil {
			return
		}
	}
}
