package transient

import (
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

const (
	// maxWaiting bounds the events that wait for one link.
	maxWaiting = 256
	// maxBytes bounds the memory that they take, in bytes; one event always may wait.
	maxBytes = 2 << 20

	// quotaEvents and quotaBytes bound the events that are taken from one link in a second.
	quotaEvents = 1000
	quotaBytes  = 4 << 20
)

// Peer is who is at the other end of a link. Its functions do not wait, and are called from any goroutine.
type Peer struct {
	Author crdt.Author
	Agreed bool                   // both ends take transient events
	Shut   func(crdt.Author) bool // whether it takes nothing of an author
	Wake   func()                 // says that there may be something to write
}

// Lane is the way of transient events from and to the peer of a link. What is for the peer waits in it until
// there is nothing else to write; it does not grow: the oldest goes first.
type Lane struct {
	hub   *Hub
	peer  Peer
	quota quota // belongs to the goroutine that calls Take

	mu sync.Mutex
	// The fields below are guarded by mu.

	events []wire.Transient
	bytes  int // of memory
	window window
}

// Lane returns the lane of a link. It gets events between [Lane.Open] and the end.
func (h *Hub) Lane(peer Peer) *Lane { return &Lane{hub: h, peer: peer} }

// Open takes the lane in among those that get events, if that was agreed, until leave is called.
func (l *Lane) Open() (leave func()) {
	h := l.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.peer.Agreed {
		h.lanes[l] = struct{}{}
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.lanes, l)
	}
}

// put adds an event, and returns how many were dropped for it.
func (l *Lane) put(m wire.Transient) (dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, m)
	l.bytes += m.Event.Memory()
	for len(l.events) > 1 && (len(l.events) > maxWaiting || l.bytes > maxBytes) {
		l.pop()
		dropped++
	}
	return dropped
}

// pop takes the oldest event out. The caller holds mu.
func (l *Lane) pop() wire.Transient {
	m := l.events[0]
	l.events[0] = wire.Transient{}
	l.events = l.events[1:]
	l.bytes -= m.Event.Memory()
	return m
}

// Next returns the next event to write, if one is worth it and there is room for it on the way. within says
// whether the link takes so many bytes before long.
func (l *Lane) Next(now time.Time, within func(bytes int) bool) (m wire.Transient, ok bool) {
	m, dropped, ok := l.take(now, within)
	l.hub.Counts.Dropped.Add(uint64(dropped))
	if ok {
		l.hub.Counts.Sent.Add(1)
	}
	return m, ok
}

// take returns the next event that is worth sending, if there is room for it on the way, and how many before it were
// dropped: because they are old by now, or because the link would be busy with them for too long, as within says.
func (l *Lane) take(now time.Time, within func(bytes int) bool) (m wire.Transient, dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.events) > 0 {
		size := l.events[0].Event.Size()
		good := l.events[0].Event.Fresh(now) && within(size)
		if good && !l.window.opens(size) {
			break
		}
		if m = l.pop(); good {
			l.window.sent += size
			return m, dropped, true
		}
		dropped++
	}
	return wire.Transient{}, dropped, false
}

// Unread reports whether the peer may not have read all events that were written: its answer to an offer says so.
func (l *Lane) Unread() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.window.sent > 0
}

// Offered takes note that an offer was written on the link.
func (l *Lane) Offered(round uint32, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.window.offered(round, now)
}

// Answered takes note that the peer has answered an offer: it has read what was written before.
func (l *Lane) Answered(round uint32, now time.Time) {
	l.mu.Lock()
	l.window.answered(round, now)
	waits := len(l.events) > 0
	l.mu.Unlock()
	if waits {
		l.peer.Wake()
	}
}

// quota is what a link may send in a second.
type quota struct {
	began         time.Time // of the second
	events, bytes int       // in it
}

// takes takes note of an event and reports whether it is within the quota.
func (q *quota) takes(size int, now time.Time) bool {
	if now.Sub(q.began) >= time.Second {
		*q = quota{began: now}
	}
	q.events++
	q.bytes += size
	return q.events <= quotaEvents && q.bytes <= quotaBytes
}
