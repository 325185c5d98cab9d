package eventlog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// ErrTransient is returned where a transient event is appended: such an event is stored nowhere, and is
// told to whoever listens by [Log.Broadcast].
var ErrTransient = errors.New("a transient event is stored nowhere: use Broadcast")

// ErrForeign is returned by [Log.Hear] for an event of another log.
var ErrForeign = errors.New("event of another log")

// Scope says how far a transient event is told.
type Scope uint8

const (
	// Here tells the listeners of this log in this process.
	Here Scope = iota
	// Peers tells them, and those of the peers that are connected now, and of theirs.
	Peers
)

// String returns "here" or "peers".
func (s Scope) String() string {
	switch s {
	case Here:
		return "here"
	case Peers:
		return "peers"
	}
	return fmt.Sprintf("scope(%d)", uint8(s))
}

// Reach is whom an event was told. Nothing more is known: no peer says what becomes of it.
type Reach struct {
	// Listeners is how many took it here.
	Listeners int
	// Relayed says that there is somebody who hands events to peers; without, none gets it, whatever the
	// scope. It is false for [Here].
	Relayed bool
	// Peers is how many connected peers it was handed to.
	Peers int
}

// audience is who is told of transient events: the listeners, and those who hand events to peers.
type audience struct {
	speaking sync.Mutex // held while one event is signed and told: all hear them in the order of their clocks
	last     crdt.Clock // of the last event; guarded by speaking

	// mu guards what follows. It is never held while a relay is called.
	mu        sync.Mutex
	listeners map[*listener]struct{}
	relays    []*relay
	closed    bool
}

// relay is one who hands events to peers.
type relay struct {
	send func(crdt.Broadcast) int
}

// Broadcast tells a transient event to whoever listens now, here and with [Peers] on the peers that are
// connected, and stores nothing. An event without a time gets that of the call. It does not wait for
// anybody: a listener or peer that is too slow misses events, which is counted and, to a listener, told.
//
// Its errors are [ErrReserved] for a kind that begins with "quipu.", those that wrap [crdt.ErrEvent], an
// event of another class than [crdt.Transient] among them, [ErrInTx], [ErrClosed] and ctx's own; then
// nobody was told.
func (l *Log) Broadcast(ctx context.Context, e crdt.Event, scope Scope) (Reach, error) {
	if err := l.notInside(); err != nil {
		return Reach{}, err
	}
	if ctx.Err() != nil {
		return Reach{}, context.Cause(ctx)
	}
	now := l.cfg.Now()
	if e.Time.IsZero() {
		e.Time = now
	}
	if e.Reserved() {
		return Reach{}, fmt.Errorf("broadcast event: %w: %q", ErrReserved, e.Kind)
	}
	if scope > Peers {
		return Reach{}, fmt.Errorf("broadcast event: scope %d: expected Here or Peers", scope)
	}
	a := &l.audience
	a.speaking.Lock()
	defer a.speaking.Unlock()
	b, err := l.sign(e, now)
	if err != nil {
		return Reach{}, fmt.Errorf("broadcast event: %w", err)
	}
	var reach Reach
	if reach.Listeners, err = a.tell(b); err != nil || scope == Here {
		return reach, err
	}
	for _, r := range a.relaying() {
		reach.Relayed = true
		reach.Peers += r.send(b)
	}
	return reach, nil
}

// sign makes the next broadcast of this log. Its clock is that of the wall, since others judge by it how
// old the event is; a last one that the wall clock was set back from by far does not count.
func (l *Log) sign(e crdt.Event, now time.Time) (crdt.Broadcast, error) {
	last := l.audience.last
	if last.Ahead(now) {
		last = 0
	}
	b := crdt.Broadcast{Event: e, Log: l.id, Clock: crdt.NextClock(now, last, 0)}
	_, _ = rand.Read(b.Nonce[:]) // never fails, see crypto/rand
	b, err := crdt.SignBroadcast(l.cfg.Key, b)
	if err == nil {
		l.audience.last = b.Clock
	}
	return b, err
}

// Hear tells the listeners here of an event that a peer has sent, after checking that it is of this log,
// of an author that is not shut, and signed by that author. It does not look at its age, nor whether it
// was heard before. Errors are [ErrForeign], [ErrClosed], and ones that wrap [crdt.ErrShut],
// [crdt.ErrSignature] or [crdt.ErrAuthor]; then nobody was told.
func (l *Log) Hear(b crdt.Broadcast) error {
	if b.Log != l.id {
		return fmt.Errorf("%w: %s", ErrForeign, b.Log)
	}
	l.mu.RLock()
	f := l.state.feeds[b.Author]
	l.mu.RUnlock()
	if f != nil && f.shut != "" {
		return &ShutError{Author: b.Author, Reason: f.shut}
	}
	if err := b.Verify(); err != nil {
		return err
	}
	_, err := l.audience.tell(b)
	return err
}

// Relay has send called with each event that is broadcast to peers, until stop is called. It returns how
// many peers it hands the event to, and must not wait, nor call the log. It is called by one goroutine at
// a time.
func (l *Log) Relay(send func(crdt.Broadcast) int) (stop func()) {
	a, r := &l.audience, &relay{send: send}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.relays = append(a.relays, r)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.relays = slices.DeleteFunc(slices.Clone(a.relays), func(o *relay) bool { return o == r })
	}
}

// relaying returns who hands events to peers.
func (a *audience) relaying() []*relay {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.relays
}

// tell puts an event before the listeners that take it, and returns how many do.
func (a *audience) tell(b crdt.Broadcast) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return 0, ErrClosed
	}
	took := 0
	e := Entry{Entry: crdt.Entry{Event: b.Event, Author: b.Author}}
	for li := range a.listeners {
		if li.filter.takesAuthor(b.Author) && li.filter.takes(&e) {
			li.put(b)
			took++
		}
	}
	return took, nil
}

// join takes in a listener.
func (a *audience) join(li *listener) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed:
		return ErrClosed
	case len(a.listeners) >= maxListeners:
		return fmt.Errorf("%w: %d listen already", ErrListeners, maxListeners)
	}
	if a.listeners == nil {
		a.listeners = make(map[*listener]struct{})
	}
	a.listeners[li] = struct{}{}
	return nil
}

// leave takes a listener out.
func (a *audience) leave(li *listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.listeners, li)
}

// close ends all listening.
func (a *audience) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	for li := range a.listeners {
		li.end(ErrClosed)
	}
	clear(a.listeners)
}
