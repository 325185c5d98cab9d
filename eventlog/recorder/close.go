package recorder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/quipulog/quipu/eventlog"
)

// Close takes no more events, writes what waits in memory and in the spill, and returns once that is in the
// log. It needs no Run. It may be called again: after an error it goes on where it was, after nil it does
// nothing.
//
// When ctx ends first, or the log can take no more, the error says how much is not in the log. With
// Config.Dir that is kept there for the next [New]; without, the end of the process loses it, and the next
// New says so.
func (r *Recorder) Close(ctx context.Context) error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.closing)
	}
	r.letIn()
	r.mu.Unlock()
	err := r.insist(ctx, nil, func() (bool, error) {
		done, err := r.flush(ctx, math.MaxUint64)
		if err != nil || !done {
			return false, err
		}
		return true, r.finish(ctx)
	})
	if err != nil {
		return fmt.Errorf("close recorder %q: %w: %w", r.cfg.Name, err, r.keep())
	}
	return nil
}

// finish says in the log that the recorder has ended and that nothing waits.
func (r *Recorder) finish(ctx context.Context) error {
	select {
	case r.slot <- struct{}{}:
		defer func() { <-r.slot }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if r.finished {
		return nil
	}
	err := r.update(ctx, func(tx *eventlog.Tx) error {
		s, err := readState(tx, r.cfg.Name)
		if err != nil {
			return err
		}
		if s.Session != r.session {
			return fmt.Errorf("%w: %q", ErrTaken, r.cfg.Name)
		}
		s.Open = false
		s.settle(r.number, tx.Now())
		return s.write(tx, r.cfg.Name)
	})
	if err != nil {
		return err
	}
	r.finished = true
	r.release()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.UnknownKinds += r.filter.warnUnseen(r.cfg.Logger)
	err = r.closeFiles()
	if r.count != nil {
		err = errors.Join(err, os.Remove(r.count.f.Name()))
	}
	if err != nil {
		r.cfg.Logger.Warn("the recorder's files could not be closed", "recorder", r.cfg.Name, "err", err)
	}
	return nil
}

// fail notes that nothing can be flushed any more, keeps what waits where it can, and returns the error
// that Record gives from now on.
func (r *Recorder) fail(err error) error {
	r.slot <- struct{}{} // who has it fails too
	defer func() { <-r.slot }()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return r.failed
	}
	if r.ended = true; r.failed == nil {
		r.failed = err
	}
	r.letIn()
	r.signal()
	r.release()
	if !errors.Is(r.failed, ErrTaken) { // the folder is another's now
		if kept := r.park(); kept != nil {
			r.cfg.Logger.Error("what waits could not be kept", "recorder", r.cfg.Name, "err", kept)
		}
	}
	if closed := r.closeFiles(); closed != nil {
		r.cfg.Logger.Warn("the recorder's files could not be closed", "recorder", r.cfg.Name, "err", closed)
	}
	return r.failed
}

// taken ends the recorder for another one of its name. Once it has returned, nothing more is recorded, and
// what a flush has written stands in the state.
func (r *Recorder) taken() {
	r.slot <- struct{}{}
	defer func() { <-r.slot }()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = fmt.Errorf("%w: %q", ErrTaken, r.cfg.Name)
	}
	r.letIn()
	r.signal()
}

// keep keeps what waits where it can, and returns an error that says what has become of it.
func (r *Recorder) keep() error {
	select {
	case r.slot <- struct{}{}:
		defer func() { <-r.slot }()
	default: // somebody writes what would be kept
		return r.waiting()
	}
	r.mu.Lock()
	var err error
	if r.failed == nil {
		err = r.park()
	}
	r.mu.Unlock()
	return errors.Join(r.waiting(), err)
}

// waiting returns an error that says how much is not in the log.
func (r *Recorder) waiting() error {
	s := r.Stats()
	var what []string
	if s.Spilling > 0 {
		what = append(what, fmt.Sprintf("%d events are kept in %s", s.Spilling, r.cfg.Dir))
	}
	if s.AtRisk > 0 {
		what = append(what, fmt.Sprintf("%d events are in memory, which the end of the process loses", s.AtRisk))
	}
	if len(what) == 0 {
		what = append(what, "no event waits, but the log does not say yet that this recorder has ended")
	}
	return errors.New(strings.Join(what, ", and "))
}

// park moves what waits in memory into the spill. Nothing is recorded any more; the caller holds the
// lock and has the slot, or nobody else flushes.
func (r *Recorder) park() error {
	if r.spill == nil {
		return nil
	}
	items := r.buffer.items
	older := len(items) > 0 && r.spill.waiting.all > 0 && items[0].number < r.spill.from
	if err := r.spill.park(items, older); err != nil {
		return fmt.Errorf("keep %d events in %s: %w", r.buffer.events, r.cfg.Dir, err)
	}
	r.stats.Spilled += uint64(r.buffer.events)
	r.buffer, r.dropped = buffer{}, 0
	return r.count.finish(r.number, r.cfg.Now())
}
