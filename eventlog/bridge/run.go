package bridge

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"

	"github.com/quipulog/quipu/eventlog"
)

// gatherYields is how often a drain yields without the queue growing before it takes a batch. Measured
// with 16 and 64 goroutines in Record: 14 and 45 events a batch instead of 8 and 32.
const gatherYields = 8

// UnrecordedError is returned by [Bridge.Run] when it can go on no more, and by [Bridge.Flush] and
// [Bridge.Close] when they have not recorded all: the values with the numbers First to Last are not known
// to be durable, as entries or in a gap. The last values of a commit that failed may be.
type UnrecordedError struct {
	First, Last uint64
	Err         error // why not
}

func (e *UnrecordedError) Error() string {
	return fmt.Sprintf("numbers %d to %d are not known to be durable: %v", e.First, e.Last, e.Err)
}

// Unwrap returns Err.
func (e *UnrecordedError) Unwrap() error { return e.Err }

// Run records what is published, until the bridge is closed and drained: then it returns nil. When ctx
// ends it returns why; what is queued stays so, for the next Run or for Close. Another Run at the same
// time waits for this one.
//
// A commit for which the disk has no room is tried again, with growing waits, and meanwhile the queue
// fills up. Any other error of the log ends the bridge: Run returns an [*UnrecordedError] with it, or
// only the error where nothing was queued, and so does what is published from then on.
func (b *Bridge[T]) Run(ctx context.Context) error {
	if err := b.made(); err != nil {
		return err
	}
	q := b.queue
	select {
	case q.slot <- struct{}{}:
		defer func() { <-q.slot }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		if err := b.drain(ctx, math.MaxUint64); err != nil {
			return err
		}
		select {
		case <-q.stopped:
			return b.drain(ctx, math.MaxUint64) // what came last
		default:
		}
		select {
		case <-q.wake:
		case <-q.stopped:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Flush returns once all that was published before the call is durable, as entries or in a gap. It
// drains the queue itself where there is no Run. When ctx ends first, it returns an
// [*UnrecordedError].
func (b *Bridge[T]) Flush(ctx context.Context) error {
	if err := b.made(); err != nil {
		return err
	}
	return b.await(ctx, b.queue.lastNumber())
}

// Close takes no more values and returns once all that was published is durable; where there is no Run, it
// drains the queue itself. When ctx ends first, it returns an [*UnrecordedError]; Close may then be called
// again. To close again is no error. A producer that waits for room gets [ErrClosed].
func (b *Bridge[T]) Close(ctx context.Context) error {
	if err := b.made(); err != nil {
		return err
	}
	b.queue.stop(ErrClosed)
	return b.await(ctx, b.queue.lastNumber())
}

// await waits until the number is settled, and drains while nobody else does.
func (b *Bridge[T]) await(ctx context.Context, number uint64) error {
	for q := b.queue; ; {
		settled, changed, err := q.progress(number)
		if settled || err != nil {
			return err
		}
		if ctx.Err() != nil {
			return q.unsettled(context.Cause(ctx))
		}
		select {
		case q.slot <- struct{}{}:
			if err := b.drainHere(ctx, number); err != nil && ctx.Err() == nil {
				return err
			}
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// drainHere drains and gives the slot back, also from a panic of Config.Append.
func (b *Bridge[T]) drainHere(ctx context.Context, number uint64) error {
	defer func() { <-b.queue.slot }()
	return b.drain(ctx, number)
}

// drain records what is queued up to a number at least. The caller holds the slot.
func (b *Bridge[T]) drain(ctx context.Context, number uint64) error {
	for q := b.queue; ; {
		if settled, _, err := q.progress(number); settled || err != nil {
			return err
		}
		q.gather()
		batch := q.take()
		if batch == nil {
			return nil
		}
		err := b.writer.write(ctx, batch, q.retried)
		switch {
		case err == nil:
			q.settle(batch)
		case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)), errors.Is(err, eventlog.ErrInTx):
			return err // the batch is taken again
		default:
			return q.fail(err)
		}
	}
}

// gather yields until nothing more is published for a while: those who were told of the last batch
// are on their way with the next.
func (q *queue) gather() {
	last := q.lastNumber()
	for quiet := 0; quiet < gatherYields; quiet++ {
		runtime.Gosched()
		if now := q.lastNumber(); now != last {
			last, quiet = now, -1
		}
	}
}

// lastNumber returns the number of the last value that was published.
func (q *queue) lastNumber() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.assigned
}

// progress reports whether a number is settled, with the channel that tells of the next change, or why
// it never will be.
func (q *queue) progress(number uint64) (settled bool, changed <-chan struct{}, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.settled >= number {
		return true, nil, nil
	}
	if q.stats.Err != nil {
		return false, nil, q.unrecorded(q.stats.Err)
	}
	return false, q.changed, nil
}

// unsettled says which numbers are not known to be durable because of err.
func (q *queue) unsettled(err error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.unrecorded(err)
}

// retried counts a commit that is tried again.
func (q *queue) retried() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stats.Retries++
}
