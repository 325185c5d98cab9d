package recorder

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// ErrFull is returned by [Recorder.Record] when there is no room for the event: it is not recorded.
var ErrFull = errors.New("the recorder is full")

// ErrClosed is returned by [Recorder.Record] once [Recorder.Close] was called.
var ErrClosed = errors.New("the recorder is closed")

// ErrTaken is returned by Record, Run, Flush and Close once New was called for another recorder of the same
// name on the log. What waited here in memory is named by a gap.
var ErrTaken = errors.New("another recorder of this name was opened")

// Recorder takes events without waiting for a disk and writes them to a log. Its methods may be called
// by many goroutines at once.
type Recorder struct {
	update  func(ctx context.Context, fn func(tx *eventlog.Tx) error) error // of the log
	cfg     Config
	filter  *filter
	session string

	received, filtered, invalid atomic.Uint64

	release func()        // gives up the name
	slot    chan struct{} // full while somebody flushes
	refusal string        // why the log took no event the last time it did not; of who flushes
	wake    chan struct{} // of Run: there may be something to do
	closing chan struct{} // closed when Close is called

	mu       sync.Mutex // guards what follows
	buffer   buffer
	spill    *spill     // nil without Config.Dir
	count    *countFile // nil without Config.Dir
	number   uint64     // of the last event that was recorded
	settled  uint64     // of the last event that was dealt with
	dropped  uint64     // events that wait in memory to be named by a gap
	wanted   bool       // somebody found the buffer full since the last flush
	room     chan struct{}
	closed   bool
	finished bool
	failed   error // why nothing can be recorded or flushed any more
	ended    bool  // and what waited was kept
	stats    Stats // less what is counted elsewhere
}

// Record records an event, and returns once the recorder has it. It does not wait for the log, and waits
// for nothing unless Config.Overflow says so. An event without a time gets that of the call. The caller may
// change the event's payload and headers afterwards.
//
// An error means that the event is not recorded: [ErrFull], [ErrClosed], [ErrTaken], an error that wraps
// [crdt.ErrEvent] or [eventlog.ErrReserved] for an event that can never be appended, or why the log takes
// no more. nil means that the event becomes an entry, is named by a gap, or is let go by Config.Kinds.
func (r *Recorder) Record(e crdt.Event) error { return r.RecordContext(context.Background(), e) }

// RecordContext is Record with an end to the waiting that [Wait] asks for: when ctx ends, the error is
// ctx's.
func (r *Recorder) RecordContext(ctx context.Context, e crdt.Event) error {
	r.received.Add(1)
	if !r.filter.takes(e.Kind) {
		r.filtered.Add(1)
		return nil
	}
	now := r.cfg.Now()
	if e.Time.IsZero() {
		e.Time = now
	}
	if err := check(&e); err != nil {
		r.invalid.Add(1)
		return fmt.Errorf("record event: %w", err)
	}
	it := item{event: own(e)}
	for {
		room, err := r.admit(it, now)
		if room == nil {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			r.mu.Lock()
			r.stats.Refused++
			r.mu.Unlock()
			return fmt.Errorf("record event: %w", context.Cause(ctx))
		}
	}
}

// admit records an event, or returns an error, or what to wait for.
func (r *Recorder) admit(it item, now time.Time) (room <-chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	it.number = r.number + 1
	wait, err := r.place(&it, now)
	switch {
	case wait:
		r.wanted = true
		r.signal()
		if r.room == nil {
			r.room = make(chan struct{})
		}
		return r.room, nil
	case err != nil:
		r.stats.Refused++
		return nil, fmt.Errorf("record event: %w", err)
	}
	r.number = it.number
	r.stats.Recorded++
	if r.buffer.events == 1 || r.due() {
		r.signal()
	}
	return nil, nil
}

// place puts an event where it waits to be written. The caller holds the lock.
func (r *Recorder) place(it *item, now time.Time) (wait bool, err error) {
	counted := func() error { return r.counted(it.number, now) }
	spills := r.cfg.Overflow == Spill
	switch {
	case r.closed:
		return false, ErrClosed
	case r.failed != nil:
		return false, r.failed
	case spills && r.spill.waiting.all > 0: // it stands behind what is there
		return false, r.toSpill(it, counted)
	case r.buffer.fits(it.size(), &r.cfg):
		if err := counted(); err != nil {
			return false, err
		}
		r.buffer.push(*it)
		return false, nil
	case spills:
		return false, r.toSpill(it, counted)
	case r.cfg.Overflow == Wait:
		return true, nil
	case r.cfg.Overflow == Drop && r.dropped < maxDropped:
		if err := counted(); err != nil {
			return false, err
		}
		r.buffer.drop(it.number, &it.event, r.cfg.Name)
		r.dropped++
		r.stats.Dropped++
		r.wanted = true
		return false, nil
	}
	r.wanted = true
	r.signal()
	return false, fmt.Errorf("%w: %d events of %d bytes wait", ErrFull, r.buffer.events, r.buffer.bytes)
}

// counted counts an event in the file, before anybody is told that it was recorded.
func (r *Recorder) counted(number uint64, now time.Time) error {
	if r.count == nil {
		return nil
	}
	if err := r.count.set(count{number: number, at: now}); err != nil {
		return fmt.Errorf("count event: %w", err)
	}
	return nil
}

// toSpill writes an event to the spill, and sees to it that not too many lack a sync.
func (r *Recorder) toSpill(it *item, counted func() error) error {
	if err := r.spill.append(it, counted); errors.Is(err, errSpillFull) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	} else if err != nil {
		return fmt.Errorf("spill event: %w", err)
	}
	r.stats.Spilled++
	if r.spill.unsynced >= maxUnsynced {
		r.syncSpill()
	}
	return nil
}

// syncSpill syncs the spill. When that fails the events are still there to be read; how many are at
// risk stands in the log.
func (r *Recorder) syncSpill() {
	if err := r.spill.sync(); err != nil {
		r.stats.Failed++
		r.cfg.Logger.Warn("a spill was not synced: a power cut may lose what was spilled", "recorder", r.cfg.Name, "dir", r.cfg.Dir, "err", err)
	}
}

// due reports whether Run has something to do: enough waits to be written, or nothing can be written any
// more. The caller holds the lock.
func (r *Recorder) due() bool {
	switch {
	case r.failed != nil:
		return true
	case !r.waits():
		return false
	}
	return r.wanted || r.buffer.events >= r.cfg.FlushCount || r.buffer.bytes >= r.cfg.FlushBytes || r.spill != nil && r.spill.waiting.all > 0
}

// waits reports whether anything waits to be written. The caller holds the lock.
func (r *Recorder) waits() bool {
	return len(r.buffer.items) > 0 || r.spill != nil && r.spill.waiting.all > 0
}

// signal wakes Run.
func (r *Recorder) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// letIn wakes those who wait for room. The caller holds the lock.
func (r *Recorder) letIn() {
	r.wanted = false
	if r.room != nil {
		close(r.room)
		r.room = nil
	}
}
