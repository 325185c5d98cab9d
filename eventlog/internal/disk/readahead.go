package disk

import (
	"io"
	"os"
	"sync"
)

const (
	// coldWindow is after how many bytes of ops a reading looks at how it went.
	coldWindow = 256 << 10
	// coldPage and coldShare say when reading ahead pays: when one page of 4 KiB in eight had to come from the disk.
	coldPage  = 4 << 10
	coldShare = 8
	// readAheadBlock is how much of the file is read at a time. The end of the iteration waits for no more than that.
	readAheadBlock = 1 << 20
	// readAheadMost bounds what one iteration reads ahead. A file that is larger than the memory
	// would only push out what was just read.
	readAheadMost = 2 << 30
)

// ReadAhead reads the file front to back beside an iteration whose pages are not in memory. bbolt
// advises the map as random, so that each page that is missing costs a read of its own: 0.14 million
// entries a second, where plain reads of the whole file let the iteration find its pages there.
//
// Reading begins once the iteration has waited for many pages, which the process's count of major faults
// tells, so that warm and short iterations start nothing. A nil ReadAhead, that of an iteration that jumps
// about in the file, does nothing. A ReadAhead has one goroutine, which ends before the iteration does; of
// several iterations one reads ahead for all.
type ReadAhead struct {
	file   *File
	faults int64 // of the process when the window began
	bytes  int   // of ops since then
	stop   chan struct{}
	done   sync.WaitGroup
}

// ReadAhead returns a ReadAhead for an iteration that begins now; nil for one of a file that is not mapped, of which
// the system reads ahead by itself.
func (f *File) ReadAhead() *ReadAhead {
	if f.onlooks {
		return nil
	}
	return &ReadAhead{file: f, faults: majorFaults()}
}

// Observe counts bytes of ops that were read and starts reading ahead when it pays.
func (r *ReadAhead) Observe(bytes int) {
	if r == nil {
		return
	}
	r.bytes += bytes
	if r.stop != nil || r.bytes < coldWindow {
		return
	}
	faults := majorFaults()
	cold := faults >= 0 && (faults-r.faults)*coldPage*coldShare >= int64(r.bytes)
	r.faults, r.bytes = faults, 0
	if !cold || !r.file.readingAhead.CompareAndSwap(false, true) {
		return
	}
	r.stop = make(chan struct{})
	r.done.Go(func() {
		defer r.file.readingAhead.Store(false)
		r.read()
	})
}

// Close ends the goroutine and waits for it.
func (r *ReadAhead) Close() {
	if r != nil && r.stop != nil {
		close(r.stop)
		r.done.Wait()
	}
}

// read reads the file until it ends or the iteration does. An error ends it too: whatever is wrong,
// the iteration meets it and says so.
func (r *ReadAhead) read() {
	f, err := os.Open(r.file.path)
	if err != nil {
		return
	}
	defer f.Close()
	block := make([]byte, readAheadBlock)
	for total := int64(0); total < readAheadMost; {
		select {
		case <-r.stop:
			return
		default:
		}
		n, err := io.ReadFull(f, block)
		if total += int64(n); err != nil {
			return
		}
	}
}
