// Package audience keeps the mailboxes of those who listen to transient events: events that are stored
// nowhere, and are told to whoever is there at that moment.
//
// An [Audience] has listeners, which each have a mailbox, and relays, which hand events to peers. Telling
// waits for nobody: a mailbox is bounded, and where there is too much the oldest event goes, which is
// counted and told to its [Listener] with the next one. It does not look at what it tells: who may say
// what is its user's to settle. A [Voice] puts what one author says in order.
//
//	      ┌─ mailbox ─ Listener.Next
//	Tell ─┼─ mailbox ─ Listener.Next        PassOn ─ the relays
//	      └─ mailbox ─ Listener.Next
package audience

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/quipulog/quipu/crdt"
)

// ErrFull is returned by [Audience.Join] when there are as many listeners as are let in.
var ErrFull = errors.New("too many listeners")

// maxListeners bounds those who listen at a time: each is looked at for each event.
const maxListeners = 1024

// Audience is all who are told of transient events: listeners, and relays, which hand events to peers. In
// the zero Audience there is nobody. Its methods may be called by many goroutines at once.
type Audience struct {
	// mu guards what follows. It is taken before the mu of a listener, and never held while a relay is called.
	mu        sync.Mutex
	listeners map[*Listener]struct{}
	relays    []*relay
	closed    error // why nobody is told any more; nil while the audience is open
}

// relay is one who hands events to peers.
type relay struct {
	send func(crdt.Broadcast) int
}

// Join lets a listener in, to the events that takes takes. takes is called by one goroutine at a time, and
// does not call the audience. Errors are [ErrFull] and what [Audience.Close] was told.
func (a *Audience) Join(takes func(crdt.Broadcast) bool, bounds Bounds) (*Listener, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed != nil:
		return nil, a.closed
	case len(a.listeners) >= maxListeners:
		return nil, fmt.Errorf("%w: %d listen already", ErrFull, maxListeners)
	}
	if a.listeners == nil {
		a.listeners = make(map[*Listener]struct{})
	}
	li := &Listener{audience: a, takes: takes, bounds: bounds, wake: make(chan struct{}, 1)}
	a.listeners[li] = struct{}{}
	return li, nil
}

// Tell puts an event before the listeners that take it, and returns how many do. Its error is what
// [Audience.Close] was told; then nobody was told the event.
func (a *Audience) Tell(b crdt.Broadcast) (took int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for li := range a.listeners {
		if li.takes(b) {
			li.put(b)
			took++
		}
	}
	return took, a.closed
}

// Relay makes the audience call send with each event that is passed on, until stop is called. send returns
// how many peers it hands the event to, and does not wait.
func (a *Audience) Relay(send func(crdt.Broadcast) int) (stop func()) {
	r := &relay{send: send}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.relays = append(a.relays, r)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.relays = slices.DeleteFunc(slices.Clone(a.relays), func(o *relay) bool { return o == r })
	}
}

// PassOn gives an event to the relays. It returns how many peers they hand it to, and whether there is a
// relay at all.
func (a *Audience) PassOn(b crdt.Broadcast) (peers int, relayed bool) {
	a.mu.Lock()
	relays := a.relays // a stop replaces it
	a.mu.Unlock()
	for _, r := range relays {
		peers += r.send(b)
	}
	return peers, len(relays) > 0
}

// Close ends all listening: each listener hears what waits, and then everybody gets why.
func (a *Audience) Close(why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = why
	for li := range a.listeners {
		li.end(why)
	}
	clear(a.listeners)
}
