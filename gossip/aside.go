package gossip

import (
	"sync"
	"time"

	"github.com/quipulog/quipu/gossip/wire"
)

const (
	// maxAside bounds the transient events that wait for one link.
	maxAside = 256
	// maxAsideBytes bounds the memory that they take, in bytes; one event always may wait.
	maxAsideBytes = 2 << 20
)

// aside is the transient events that wait for a link until there is nothing else to write. It does not
// grow: the oldest goes first.
type aside struct {
	mu sync.Mutex
	// The fields below are guarded by mu.

	events []wire.Transient
	bytes  int // of memory
	window window
}

// put adds an event, and returns how many were dropped for it.
func (a *aside) put(m wire.Transient) (dropped int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, m)
	a.bytes += m.Event.Memory()
	for len(a.events) > 1 && (len(a.events) > maxAside || a.bytes > maxAsideBytes) {
		a.pop()
		dropped++
	}
	return dropped
}

// pop takes the oldest event out. The caller holds mu.
func (a *aside) pop() wire.Transient {
	m := a.events[0]
	a.events[0] = wire.Transient{}
	a.events = a.events[1:]
	a.bytes -= m.Event.Memory()
	return m
}

// take returns the next event that is worth sending, if there is room for it on the way, and how many
// before it were dropped: because they are old by now, or because the link would be busy with them for
// too long, as within says.
func (a *aside) take(now time.Time, within func(bytes int) bool) (m wire.Transient, dropped int, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.events) > 0 {
		size := a.events[0].Event.Size()
		good := a.events[0].Event.Fresh(now) && within(size)
		if good && !a.window.opens(size) {
			break
		}
		if m = a.pop(); good {
			a.window.sent += size
			return m, dropped, true
		}
		dropped++
	}
	return wire.Transient{}, dropped, false
}

// offered takes note that an offer was written on the link.
func (a *aside) offered(round uint32, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.window.offered(round, now)
}

// answered takes note that the peer has answered, and reports whether events wait.
func (a *aside) answered(round uint32, now time.Time) (waits bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.window.answered(round, now)
	return len(a.events) > 0
}
