package transient

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// What no honest peer sends; wrapped by errors of [Hub.Take].
var (
	ErrNotAgreed = errors.New("a transient event, which was not agreed")
	ErrOtherLog  = errors.New("a transient event of another log")
	ErrHops      = errors.New("a transient event as if it came from its author")
)

// Hub is how transient events get around. Its methods may be called from any goroutine.
type Hub struct {
	log       crdt.LogID
	listeners Listener

	Counts Counts

	mu sync.Mutex
	// The fields below are guarded by mu.

	lanes map[*Lane]struct{} // that are open
	seen  seen
}

// Counts is what has become of transient events.
type Counts struct {
	Sent     atomic.Uint64 // that were handed out to be written, our own and others'
	Taken    atomic.Uint64 // of peers, told here
	Relayed  atomic.Uint64 // of peers, handed to links
	Dropped  atomic.Uint64 // for a link that was too slow
	Repeated atomic.Uint64 // of peers, that had come before
	Stale    atomic.Uint64 // of peers, more than a minute old or ahead
	Limited  atomic.Uint64 // of peers, past what a link may send
	Refused  atomic.Uint64 // of peers, of shut authors or of a format that is not known here
}

// Listener is who is told of the events of peers.
type Listener interface {
	// Hear tells of an event, after checking its author and its signature, or says why not: by
	// crdt.ErrSignature and crdt.ErrAuthor, or another error where the event is not to blame.
	Hear(crdt.Broadcast) error
}

// NewHub returns a hub of a log without links. listeners may be nil where no link has agreed to events.
func NewHub(log crdt.LogID, listeners Listener) *Hub {
	return &Hub{log: log, listeners: listeners, lanes: make(map[*Lane]struct{})}
}

// note takes note of an event that has come after hops links, and says whether to tell of it here and
// whether to send it on.
func (h *Hub) note(b *crdt.Broadcast, hops uint8, now time.Time) (fresh, relay bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen.note(b.ID, hops == 0, now)
}

// Len returns how many events wait for their links, and the bytes that they keep in memory there.
func (h *Hub) Len() (events, bytes int) {
	for _, l := range h.besides(nil) {
		l.mu.Lock()
		events, bytes = events+len(l.events), bytes+l.bytes
		l.mu.Unlock()
	}
	return events, bytes
}

// besides returns the open lanes but for one, which may be nil.
func (h *Hub) besides(from *Lane) []*Lane {
	h.mu.Lock()
	defer h.mu.Unlock()
	lanes := make([]*Lane, 0, len(h.lanes))
	for l := range h.lanes {
		if l != from {
			lanes = append(lanes, l)
		}
	}
	return lanes
}

// Broadcast hands an event of our own to the links and returns how many peers that are. It does not wait.
func (h *Hub) Broadcast(b crdt.Broadcast) int {
	h.note(&b, 0, time.Now())
	return h.spread(wire.Transient{Event: b}, nil)
}

// spread hands an event to the links but for the one that it came on, those to its author, and
// those whose peers have shut the author. It returns how many peers that are.
func (h *Hub) spread(m wire.Transient, from *Lane) int {
	dropped := 0
	peers := make(map[crdt.Author]bool) // For a moment there may be two links to one.
	for _, l := range h.besides(from) {
		if l.peer.Author == m.Event.Author || l.peer.Shut(m.Event.Author) {
			continue
		}
		dropped += l.put(m)
		l.peer.Wake()
		peers[l.peer.Author] = true
	}
	h.Counts.Dropped.Add(uint64(dropped))
	return len(peers)
}

// Take tells the listeners here of an event that has come on a link in a message of size bytes, and sends it
// on when it came from its author. Its errors are what no honest peer sends: those above, and those of
// the event's author and signature. One goroutine at a time calls it for a lane.
func (h *Hub) Take(from *Lane, m wire.Transient, size int) error {
	now := time.Now()
	switch {
	case !from.peer.Agreed:
		return ErrNotAgreed
	case !from.quota.takes(size, now):
		h.Counts.Limited.Add(1)
		return nil
	case m.Newer != nil:
		h.Counts.Refused.Add(1)
		return nil
	case m.Event.Log != h.log:
		return fmt.Errorf("%w: %s", ErrOtherLog, m.Event.Log)
	case m.Hops == 0 && m.Event.Author != from.peer.Author:
		return fmt.Errorf("%w: %s", ErrHops, m.Event.Author.Short())
	case !m.Event.Fresh(now):
		h.Counts.Stale.Add(1)
		return nil
	}
	fresh, relay := h.note(&m.Event, m.Hops, now)
	switch err := h.tell(m.Event, fresh, relay); {
	case errors.Is(err, crdt.ErrSignature), errors.Is(err, crdt.ErrAuthor):
		return err
	case err != nil:
		h.Counts.Refused.Add(1)
		return nil
	}
	if relay {
		h.Counts.Relayed.Add(uint64(h.spread(wire.Transient{Hops: m.Hops + 1, Event: m.Event}, from)))
	}
	return nil
}

// tell tells the listeners of an event that is fresh, checks one that is only to be sent on, and counts.
func (h *Hub) tell(b crdt.Broadcast, fresh, relay bool) error {
	if !fresh {
		h.Counts.Repeated.Add(1)
		if relay {
			return b.Verify()
		}
		return nil
	}
	err := h.listeners.Hear(b)
	if err == nil {
		h.Counts.Taken.Add(1)
	}
	return err
}
