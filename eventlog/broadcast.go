package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog/internal/audience"
)

// ErrForeign is returned by [Log.Hear] for an event of another log.
var ErrForeign = errors.New("event of another log")

// ErrListeners is returned by [Log.Listen] when there are as many listeners as are let in.
var ErrListeners = audience.ErrFull

// errLeft is what a second loop over one listening gets.
var errLeft = errors.New("listen: its loop was left before; call Listen again")

// Scope says how far a transient event is told.
type Scope uint8

const (
	// Here tells the listeners of this log in this process.
	Here Scope = iota
	// Peers tells those, and the listeners on connected peers and on the peers of these.
	Peers
)

// String returns "here" or "peers".
func (s Scope) String() string { return enum.Text(s, "scope", "here", "peers") }

// Reach says whom an event was told. No peer says what becomes of an event there.
type Reach struct {
	// Listeners is how many listeners here took the event.
	Listeners int
	// Relayed says that a relay hands events to peers, see [Log.Relay]; without one no peer gets any. It is
	// false for [Here].
	Relayed bool
	// Peers is how many connected peers the event was handed to.
	Peers int
}

// Broadcast tells a transient event to whoever listens now, here and for [Peers] on the peers that are
// connected, and stores nothing. An event without a time gets that of the call. Broadcast waits for nobody:
// a listener or a peer that is too slow misses events. These are counted, and a listener is told how many.
//
// Its errors are [ErrReserved] for a kind that begins with "quipu.", those that wrap [crdt.ErrEvent], an
// event of another class than [crdt.Transient] among them, [ErrInTx], [ErrClosed] and ctx's own. With an
// error nobody was told.
func (l *Log) Broadcast(ctx context.Context, e crdt.Event, scope Scope) (Reach, error) {
	if err := l.store.notInside(); err != nil {
		return Reach{}, err
	}
	if ctx.Err() != nil {
		return Reach{}, context.Cause(ctx)
	}
	now := l.store.cfg.Now()
	if e.Time.IsZero() {
		e.Time = now
	}
	if e.Reserved() {
		return Reach{}, fmt.Errorf("broadcast event: %w: %q", ErrReserved, e.Kind)
	}
	if scope > Peers {
		return Reach{}, fmt.Errorf("broadcast event: scope %d: expected Here or Peers", scope)
	}
	if l.store.cfg.ReadOnly {
		return Reach{}, fmt.Errorf("broadcast event: %w", ErrOpenedReadOnly)
	}
	var reach Reach
	err := l.voice.Say(l.store.cfg.Key, crdt.Broadcast{Event: e, Log: l.store.id}, now, func(b crdt.Broadcast) (err error) {
		if reach.Listeners, err = l.audience.Tell(b); err == nil && scope == Peers {
			reach.Peers, reach.Relayed = l.audience.PassOn(b)
		}
		return err
	})
	return reach, err
}

// Hear tells the listeners here an event that a peer has sent, once it is known to be of this log, of an
// author that is not shut, and signed by that author. It looks neither at the event's age nor at whether it
// was heard before. Errors are [ErrForeign], [ErrClosed], and ones that wrap [crdt.ErrShut],
// [crdt.ErrSignature] or [crdt.ErrAuthor]; with an error nobody was told.
func (l *Log) Hear(b crdt.Broadcast) error {
	if b.Log != l.store.id {
		return fmt.Errorf("%w: %s", ErrForeign, b.Log)
	}
	if why := l.store.whyShut(b.Author); why != "" {
		return &ShutError{Author: b.Author, Reason: why}
	}
	if err := b.Verify(); err != nil {
		return err
	}
	_, err := l.audience.Tell(b)
	return err
}

// Relay makes the log call send with each event that is broadcast to peers, until stop is called. send returns how
// many peers it hands the event to; it must not wait, nor call the log. One goroutine at a time calls send.
func (l *Log) Relay(send func(crdt.Broadcast) int) (stop func()) { return l.audience.Relay(send) }

// ListenConfig bounds what waits for one slow listener. The zero value is good.
type ListenConfig struct {
	// MaxEvents is how many events wait. 0 means 256.
	MaxEvents int
	// MaxBytes is how many bytes of memory the waiting events take; one event may always wait. 0 means 4 MiB.
	MaxBytes int
}

func (c ListenConfig) withDefaults() ListenConfig {
	c.MaxEvents = cmp.Or(c.MaxEvents, 256)
	c.MaxBytes = cmp.Or(c.MaxBytes, 4<<20)
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
	// Missed is how many events this listener, being too slow, has missed since the event before.
	Missed uint64
}

// Listen yields the transient events that the query takes, broadcast here or by peers, from the call on
// until ctx ends or the loop is left. Nothing is replayed: an event that nobody listened to is gone. The
// iteration is for one loop.
//
// A slow loop holds nobody up. Events wait for it within the bounds of cfg; past those the oldest is dropped, and the
// next event that is heard says how many were. An event shares no memory with anything that is written again.
//
// Of the query the filters and the limit count. It has no place, offset, page, order or reverse, and no
// event is disputed. Every error ends the iteration: ctx's own when ctx ends, [ErrClosed] when the log is
// closed, [ErrQuery] and [ErrListeners].
func (l *Log) Listen(ctx context.Context, q Query, cfg ListenConfig) iter.Seq2[Heard, error] {
	var li *audience.Listener
	err := errors.Join(cfg.validate(), q.CheckListen())
	if err == nil {
		cfg = cfg.withDefaults()
		li, err = l.audience.Join(q.Hears(), audience.Bounds{Events: cfg.MaxEvents, Bytes: cfg.MaxBytes})
	}
	if err != nil {
		return func(yield func(Heard, error) bool) { yield(Heard{}, err) }
	}
	forget := context.AfterFunc(ctx, func() { li.Leave(ctx.Err()) })
	return func(yield func(Heard, error) bool) {
		defer forget()
		defer li.Leave(errLeft)
		for left := q.Limit; ; {
			var h Heard
			var err error
			h.Broadcast, h.Missed, err = li.Next()
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
