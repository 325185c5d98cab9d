package eventlog

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/quipulog/quipu/crdt/retry"
)

// await waits until the log changes, until the deadline, unless that is zero, or until the cursor is
// moved, which is errMoved.
func (f *following) await(ctx context.Context, changed <-chan struct{}, deadline time.Time) error {
	var over <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-changed:
		return nil
	case <-over:
		return nil
	case <-f.claim.moved:
		return errMoved
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pause waits between two attempts, after the n-th failure.
func (f *following) pause(ctx context.Context, n int) error {
	deadline := time.Now().Add(retry.After(n, f.cfg.RetryMin, f.cfg.RetryMax, rand.N))
	for time.Now().Before(deadline) {
		changed := f.store.changes()
		if f.store.isClosed() {
			return ErrClosed
		}
		if err := f.await(ctx, changed, deadline); err != nil {
			return err
		}
	}
	return nil
}

// settle hands the batch to the handler until all of it is handled or parked. A failure moves nothing:
// it ends the follower, or the batch is tried again after a pause.
func (f *following) settle(ctx context.Context, b portion) error {
	for attempts := 1; ; attempts++ {
		err := f.keeper.handle(ctx, &b)
		failed, ok := err.(*HandlerError)
		if !ok {
			return err
		}
		if attempts == 1 && f.cfg.ParkAfter > 1 {
			if attempts, err = f.attempt(failed.First); err != nil {
				return err
			}
		}
		failed.Attempts = attempts
		if f.cfg.ParkAfter > 0 && attempts >= f.cfg.ParkAfter {
			rest, err := f.narrow(ctx, b, failed)
			if err != nil || len(rest.entries) == 0 {
				return err
			}
			b, attempts = rest, 0
			continue
		}
		if err := f.note(ctx, failed.Failure(f.store.cfg.Now())); err != nil {
			return err
		}
		if f.cfg.OnError == StopOnError {
			return failed
		}
		if err := f.pause(ctx, attempts); err != nil {
			return err
		}
	}
}

// attempt returns which failure in a row it is that a batch has which begins at offset first.
func (f *following) attempt(first uint64) (n int, err error) {
	err = f.store.view(func(tx *readTx) error {
		kept, _, err := tx.follower(f.name)
		n = kept.record.Attempt(first)
		return err
	})
	return n, err
}

// narrow looks for the entry of b that fails, by halving what is known to fail, and parks it; what
// stands before it is handled on the way. It returns what is left of b behind it. Should no entry fail
// alone, that is all there is to it.
//
//	fails      ├───────────────┤
//	halves     ├──ok──┤├fails──┤
//	                   ├ok┤├───┤   one entry is left: it is tried, and parked if it fails
func (f *following) narrow(ctx context.Context, b portion, failed *HandlerError) (rest portion, err error) {
	bad, alone := len(b.entries), len(b.entries) == 1
	for !alone {
		n := max(1, bad/2)
		part := b.first(n)
		err := f.keeper.handle(ctx, &part)
		again, isFailure := err.(*HandlerError)
		switch {
		case isFailure:
			again.Attempts = failed.Attempts + 1
			failed, bad, alone = again, n, n == 1
		case err != nil:
			return b, err
		default:
			f.cursor = part.to
			b, bad = b.rest(n), bad-n
			if bad == 0 {
				return b, nil
			}
		}
	}
	one := b.first(1)
	if err := f.keeper.park(ctx, &one, failed); err != nil {
		return b, err
	}
	f.cursor = one.to
	return b.rest(1), nil
}

// note keeps a failure for who asks about the follower. The cursor stays.
func (f *following) note(ctx context.Context, why Failure) error {
	f.store.logger.Warn("follower has failed", "follower", f.name, "attempts", why.Attempts, "first", why.First, "last", why.Last, "err", why.Error)
	return f.store.update(ctx, func(tx *Tx) error {
		kept, found, err := tx.follower(f.name)
		if err != nil || !found {
			return err
		}
		kept.record.Failure = &why
		return tx.putFollower(f.name, kept)
	})
}
