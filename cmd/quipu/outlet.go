package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// maxWaiting bounds the bytes that wait for somebody to take them from stderr.
	maxWaiting = 256 << 10
	// lastWords is how long a command that is told to end waits for that.
	lastWords = time.Second
	// handOver is how long a command that is no daemon waits for a line to be taken, so that what it says on
	// stderr and on stdout stands in order: once, until all is taken that waits.
	handOver = time.Second
)

// outlet is stderr for those who must not wait for it: what is written is taken and handed on by a
// goroutine as fast as the other side takes it. What finds no room, and what cannot be written, is dropped
// by whole writes and counted; the next thing that comes through says how many lines that were.
type outlet struct {
	out  io.Writer
	wake chan struct{} // one slot: there is something to hand on, or nothing will come any more
	done chan struct{} // closed when the goroutine has ended

	mu sync.Mutex
	// The fields below are guarded by mu.

	waiting []byte
	dropped int           // lines that came after all that waits
	taken   chan struct{} // closed when all is handed on; nil where nothing is to be
	behind  bool          // somebody has waited in vain since that was so
	daemon  bool          // nobody waits at all
	closed  bool
	lost    func(w io.Writer, lines int) error // says so
}

// newOutlet returns an outlet to out. Its goroutine ends with [outlet.close].
func newOutlet(out io.Writer) *outlet {
	o := &outlet{out: out, wake: make(chan struct{}, 1), done: make(chan struct{})}
	o.lost = func(w io.Writer, lines int) error {
		_, err := fmt.Fprintf(w, "quipu: %d lines were dropped here: nobody took them\n", lines)
		return err
	}
	go o.run()
	return o
}

// Write never fails. It waits for [handOver] at most, and not again before all is taken.
func (o *outlet) Write(b []byte) (int, error) {
	o.mu.Lock()
	// After a drop all is dropped until what waits is taken, so that the count stands in the place of the lines.
	if o.dropped > 0 || len(o.waiting)+len(b) > maxWaiting {
		o.dropped += linesOf(b)
	} else {
		o.waiting = append(o.waiting, b...)
	}
	if o.taken == nil {
		o.taken = make(chan struct{})
	}
	taken, wait := o.taken, !o.daemon && !o.behind
	o.mu.Unlock()
	o.nudge()
	if !wait {
		return len(b), nil
	}
	select {
	case <-taken:
	case <-time.After(handOver):
		o.mu.Lock()
		o.behind = o.taken == taken
		o.mu.Unlock()
	}
	return len(b), nil
}

// logs makes it a daemon's: nobody waits, and say says that lines were dropped.
func (o *outlet) logs(say func(w io.Writer, lines int) error) {
	o.mu.Lock()
	o.daemon, o.lost = true, say
	o.mu.Unlock()
}

func (o *outlet) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run hands on what waits until the outlet is closed.
func (o *outlet) run() {
	defer close(o.done)
	var taken []byte // its array takes turns with that of what waits
	missing := 0     // lines that nobody was told of yet
	to := lineWriter{out: o.out}
	for range o.wake {
		for {
			o.mu.Lock()
			taken, o.waiting = o.waiting, taken[:0]
			dropped, say := o.dropped, o.lost
			o.dropped = 0
			if len(taken) == 0 && dropped == 0 {
				closed := o.closed
				o.allTaken()
				o.mu.Unlock()
				if closed {
					return
				}
				break
			}
			o.mu.Unlock()
			missing += to.put(taken) + dropped
			if missing > 0 && say(&to, missing) == nil {
				missing = 0
			}
		}
	}
}

// allTaken tells those who wait that nothing is left to hand on. The caller holds mu.
func (o *outlet) allTaken() {
	if o.taken != nil {
		close(o.taken)
	}
	o.taken, o.behind = nil, false
}

// lineWriter writes lines, each from the beginning of one.
type lineWriter struct {
	out io.Writer
	cut bool // the last write ended within a line
}

func (l *lineWriter) Write(b []byte) (n int, err error) {
	if l.cut {
		if _, err := l.out.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
		l.cut = false
	}
	n, err = l.out.Write(b)
	l.cut = err != nil && n > 0 && b[n-1] != '\n'
	return n, err
}

// put writes b, and returns how many lines of it could not be written.
func (l *lineWriter) put(b []byte) (lost int) {
	n, _ := l.Write(b) // an error leaves the rest unwritten
	return linesOf(b[n:])
}

// linesOf counts the lines that begin in b, or go on in it.
func linesOf(b []byte) int {
	n := bytes.Count(b, []byte{'\n'})
	if len(b) > 0 && b[len(b)-1] != '\n' {
		n++
	}
	return n
}

// close waits until all is handed on; once ctx has ended, and for one that is not patient, [lastWords] at
// most. Nothing is written after it.
func (o *outlet) close(ctx context.Context, patient bool) {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.nudge()
	if patient {
		select {
		case <-o.done:
			return
		case <-ctx.Done():
		}
	}
	select {
	case <-o.done:
	case <-time.After(lastWords):
	}
}
