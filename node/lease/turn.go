package lease

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"reflect"
	"time"

	"github.com/quipulog/quipu/crdt/retry"
	"github.com/quipulog/quipu/eventlog"
)

// errNothing ends a turn that nobody waits for any more, or that has nothing to give.
var errNothing = errors.New("nobody has fetched the batch")

// The pauses of a follower after a failure. Those that a consumer has to wait are the turn's own.
const (
	retryMin, retryMax = time.Millisecond, 100 * time.Millisecond
	pauseMin, pauseMax = 100 * time.Millisecond, time.Minute
)

// turn is one run of a follower, which ends when one batch of it is settled. Its goroutine is in Deliver; all its fields
// but log and cfg are guarded by the desk's mutex.
//
//	gathering ──batch──▶ offered ──to the fetcher──▶ leased ──verdict, or it runs out──▶ settling ──▶ ended, or offered again
type turn struct {
	desk   *Desk
	name   string
	cfg    eventlog.FollowConfig // as it was asked for
	cancel context.CancelCauseFunc
	// woken has one value when something has changed that the handler waits for.
	woken chan struct{}

	founder *fetcher           // who has begun the turn
	fetcher *fetcher           // who waits for a batch; nil for nobody
	batch   *eventlog.Delivery // that the handler has; nil outside of it
	lease   *Lease             // of the batch; nil while it is offered
	holder  string             // of the lease
	lasts   time.Duration      // the lease, when it was given
	verdict *verdict           // on the batch; nil until it is given, and once it is kept
	end     eventlog.Cursor    // behind the batch that the verdict is on
	nacks   int                // failures of this turn
	idle    time.Time          // until when the batch waits for a fetcher
	after   time.Time          // before when it is not offered
	given   bool               // the handler was called
}

// fetcher is a consumer that waits for a batch. It is answered once.
type fetcher struct {
	Request
	until  time.Time
	answer chan answer
}

// answer is what a fetcher is told: a lease, or nothing, or why; again says that the turn it joined was another's.
type answer struct {
	lease *Lease
	err   error
	again bool
}

// verdict is what became of a batch.
type verdict struct {
	err   error // nil: it was handled
	after time.Duration
	kept  chan error // is told when the verdict is durable, or why it is not
}

// begin begins a turn for f.
func (d *Desk) begin(f *fetcher) *turn {
	ctx, cancel := context.WithCancelCause(context.Background())
	t := &turn{desk: d, name: f.Name, cfg: f.Config, cancel: cancel, woken: make(chan struct{}, 1), founder: f, fetcher: f, after: d.later[f.Name]}
	d.turns[f.Name] = t
	d.running.Go(func() {
		err := t.run(ctx)
		cancel(nil)
		t.over(err)
	})
	return t
}

// run delivers one batch: of what is there, or else of what comes while the one who began the turn waits.
func (t *turn) run(ctx context.Context) error {
	cfg := t.cfg
	cfg.OneBatch, cfg.Until, cfg.OnError, cfg.RetryMin, cfg.RetryMax = true, new(t.desk.log.Stats().Next), eventlog.RetryOnError, retryMin, retryMax
	err := t.desk.log.Deliver(ctx, t.name, cfg, nil, t.handle)
	if err != nil || t.wasGiven() || t.founder.Wait == 0 {
		return err
	}
	timer := time.AfterFunc(time.Until(t.founder.until), func() {
		t.desk.mu.Lock()
		defer t.desk.mu.Unlock()
		if !t.given {
			t.cancel(errNothing)
		}
	})
	defer timer.Stop()
	cfg.Until = nil
	return t.desk.log.Deliver(ctx, t.name, cfg, nil, t.handle)
}

func (t *turn) wasGiven() bool {
	t.desk.mu.Lock()
	defer t.desk.mu.Unlock()
	return t.given
}

// over ends the turn, whose follower has given up its name.
func (t *turn) over(err error) {
	t.desk.mu.Lock()
	defer t.desk.mu.Unlock()
	delete(t.desk.turns, t.name)
	if v := t.verdict; v != nil {
		v.kept <- err
		err = nil
	}
	if errors.Is(err, errNothing) {
		err = nil
	}
	switch {
	case t.fetcher != nil:
		t.fetcher.answer <- answer{err: err, again: t.fetcher != t.founder}
	case err != nil && !errors.Is(err, eventlog.ErrClosed):
		t.desk.logger.Warn("follower has ended between two consumers", "follower", t.name, "err", err)
	}
}

// serves reports whether the turn runs as f asks for.
func (t *turn) serves(f *fetcher) bool { return reflect.DeepEqual(t.cfg, f.Config) }

// held says who has the batch, or waits for it; nil for nobody.
func (t *turn) held() *HeldError {
	switch {
	case t.lease != nil:
		return &HeldError{t.name, t.holder, t.lease.Until}
	case t.fetcher != nil:
		return &HeldError{t.name, t.fetcher.Holder, t.fetcher.until}
	case t.batch != nil:
		return &HeldError{t.name, "whoever fetches it next", t.idle}
	}
	return nil
}

func (t *turn) wake() {
	select {
	case t.woken <- struct{}{}:
	default: // it has not looked yet
	}
}

// release takes the lease back as if it had not been given.
func (t *turn) release() { t.lease, t.idle = nil, time.Now().Add(Linger) }

// handle offers a batch, and waits until a consumer has settled it. It is the handler of the follower.
func (t *turn) handle(ctx context.Context, b eventlog.Delivery) error {
	t.take(&b)
	if ctx.Err() != nil {
		return context.Cause(ctx) // whoever was to have it has left
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next, done, err := t.step()
		if done {
			return err
		}
		timer.Reset(time.Until(next))
		select {
		case <-t.woken:
		case <-timer.C:
		case <-ctx.Done():
			t.drop()
			return context.Cause(ctx)
		}
	}
}

// take takes the batch that is to be offered. That there is one says that the verdict on the one before is kept, unless
// the cursor was not moved behind that.
func (t *turn) take(b *eventlog.Delivery) {
	t.desk.mu.Lock()
	defer t.desk.mu.Unlock()
	if v := t.verdict; v != nil {
		var lost error
		if v.err == nil && b.Entries[0].Offset < t.end.Offset {
			lost = fmt.Errorf("follower %q: %w: it was moved, or its cursor could not be kept", t.name, ErrLost)
		}
		v.kept <- lost
		t.verdict = nil
	}
	t.batch, t.given, t.idle = b, true, time.Now().Add(Linger)
}

func (t *turn) drop() {
	t.desk.mu.Lock()
	defer t.desk.mu.Unlock()
	t.batch, t.lease = nil, nil
}

// step does what is to be done now. It returns what the handler returns, or when to look again unless it is woken.
func (t *turn) step() (next time.Time, done bool, err error) {
	t.desk.mu.Lock()
	defer t.desk.mu.Unlock()
	now := time.Now()
	if t.lease != nil {
		switch {
		case t.verdict != nil:
			return next, true, t.settled(t.verdict.err, t.verdict.after)
		case now.Before(t.lease.Until):
			return t.lease.Until, false, nil
		}
		return next, true, t.settled(fmt.Errorf("the lease of %s has run out: nothing was heard of it for %s", t.holder, t.lasts), 0)
	}
	f := t.fetcher
	switch {
	case f == nil && !now.Before(t.idle), f != nil && !t.serves(f):
		t.cancel(errNothing)
		t.batch = nil // the next turn is for f, if there is one
		return next, true, errNothing
	case f == nil:
		return t.idle, false, nil
	case now.Before(t.after) && !t.after.After(f.until):
		return t.after, false, nil
	case now.Before(t.after):
		f.answer <- answer{}
		t.fetcher, t.idle = nil, now.Add(Linger)
		return t.idle, false, nil
	}
	t.lease = &Lease{ID: rand.Text(), Until: now.Add(f.Lease), Delivery: *t.batch}
	t.holder, t.lasts, t.fetcher = f.Holder, f.Lease, nil
	f.answer <- answer{lease: new(*t.lease)}
	return t.lease.Until, false, nil
}

// settled ends the lease, for which the handler returns err.
func (t *turn) settled(err error, after time.Duration) error {
	t.end = t.batch.After
	t.batch, t.lease, t.after = nil, nil, time.Time{}
	delete(t.desk.later, t.name)
	if err != nil {
		t.nacks++
		if after == 0 {
			after = retry.After(t.nacks, pauseMin, pauseMax, mathrand.N)
		}
		t.after = time.Now().Add(after)
		t.desk.putOff(t.name, t.after)
	}
	return err
}
