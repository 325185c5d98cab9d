package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog/follower"
)

// keptHere keeps the cursor in the log's file: it moves in the transaction that the handler has.
type keptHere struct {
	*following
	handler func(tx *Tx, batch []Entry) error
}

// load returns the cursor. It writes only what is new, so that a restart costs no commit.
func (k *keptHere) load(ctx context.Context) (cursor uint64, err error) {
	known := false
	err = k.store.view(func(tx *readTx) error {
		f, found, err := tx.follower(k.name)
		cursor = f.cursor
		known = found && f.record.Fits(&k.cfg, false)
		return err
	})
	if known || err != nil {
		return cursor, err
	}
	err = k.store.update(ctx, func(tx *Tx) error {
		f, found, err := k.begin(tx)
		if err != nil {
			return err
		}
		if f.record.Elsewhere {
			return fmt.Errorf("follow %q: %w: use Deliver with its store, or another name", k.name, ErrElsewhere)
		}
		if !found {
			if f.cursor, err = k.start(tx.Next()); err != nil {
				return err
			}
		}
		f.record.Configure(&k.cfg, tx.Now())
		cursor = f.cursor
		return tx.putFollower(k.name, f)
	})
	return cursor, err
}

// begin is follower for one that runs, and says why one that is new may not.
func (f *following) begin(tx *Tx) (is kept, found bool, err error) {
	is, found, err = tx.follower(f.name)
	if most := f.cfg.MaxFollowers; !found && err == nil && most > 0 {
		err = tx.do(func() error {
			n, c := 0, tx.w.Tree(bucketFollowers).Cursor()
			for k, _ := c.First(); k != nil && n < most; k, _ = c.Next() {
				n++
			}
			if n == most {
				return fmt.Errorf("follow %q: %w: expected at most %d", clip.Text(f.name), ErrTooManyFollowers, most)
			}
			return c.Err()
		})
	}
	return is, found, err
}

// start returns where a follower without a cursor begins, in a log that ends before offset next.
func (f *following) start(next uint64) (uint64, error) {
	switch {
	case f.cfg.From == Now:
		return next, nil
	case f.cfg.From > next:
		return 0, fmt.Errorf("follow %q: %w: From is %d: expected 0 to %d, where the log ends, or Now", f.name, ErrFollowConfig, f.cfg.From, next)
	}
	return f.cfg.From, nil
}

// step runs fn in an Update, on the record of the follower, which has the cursor b.from, and moves that to b.to.
//
// A crash before its commit leaves the cursor where it was, and after it what fn did beside the cursor.
func (k *keptHere) step(ctx context.Context, b *portion, fn func(tx *Tx, r *follower.Record) error) error {
	return k.store.update(ctx, func(tx *Tx) error {
		f, found, err := tx.follower(k.name)
		if err != nil {
			return err
		}
		if !found || f.cursor != b.from {
			return errMoved
		}
		f.cursor = b.to
		f.record.Trimmed += b.trimmed
		if err := fn(tx, &f.record); err != nil {
			return err
		}
		return tx.putFollower(k.name, f)
	})
}

func (k *keptHere) handle(ctx context.Context, b *portion) error {
	var failed error
	err := k.step(ctx, b, func(tx *Tx, r *follower.Record) (err error) {
		r.HasHandled(len(b.entries))
		failed, err = tx.handle(k.name, k.handler, b.entries)
		return err
	})
	return k.blame(ctx, b, failed, err)
}

// handle calls the handler of the follower called by. Where it is the log that has failed under it,
// that is the error, and the handler has not failed.
func (tx *Tx) handle(by string, handler func(tx *Tx, batch []Entry) error, batch []Entry) (failed, err error) {
	tx.by = by
	defer func() { tx.by = "" }()
	failed = handler(tx, batch)
	switch {
	case tx.err != nil:
		return nil, tx.err
	case failed != nil && tx.refused != nil:
		return nil, tx.refused
	}
	return failed, failed
}

// blame returns the error of an attempt that ended with err: the handler's failure is a
// [*HandlerError], unless it is that ctx has ended.
func (f *following) blame(ctx context.Context, b *portion, failed, err error) error {
	switch {
	case failed == nil:
		return err
	case ctx.Err() != nil && (errors.Is(failed, ctx.Err()) || errors.Is(failed, context.Cause(ctx))):
		return context.Cause(ctx)
	}
	first, last := b.offsets()
	return &HandlerError{Name: f.name, First: first, Last: last, Attempts: 1, Err: failed}
}

func (k *keptHere) pass(ctx context.Context, b *portion) error {
	return k.step(ctx, b, func(*Tx, *follower.Record) error { return nil })
}

func (k *keptHere) park(ctx context.Context, b *portion, why *HandlerError) error {
	return k.step(ctx, b, func(tx *Tx, r *follower.Record) error {
		f := why.Failure(k.store.cfg.Now())
		r.Failure = &f
		return tx.park(k.name, r, &b.entries[0], f)
	})
}

// close has nothing to do: all that is kept is kept.
func (k *keptHere) close(context.Context) {}

// keptBeside keeps the cursor in the log's file for a handler without a transaction: it moves in one of
// its own, once the handler has returned nil.
type keptBeside struct {
	*keptHere
	handler func(ctx context.Context, d Delivery) error
}

func (k *keptBeside) handle(ctx context.Context, b *portion) error {
	d := Delivery{Entries: b.entries, After: k.store.cursorAt(b.to)}
	if err := k.handler(ctx, d); err != nil {
		return k.blame(ctx, b, err, err)
	}
	// A crash here makes the handler see the batch again.
	return k.step(ctx, b, func(_ *Tx, r *follower.Record) error {
		r.HasHandled(len(b.entries))
		return nil
	})
}
