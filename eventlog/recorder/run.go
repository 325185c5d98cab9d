package recorder

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quipulog/quipu/crdt/retry"
	"github.com/quipulog/quipu/eventlog"
)

// Run writes what is recorded, in order, until ctx ends or [Recorder.Close] is called, and then returns
// nil. When ctx ends it writes what waits, without trying again; what is left waits for Close.
//
// A flush that fails is tried again for as long as it takes: a full disk loses nothing. Run returns an
// error when the log can take no more: it is closed, read-only, damaged, at the end of the format, has a
// second writer, or [ErrTaken]. With Config.Dir what waits is then kept there for the next [New]; Record
// returns that error from then on.
func (r *Recorder) Run(ctx context.Context) error {
	for r.await(ctx) {
		upTo := r.upTo()
		err := r.insist(ctx, r.closing, func() (bool, error) { return r.flush(ctx, upTo) })
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("run recorder %q: %w", r.cfg.Name, err)
		}
	}
	select {
	case <-r.closing:
		return nil
	default:
	}
	return r.flushLast(context.WithoutCancel(ctx))
}

// await waits until something is to be written, or nothing can be any more, and reports false when Run
// is to end.
func (r *Recorder) await(ctx context.Context) bool {
	var late <-chan time.Time
	for {
		r.mu.Lock()
		waits, due, closed := r.waits(), r.due(), r.closed
		r.mu.Unlock()
		if closed || ctx.Err() != nil {
			return false
		}
		if due {
			return true
		}
		if waits && late == nil {
			late = time.After(r.cfg.FlushEvery)
		}
		select {
		case <-ctx.Done():
		case <-r.closing:
		case <-late:
			return true
		case <-r.wake:
		}
	}
}

// upTo returns the number of the last event that was recorded.
func (r *Recorder) upTo() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.number
}

// flushLast writes what waits, as far as that succeeds at once.
func (r *Recorder) flushLast(ctx context.Context) error {
	for upTo := r.upTo(); ; {
		done, err := r.flush(ctx, upTo)
		switch {
		case err == nil && done:
			return nil
		case err == nil:
			continue
		case permanent(err):
			return fmt.Errorf("run recorder %q: %w", r.cfg.Name, r.fail(err))
		}
		r.failedOnce(err)
		return nil
	}
}

// Flush waits until all that was recorded before is in the log. It writes what is left to write itself, and
// tries again after a failure until ctx ends.
func (r *Recorder) Flush(ctx context.Context) error {
	upTo := r.upTo()
	if err := r.insist(ctx, nil, func() (bool, error) { return r.flush(ctx, upTo) }); err != nil {
		return fmt.Errorf("flush recorder %q: %w", r.cfg.Name, err)
	}
	return nil
}

// insist calls step until it is done, after an error a while later. It gives up when ctx ends, when the
// log can take no more, and, with a nil error, when stop is closed.
func (r *Recorder) insist(ctx context.Context, stop <-chan struct{}, step func() (done bool, err error)) error {
	for failures := 0; ; {
		select {
		case <-stop:
			return nil
		default:
		}
		done, err := step()
		switch {
		case err == nil && done:
			return nil
		case err == nil:
			failures = 0
			continue
		case ctx.Err() != nil, errors.Is(err, eventlog.ErrInTx):
			return err
		case permanent(err):
			return r.fail(err)
		}
		r.failedOnce(err)
		failures++
		select {
		case <-stop:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("%w, after %w", context.Cause(ctx), err)
		case <-time.After(retry.After(failures, r.cfg.RetryMin, r.cfg.RetryMax, rand.N)):
		}
		r.mu.Lock()
		r.stats.Retries++
		r.mu.Unlock()
	}
}

// failedOnce counts and logs a flush that will be tried again.
func (r *Recorder) failedOnce(err error) {
	r.mu.Lock()
	r.stats.Failed++
	waiting := r.buffer.events
	r.mu.Unlock()
	r.cfg.Logger.Warn("flush failed; what waits is kept", "recorder", r.cfg.Name, "waiting", waiting, "err", err)
}

// permanent reports whether the log can take nothing more after err. That it is recovering passes, whatever the reason.
func permanent(err error) bool {
	if errors.Is(err, eventlog.ErrRecovering) {
		return false
	}
	for _, e := range []error{eventlog.ErrClosed, eventlog.ErrReadOnly, eventlog.ErrSecondWriter, eventlog.ErrFull, ErrTaken} {
		if errors.Is(err, e) {
			return true
		}
	}
	_, damaged := errors.AsType[*eventlog.DamagedError](err)
	return damaged
}
