package bridge

import (
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// ErrNotMade is returned by every method of a bridge that is nil or zero.
var ErrNotMade = errors.New("there is no bridge: make one with New")

// ErrClosed is returned for what is published after [Bridge.Close].
var ErrClosed = errors.New("bridge is closed")

// ErrQueued is returned by [Bridge.Record] when its ctx ends while the event is in the queue: it is
// recorded all the same, unless the process ends first.
var ErrQueued = errors.New("event is in the queue and not durable yet")

// Log is what a bridge needs of a log; [*eventlog.Log] has it. An error means that nothing was kept,
// save [eventlog.ErrUncertain].
type Log interface {
	Update(ctx context.Context, fn func(tx *eventlog.Tx) error) error
}

// Bridge records values of type T. Its methods may be called by many goroutines at once, but not from
// inside an Update of its log: a caller that waits there for the bridge waits for itself.
type Bridge[T any] struct {
	cfg    Config[T]
	queue  *queue
	writer *writer
}

// New makes a bridge to log. In an Update it reads the number of the last value that is durable. Errors are
// those of the log, or name the field of cfg.
func New[T any](ctx context.Context, log Log, cfg Config[T]) (*Bridge[T], error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("new bridge: %w", err)
	}
	w := &writer{log: log, name: cfg.Name, append: cfg.Append, logger: cfg.Logger, retryMin: cfg.RetryMin, retryMax: cfg.RetryMax}
	if err := w.open(ctx); err != nil {
		return nil, fmt.Errorf("new bridge %q: %w", cfg.Name, err)
	}
	q := newQueue(w.known.number)
	q.source, q.overflow = cfg.Name, cfg.Overflow
	q.most = size{events: cfg.MaxQueued, bytes: cfg.MaxQueuedBytes}
	q.mostBatch = size{events: cfg.MaxBatch, bytes: cfg.MaxBatchBytes}
	q.begun = cfg.Number == nil || w.known.number > 0 && !cfg.NewNumbers
	return &Bridge[T]{cfg: cfg, queue: q, writer: w}, nil
}

// made says whether New has made the bridge.
func (b *Bridge[T]) made() error {
	if b == nil || b.queue == nil {
		return ErrNotMade
	}
	return nil
}

// Publish puts a value in the queue, and may be called before Run. It returns once the value is queued, not
// once it is durable. When there is no room it does what [Config].Overflow says. Run, Flush and Close make
// room: where Overflow is Wait and none of them runs, Publish waits until ctx ends.
//
// An error means that the value will not be recorded: Encode's own, one that wraps [crdt.ErrEvent],
// [*NumberError], [*BehindError], [*DroppedError] (a gap entry will then name the value), [ErrClosed], or
// why the bridge has stopped.
func (b *Bridge[T]) Publish(ctx context.Context, v T) error {
	if err := b.made(); err != nil {
		return err
	}
	return b.publish(ctx, v, nil)
}

// Record is [Bridge.Publish], but returns once the value is durable, with its place. It needs a Run. When
// ctx ends while the event is queued the error is [ErrQueued]; when the log fails while the event is being
// committed, [eventlog.ErrUncertain] is among the errors.
func (b *Bridge[T]) Record(ctx context.Context, v T) (crdt.Place, error) {
	if err := b.made(); err != nil {
		return crdt.Place{}, err
	}
	r := &receipt{done: make(chan struct{})}
	if err := b.publish(ctx, v, r); err != nil {
		return crdt.Place{}, err
	}
	select {
	case <-r.done:
		return r.place, r.err
	case <-ctx.Done():
	}
	select {
	case <-r.done:
		return r.place, r.err
	default:
		return crdt.Place{}, fmt.Errorf("record: %w: %w", ErrQueued, context.Cause(ctx))
	}
}

func (b *Bridge[T]) publish(ctx context.Context, v T, r *receipt) error {
	it, err := b.item(v)
	if err != nil {
		return err
	}
	it.receipt = r
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		changed, err := b.queue.offer(it, false)
		if changed == nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// item makes a value what waits in the queue: an event that can be appended.
func (b *Bridge[T]) item(v T) (item, error) {
	e, err := b.cfg.Encode(v)
	if err != nil {
		return item{}, fmt.Errorf("publish: encode: %w", err)
	}
	if e.Time.IsZero() {
		e.Time = b.cfg.Now()
	}
	switch {
	case e.Reserved() && b.cfg.Append == nil:
		return item{}, fmt.Errorf("publish: %w: %q", eventlog.ErrReserved, e.Kind)
	case e.Retention > crdt.Trimmable:
		return item{}, fmt.Errorf("publish: %w: %s: a bridge records what is kept", crdt.ErrEvent, e.Retention)
	}
	if err := e.Check(); err != nil {
		return item{}, fmt.Errorf("publish: %w", err)
	}
	it := item{event: e, bytes: itemOverhead + e.Memory()}
	if b.cfg.Number != nil {
		it.number, it.numbered = b.cfg.Number(v), true
	}
	return it, nil
}

// itemOverhead is about how many bytes an event of the queue takes beside its own memory: what is known of
// it, and its share of the spare room of a list that grows.
const itemOverhead = 256
