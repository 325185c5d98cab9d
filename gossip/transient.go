package gossip

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// Transients is what gossip needs of a log to carry transient events. *eventlog.Log satisfies it. Its
// methods may be called from any goroutine.
type Transients interface {
	// Relay has send called with each event that is broadcast here to peers, until stop is called.
	// send returns how many peers it was handed to, and does not wait.
	Relay(send func(crdt.Broadcast) int) (stop func())
	// Hear tells the listeners here of an event that a peer has sent, after checking its author and its
	// signature, or says why not: by crdt.ErrSignature, crdt.ErrAuthor and crdt.ErrShut.
	Hear(crdt.Broadcast) error
}

// transients is how transient events get around. An author sends its own to its links; each of those
// sends it on to its own links, once, and there it ends.
//
//	author ──▶ peer ──▶ peer's peer      hops 0, then 1
//
// Nothing is kept but ids, so as to tell nobody twice, and what waits for a link, in bounded space. What
// a link has no time for is dropped: ops go first.
type transients struct {
	sent, taken, relayed, dropped, repeated, stale, limited, refused atomic.Uint64 // see Counts

	mu sync.Mutex
	// The fields below are guarded by mu.

	links map[*link]struct{} // whose peers take transient events
	seen  seen
}

func newTransients() *transients { return &transients{links: make(map[*link]struct{})} }

// join takes a link in, and leave out.
func (t *transients) join(l *link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.links[l] = struct{}{}
}

func (t *transients) leave(l *link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.links, l)
}

// note takes note of an event that has come after hops links, and says whether to tell of it here and
// whether to send it on.
func (t *transients) note(b *crdt.Broadcast, hops uint8, now time.Time) (fresh, relay bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen.note(b.ID, hops == 0, now)
}

// besides returns the links but for one, which may be nil.
func (t *transients) besides(from *link) []*link {
	t.mu.Lock()
	defer t.mu.Unlock()
	links := make([]*link, 0, len(t.links))
	for l := range t.links {
		if l != from {
			links = append(links, l)
		}
	}
	return links
}

// broadcast hands an event of our own to the links and returns how many peers that are.
func (g *Gossip) broadcast(b crdt.Broadcast) int {
	g.transients.note(&b, 0, time.Now())
	return g.spreadTransient(wire.Transient{Event: b}, nil)
}

// spreadTransient hands an event to the links but for the one that it came on, those to its author, and
// those whose peers have shut the author. It returns how many peers that are.
func (g *Gossip) spreadTransient(m wire.Transient, from *link) int {
	dropped := 0
	peers := make(map[crdt.Author]bool) // For a moment there may be two links to one.
	for _, l := range g.transients.besides(from) {
		if l.peer == m.Event.Author || l.roots.hasShut(m.Event.Author) {
			continue
		}
		dropped += l.aside.put(m)
		l.out.put(func(*letters) {}) // wakes the writer
		peers[l.peer] = true
	}
	g.transients.dropped.Add(uint64(dropped))
	return len(peers)
}

// takeTransient tells the listeners here of an event that a peer has sent, and sends it on when it came
// from its author. Only what no honest peer sends is an error.
func (g *Gossip) takeTransient(l *link, m wire.Transient, size int) error {
	now := time.Now()
	switch {
	case !l.transient:
		return g.offence(l, reasonMalformed, errors.New("a transient event, which was not agreed"))
	case !l.quota.takes(size, now):
		g.transients.limited.Add(1)
		return nil
	case m.Newer != nil:
		g.transients.refused.Add(1)
		return nil
	case m.Event.Log != g.log.ID():
		return g.offence(l, reasonOtherLog, fmt.Errorf("a transient event of log %s", m.Event.Log))
	case m.Hops == 0 && m.Event.Author != l.peer:
		return g.offence(l, reasonHops, fmt.Errorf("a transient event of %s, as if it came from there", m.Event.Author.Short()))
	case !m.Event.Fresh(now):
		g.transients.stale.Add(1)
		return nil
	}
	fresh, relay := g.transients.note(&m.Event, m.Hops, now)
	if err := g.hear(m.Event, fresh, relay); err != nil {
		if reason, offence := faultOf(err); offence {
			return g.offence(l, reason, err)
		}
		g.transients.refused.Add(1)
		return nil
	}
	if relay {
		g.transients.relayed.Add(uint64(g.spreadTransient(wire.Transient{Hops: m.Hops + 1, Event: m.Event}, l)))
	}
	return nil
}

// hear tells the listeners of an event that is fresh, checks one that is only to be sent on, and counts.
func (g *Gossip) hear(b crdt.Broadcast, fresh, relay bool) error {
	if !fresh {
		g.transients.repeated.Add(1)
		if relay {
			return b.Verify()
		}
		return nil
	}
	err := g.cfg.Transients.Hear(b)
	if err == nil {
		g.transients.taken.Add(1)
	}
	return err
}

// answered takes note that the peer has answered an offer: it has read what was written before.
func (l *link) answered(round uint32) {
	if l.aside.answered(round, time.Now()) {
		l.out.put(func(*letters) {}) // wakes the writer
	}
}

// transientNext writes the next transient event that waits for the link.
func (w *writer) transientNext(ctx context.Context) (busy bool, err error) {
	m, dropped, ok := w.l.aside.take(time.Now(), w.flow.within)
	w.g.transients.dropped.Add(uint64(dropped))
	if !ok {
		return false, nil
	}
	w.g.transients.sent.Add(1)
	return true, w.write(ctx, m)
}
