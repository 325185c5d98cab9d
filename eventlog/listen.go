package eventlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/quipulog/quipu/crdt"
)

// ErrListeners is returned by [Log.Listen] when so many listen that one more is not let in.
var ErrListeners = errors.New("too many listeners")

// errLeft is what a second loop over one listening gets.
var errLeft = errors.New("listen: its loop was left before; call Listen again")

// ListenConfig bounds what waits for one listener that is slower than what it listens to. The zero value
// is good.
type ListenConfig struct {
	// MaxEvents is how many events wait. 0 means 256.
	MaxEvents int
	// MaxBytes is how many bytes of memory the events that wait take; one event always may wait. 0 means
	// 4 MiB.
	MaxBytes int
}

func (c ListenConfig) withDefaults() ListenConfig {
	if c.MaxEvents == 0 {
		c.MaxEvents = 256
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 4 << 20
	}
	return c
}

func (c ListenConfig) validate() error {
	if c.MaxEvents < 0 || c.MaxBytes < 0 {
		return fmt.Errorf("listen: MaxEvents %d, MaxBytes %d: expected 0 or more", c.MaxEvents, c.MaxBytes)
	}
	return nil
}

// Heard is a transient event as a listener gets it.
type Heard struct {
	crdt.Broadcast
	// Missed is how many events this listener has missed between the one before and this one, because it
	// was too slow for them.
	Missed uint64
}

// Listen hears the transient events that the query takes, broadcast here or by peers, from the call on
// until ctx ends or the loop is left. What nobody listened to is gone: nothing is replayed. The
// iteration is for one loop.
//
// A slow loop holds nobody up. Events wait for it within the bounds of cfg; past those the oldest goes,
// and the next one that is heard says how many did. An event shares no memory with anything that is
// written again.
//
// Of the query its filters and its limit count; it has no place, offset, page, order or reverse to begin
// at, and no event is disputed. Every error ends the iteration: ctx's own when ctx ends, [ErrClosed] when
// the log is closed, [ErrQuery] and [ErrListeners].
func (l *Log) Listen(ctx context.Context, q Query, cfg ListenConfig) iter.Seq2[Heard, error] {
	li := &listener{wake: make(chan struct{}, 1), filter: q.filter(), cfg: cfg.withDefaults()}
	err := errors.Join(li.cfg.validate(), q.checkListen())
	if err == nil {
		err = l.audience.join(li)
	}
	if err != nil {
		return func(yield func(Heard, error) bool) { yield(Heard{}, err) }
	}
	forget := context.AfterFunc(ctx, func() {
		l.audience.leave(li)
		li.end(ctx.Err())
	})
	return func(yield func(Heard, error) bool) {
		defer forget()
		defer li.end(errLeft)
		defer l.audience.leave(li)
		for left := q.Limit; ; {
			h, err := li.next()
			if ctx.Err() != nil {
				h, err = Heard{}, ctx.Err()
			}
			if !yield(h, err) || err != nil {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// checkListen says why a query cannot be listened with, or nil.
func (q *Query) checkListen() error {
	switch {
	case q.Order != ByAuthor || q.Reverse || q.Page != "" || q.From != nil || q.FromOffset != 0:
		return fmt.Errorf("%w: what is listened to stands nowhere: it has no order, page, place or offset", ErrQuery)
	case q.Disputed == OnlyDisputed:
		return fmt.Errorf("%w: no transient event is disputed", ErrQuery)
	}
	return q.check()
}

// listener is what waits for one that listens.
//
//	missed: 2      events: c ─ d ─ e      the next one is c, and says that two were missed before it
type listener struct {
	wake   chan struct{} // of one place
	filter filter
	cfg    ListenConfig

	mu sync.Mutex
	// The fields below are guarded by mu.

	events []crdt.Broadcast
	bytes  int    // of memory that events takes
	missed uint64 // before the first of events
	err    error  // why no more come
}

// put adds an event, and drops the oldest where there is too much.
func (li *listener) put(b crdt.Broadcast) {
	li.mu.Lock()
	defer li.mu.Unlock()
	if li.err != nil {
		return
	}
	li.events = append(li.events, b)
	li.bytes += b.Memory()
	for len(li.events) > 1 && (len(li.events) > li.cfg.MaxEvents || li.bytes > li.cfg.MaxBytes) {
		li.drop()
		li.missed++
	}
	li.signal()
}

// drop takes out the oldest event. The caller holds mu.
func (li *listener) drop() crdt.Broadcast {
	b := li.events[0]
	li.events[0] = crdt.Broadcast{}
	li.events = li.events[1:]
	li.bytes -= b.Memory()
	return b
}

// end has the listener stop once it has heard what waits.
func (li *listener) end(why error) {
	li.mu.Lock()
	defer li.mu.Unlock()
	if li.err == nil {
		li.err = why
	}
	li.signal()
}

// signal wakes the listener. The caller holds mu.
func (li *listener) signal() {
	select {
	case li.wake <- struct{}{}:
	default:
	}
}

// next waits for the next event, or for the end.
func (li *listener) next() (Heard, error) {
	for {
		if h, ok, err := li.take(); ok || err != nil {
			return h, err
		}
		<-li.wake // end wakes it when ctx ends or the log is closed
	}
}

// take takes the oldest event out, or says why there will be none.
func (li *listener) take() (h Heard, ok bool, err error) {
	li.mu.Lock()
	defer li.mu.Unlock()
	if len(li.events) == 0 {
		return Heard{}, false, li.err
	}
	h = Heard{Missed: li.missed}
	li.missed = 0
	h.Broadcast = li.drop()
	return h, true, nil
}
