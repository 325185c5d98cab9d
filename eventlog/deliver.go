package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog/follower"
)

// Deliver is [Log.Follow] for effects that live elsewhere: the handler has no transaction and may take its time, and
// the cursor is in store. Where store has none, Deliver saves one before the first batch: the follower begins there.
// It saves the cursor again each time that the handler has returned nil, and after stretches of entries that are not
// for the follower. So each entry is handled at least once: a batch that was handled comes again if the process ended
// before its cursor was saved. A handler that must not do a thing twice has two ways. It keeps [Delivery].After in
// its own transaction, with its effects, and store loads the cursor from there. Or it asks its target for the entry
// by a key that is the same for ever and on every node: [crdt.Entry.Place] with the id of the op.
//
// With a nil store the log keeps the cursor, in a commit after each batch, for a handler that takes too long for a
// transaction and can do a thing twice. Such a follower can be reset and skipped as those of [Log.Follow] can.
//
// The log remembers, a little behind store, where the follower is: for [Log.Followers], and to hold back trims. An
// error of store is returned as a [*CursorError]; under RetryOnError the step is tried again instead. A cursor of
// another node or incarnation is always a [*CursorError]. All else is as in [Log.Follow].
func (l *Log) Deliver(ctx context.Context, name string, cfg FollowConfig, store CursorStore, handler func(ctx context.Context, d Delivery) error) error {
	return l.followers.follow(ctx, name, cfg, func(f *following) keeper {
		if store == nil {
			return &keptBeside{keptHere: &keptHere{following: f}, handler: handler}
		}
		return &keptElsewhere{following: f, cursors: store, handler: handler}
	})
}

// Delivery is a batch of a follower whose effects live elsewhere.
type Delivery struct {
	// Entries may be kept, see [Entry], and must not be changed.
	Entries []Entry
	// After is the cursor behind the entries. Deliver saves it in its store next; the handler may keep it itself.
	After Cursor
}

// keptElsewhere keeps the cursor in a store of the program's.
type keptElsewhere struct {
	*following
	cursors CursorStore
	handler func(ctx context.Context, d Delivery) error

	// noted is the cursor that the log remembers, and notedAt when it was written.
	noted   uint64
	notedAt time.Time
	// handled and trimmed count entries since then.
	handled int
	trimmed uint64
}

func (k *keptElsewhere) load(ctx context.Context) (uint64, error) {
	var c Cursor
	var found bool
	err := k.persist(ctx, "load", func() (err error) {
		c, found, err = k.cursors.Load(ctx, k.name)
		return err
	})
	if err != nil {
		return 0, err
	}
	now, err := k.store.snapshot()
	if err != nil {
		return 0, err
	}
	next := now.Bound
	if !found {
		// Kept at once: what is new is what arrives from now on.
		begin, err := k.start(next)
		if err != nil {
			return 0, err
		}
		c = k.store.cursorAt(begin)
		if err := k.save(ctx, c); err != nil {
			return 0, err
		}
	} else if wrong := k.store.checkCursor(c, next); wrong != nil {
		wrong.Name = k.name
		return 0, wrong
	}
	return c.Offset, k.remember(ctx, c.Offset, nil)
}

// save keeps c in the store.
func (k *keptElsewhere) save(ctx context.Context, c Cursor) error {
	return k.persist(ctx, "save", func() error { return k.cursors.Save(ctx, k.name, c) })
}

// persist runs a step of the store, again and again if the configuration says so.
func (k *keptElsewhere) persist(ctx context.Context, op string, step func() error) error {
	for attempts := 1; ; attempts++ {
		err := step()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		failed := &CursorError{Name: k.name, Op: op, Err: err}
		if k.cfg.OnError == StopOnError {
			return failed
		}
		why := Failure{Error: clip.To(failed.Error(), follower.MaxErrorText), Time: k.store.cfg.Now(), Attempts: attempts, First: k.cursor, Last: k.cursor}
		if err := k.note(ctx, why); err != nil {
			return err
		}
		if err := k.pause(ctx, attempts); err != nil {
			return err
		}
	}
}

func (k *keptElsewhere) handle(ctx context.Context, b *portion) error {
	d := Delivery{Entries: b.entries, After: k.store.cursorAt(b.to)}
	if err := k.handler(ctx, d); err != nil {
		return k.blame(ctx, b, err, err)
	}
	// A crash here makes the handler see the batch again.
	k.handled += len(b.entries)
	return k.move(ctx, b)
}

func (k *keptElsewhere) pass(ctx context.Context, b *portion) error { return k.move(ctx, b) }

// move saves the end of the batch, and lets the log remember it once that is due.
func (k *keptElsewhere) move(ctx context.Context, b *portion) error {
	k.trimmed += b.trimmed
	if err := k.save(ctx, k.store.cursorAt(b.to)); err != nil {
		return err
	}
	k.cursor = b.to
	if b.to-k.noted < quietOffsets && time.Since(k.notedAt) < quietTime {
		return nil
	}
	return k.remember(ctx, b.to, nil)
}

// park parks the entry here, then moves the cursor there: one that is parked twice is parked once.
func (k *keptElsewhere) park(ctx context.Context, b *portion, why *HandlerError) error {
	f := why.Failure(k.store.cfg.Now())
	err := k.remember(ctx, b.from, func(tx *Tx, r *follower.Record) error {
		r.Failure = &f
		return tx.park(k.name, r, &b.entries[0], f)
	})
	if err != nil {
		return err
	}
	return k.move(ctx, b)
}

// remember writes where the follower is, with what was counted, and with what change, unless it is nil,
// does to its record.
func (k *keptElsewhere) remember(ctx context.Context, cursor uint64, change func(tx *Tx, r *follower.Record) error) error {
	err := k.store.update(ctx, func(tx *Tx) error {
		f, found, err := k.begin(tx)
		if err != nil {
			return err
		}
		if found && !f.record.Elsewhere {
			return fmt.Errorf("deliver to %q: %w: its cursor is in the log: use Follow, or another name", k.name, ErrElsewhere)
		}
		f.cursor, f.record.Elsewhere = cursor, true
		f.record.Configure(&k.cfg, tx.Now())
		f.record.Trimmed += k.trimmed
		if k.handled > 0 {
			f.record.HasHandled(k.handled)
		}
		if change != nil {
			if err := change(tx, &f.record); err != nil {
				return err
			}
		}
		return tx.putFollower(k.name, f)
	})
	if err == nil {
		k.noted, k.notedAt, k.handled, k.trimmed = cursor, time.Now(), 0, 0
	}
	return err
}

// close lets the log remember what it was not told yet. What it cannot write it learns at the next
// start, from the store.
func (k *keptElsewhere) close(ctx context.Context) {
	if k.noted == k.cursor && k.handled == 0 && k.trimmed == 0 {
		return
	}
	if err := k.remember(ctx, k.cursor, nil); err != nil && !errors.Is(err, ErrClosed) {
		k.store.logger.Warn("where a follower is was not kept", "follower", k.name, "err", err)
	}
}
