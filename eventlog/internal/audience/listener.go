package audience

import (
	"sync"

	"github.com/quipulog/quipu/crdt"
)

// Bounds bounds what waits for one slow listener. One event may always wait.
type Bounds struct {
	Events int
	Bytes  int // of memory that the events take
}

// Listener is one listener and what waits for it.
//
//	missed: 2      events: c ─ d ─ e      the next one is c, and says that two were missed before it
type Listener struct {
	audience *Audience
	takes    func(crdt.Broadcast) bool
	bounds   Bounds
	wake     chan struct{} // of one place

	mu sync.Mutex
	// The fields below are guarded by mu.

	events []crdt.Broadcast
	bytes  int    // of memory that events takes
	missed uint64 // before the first of events
	err    error  // why no more come
}

// Next waits for the next event, and returns how many were missed since the event before. Once what waited was heard
// it returns an error: what [Listener.Leave] or [Audience.Close] was told first. It is for one goroutine.
func (li *Listener) Next() (b crdt.Broadcast, missed uint64, err error) {
	for {
		if b, missed, ok, err := li.take(); ok || err != nil {
			return b, missed, err
		}
		<-li.wake
	}
}

// Leave takes the listener out of the audience: it hears what waits, and then gets why.
func (li *Listener) Leave(why error) {
	li.audience.mu.Lock()
	delete(li.audience.listeners, li)
	li.audience.mu.Unlock()
	li.end(why)
}

// put adds an event, and drops the oldest where there is too much.
func (li *Listener) put(b crdt.Broadcast) {
	li.mu.Lock()
	defer li.mu.Unlock()
	if li.err != nil {
		return
	}
	li.events = append(li.events, b)
	li.bytes += b.Memory()
	for len(li.events) > 1 && (len(li.events) > li.bounds.Events || li.bytes > li.bounds.Bytes) {
		li.drop()
		li.missed++
	}
	li.signal()
}

// drop takes out the oldest event. The caller holds mu.
func (li *Listener) drop() crdt.Broadcast {
	b := li.events[0]
	li.events[0] = crdt.Broadcast{}
	li.events = li.events[1:]
	li.bytes -= b.Memory()
	return b
}

// end has the listener stop once it has heard what waits.
func (li *Listener) end(why error) {
	li.mu.Lock()
	defer li.mu.Unlock()
	if li.err == nil {
		li.err = why
	}
	li.signal()
}

// signal wakes the listener. The caller holds mu.
func (li *Listener) signal() {
	select {
	case li.wake <- struct{}{}:
	default:
	}
}

// take takes the oldest event out, or says why there will be none.
func (li *Listener) take() (b crdt.Broadcast, missed uint64, ok bool, err error) {
	li.mu.Lock()
	defer li.mu.Unlock()
	if len(li.events) == 0 {
		return b, 0, false, li.err
	}
	missed, li.missed = li.missed, 0
	return li.drop(), missed, true, nil
}
