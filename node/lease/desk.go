package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/quipulog/quipu/eventlog"
)

const (
	// Linger is how long a batch that was not handled is kept for the next consumer.
	Linger = 30 * time.Second
	// MaxTurns bounds the followers that run for consumers at once: each may have a batch in memory.
	MaxTurns = 256
)

// ErrLost is returned for a lease that is not, or no longer, that of the follower: it has run out, the batch was settled
// or the process was started anew since. The batch comes again unless it was settled.
var ErrLost = errors.New("the lease is lost")

// ErrTurns is returned by [Desk.Fetch] when [MaxTurns] followers run.
var ErrTurns = errors.New("too many followers have a batch with a consumer")

// HeldError is returned by [Desk.Fetch] while another consumer has the batch of the follower, or waits for it.
type HeldError struct {
	Name   string // of the follower
	Holder string
	Until  time.Time // when that ends, unless the holder has it longer or settles it before
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("follower %q: its batch is held by %s until %s", e.Name, e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// Request says what a consumer fetches.
type Request struct {
	// Name is that of the follower.
	Name string
	// Config is the follower's. The desk sets OneBatch, Until, OnError and the pauses.
	Config eventlog.FollowConfig
	// Wait is how long the consumer waits while there is no entry for it.
	Wait time.Duration
	// Lease is how long it has the batch, unless it extends that.
	Lease time.Duration
	// Holder is what others are told of who has the batch.
	Holder string
}

// Lease is a batch that one consumer has for a while.
type Lease struct {
	ID    string
	Until time.Time
	eventlog.Delivery
}

// Desk gives out batches. Its methods may be called from any goroutine.
type Desk struct {
	log    *eventlog.Log
	logger *slog.Logger

	running sync.WaitGroup // the goroutines of turns

	mu     sync.Mutex // guards what follows, and all of the turns
	turns  map[string]*turn
	later  map[string]time.Time // before when what a consumer has put off is not offered again, by follower
	closed bool
}

// New returns a desk for the followers of a log. Logger takes what goes wrong while nobody asks.
func New(log *eventlog.Log, logger *slog.Logger) *Desk {
	return &Desk{log: log, logger: logger, turns: make(map[string]*turn), later: make(map[string]time.Time)}
}

// Close ends all leases, which counts as no failure, and returns when no follower runs for consumers any more.
func (d *Desk) Close() {
	d.mu.Lock()
	d.closed = true
	for _, t := range d.turns {
		t.cancel(eventlog.ErrClosed)
	}
	d.mu.Unlock()
	d.running.Wait()
}

// Fetch returns the next batch of a follower, or nil where there is none in time. It returns [*HeldError] while another
// consumer has a batch of it, and the errors of [eventlog.Log.Deliver]: [eventlog.ErrFollowing] where the follower is
// followed otherwise. A consumer that leaves, which ends ctx, is given nothing.
func (d *Desk) Fetch(ctx context.Context, r Request) (*Lease, error) {
	until := time.Now().Add(r.Wait)
	for {
		f := &fetcher{Request: r, until: until, answer: make(chan answer, 1)}
		t, err := d.join(f)
		if err != nil {
			return nil, err
		}
		select {
		case a := <-f.answer:
			if !a.again {
				return a.lease, a.err
			}
		case <-ctx.Done():
			d.leave(t, f)
			return nil, context.Cause(ctx)
		}
	}
}

// join makes f the one who waits for the follower's batch, which begins a turn where there is none.
func (d *Desk) join(f *fetcher) (*turn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.turns[f.Name]
	switch {
	case d.closed:
		return nil, eventlog.ErrClosed
	case t == nil && len(d.turns) == MaxTurns:
		return nil, fmt.Errorf("fetch of follower %q: %w: expected at most %d", f.Name, ErrTurns, MaxTurns)
	case t == nil:
		t = d.begin(f)
	case t.lease != nil && t.verdict == nil && t.lease.Until.After(time.Now()):
		return nil, t.held()
	case t.fetcher != nil:
		return nil, t.held()
	default:
		t.fetcher = f
		t.wake()
	}
	return t, nil
}

// leave takes back that f waits, and what it was given meanwhile.
func (d *Desk) leave(t *turn, f *fetcher) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.fetcher == f {
		t.fetcher, t.idle = nil, time.Now().Add(Linger)
		if !t.given {
			t.cancel(errNothing)
		}
	}
	select {
	case a := <-f.answer:
		if a.lease != nil && t.lease != nil && t.lease.ID == a.lease.ID {
			t.release()
		}
	default:
	}
	t.wake()
}

// Held returns who has the batch of a follower, or waits for it; nil for nobody.
func (d *Desk) Held(name string) *HeldError {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.turns[name]; t != nil {
		return t.held()
	}
	return nil
}

// Ack moves the follower behind the batch of a lease, durably when it returns, and says of how many entries that was.
func (d *Desk) Ack(ctx context.Context, name, lease string) (entries int, err error) {
	return d.settle(ctx, name, lease, &verdict{})
}

// Nack says that the batch of a lease was not handled, and why. It comes again after a pause, which is after unless that
// is 0. That is durable when Nack returns.
func (d *Desk) Nack(ctx context.Context, name, lease string, why error, after time.Duration) (entries int, err error) {
	return d.settle(ctx, name, lease, &verdict{err: why, after: after})
}

// settle gives the verdict on a batch to its turn, and waits until it is kept.
func (d *Desk) settle(ctx context.Context, name, lease string, v *verdict) (entries int, err error) {
	d.mu.Lock()
	t, err := d.leased(name, lease)
	if err == nil {
		entries, v.kept = len(t.lease.Entries), make(chan error, 1)
		t.verdict = v
		t.wake()
	}
	d.mu.Unlock()
	if err != nil {
		return 0, err
	}
	select {
	case err = <-v.kept:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return entries, err
}

// GiveBack ends a lease as if the batch had not been given: it comes again, at once, and nothing has failed.
func (d *Desk) GiveBack(name, lease string) (entries int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.leased(name, lease)
	if err != nil {
		return 0, err
	}
	entries = len(t.lease.Entries)
	t.release()
	t.wake()
	return entries, nil
}

// Extend has a lease end so long from now, and returns when that is.
func (d *Desk) Extend(name, lease string, by time.Duration) (until time.Time, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.leased(name, lease)
	if err != nil {
		return time.Time{}, err
	}
	t.lease.Until = time.Now().Add(by)
	t.wake()
	return t.lease.Until, nil
}

// leased returns the turn whose batch a lease is for.
func (d *Desk) leased(name, lease string) (*turn, error) {
	t := d.turns[name]
	if t == nil || t.lease == nil || t.lease.ID != lease || t.verdict != nil || !t.lease.Until.After(time.Now()) {
		return nil, fmt.Errorf("follower %q: %w", name, ErrLost)
	}
	return t, nil
}

// putOff has what a consumer has put off be offered no sooner, also when the turn ends before that.
func (d *Desk) putOff(name string, until time.Time) {
	now := time.Now()
	maps.DeleteFunc(d.later, func(_ string, until time.Time) bool { return !until.After(now) })
	d.later[name] = until
}
