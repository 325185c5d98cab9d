package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
)

// ReplayParked gives what the follower has parked to the handler again, in order of offset, each entry in a
// transaction of its own. What the handler does in tx, and that the entry is parked no more, are one
// commit, as in [Log.Follow]. It returns how many entries were handled. An entry that fails again stays
// parked, with its new error; so does one that is trimmed by now; the others go on. The first of these
// errors is returned, a [*HandlerError] or a [*TrimmedError]. The follower may run meanwhile.
func (l *Log) ReplayParked(ctx context.Context, name string, handler func(tx *Tx, batch []Entry) error) (replayed int, err error) {
	return l.followers.replay(ctx, name, func(e Entry) (failed, err error) {
		err = l.followers.unparkHandled(ctx, name, e.Offset, func(tx *Tx) error {
			failed, err = tx.handle(name, handler, []Entry{e})
			return err
		})
		return failed, err
	})
}

// RedeliverParked is [Log.ReplayParked] for followers of [Log.Deliver]: an entry is parked no more once the
// handler has returned nil, so it may come again after a crash. After is zero in each [Delivery].
func (l *Log) RedeliverParked(ctx context.Context, name string, handler func(ctx context.Context, d Delivery) error) (replayed int, err error) {
	return l.followers.replay(ctx, name, func(e Entry) (failed, err error) {
		if failed = handler(ctx, Delivery{Entries: []Entry{e}}); failed != nil {
			return failed, failed
		}
		return nil, l.followers.unparkHandled(ctx, name, e.Offset, func(*Tx) error { return nil })
	})
}

// errUnparked says that the entry is not parked any more.
var errUnparked = errors.New("entry is not parked any more")

// unparkHandled runs fn and takes the entry off what is parked.
func (fs *followers) unparkHandled(ctx context.Context, name string, offset uint64, fn func(tx *Tx) error) error {
	return fs.change(ctx, name, func(tx *Tx, f *kept) error {
		was, err := tx.unpark(name, offset)
		if err != nil {
			return err
		}
		if !was {
			return errUnparked
		}
		f.record.Parked--
		f.record.HasHandled(1)
		return fn(tx)
	})
}

// replay calls handle with each entry that is parked.
func (fs *followers) replay(ctx context.Context, name string, handle func(e Entry) (failed, err error)) (replayed int, first error) {
	parked, err := fs.parked(ctx, name)
	if err != nil {
		return 0, err
	}
	for _, p := range parked {
		err := fs.replayOne(ctx, name, p, handle)
		switch err.(type) {
		case nil:
			replayed++
		case *HandlerError, *TrimmedError:
			if first == nil {
				first = err
			}
		default:
			if !errors.Is(err, errUnparked) {
				return replayed, fmt.Errorf("replay what follower %q has parked: %w", name, err)
			}
		}
	}
	return replayed, first
}

// replayOne calls handle with an entry that is parked. A failure is kept with it.
func (fs *followers) replayOne(ctx context.Context, name string, p ParkedEntry, handle func(e Entry) (failed, err error)) error {
	e, err := fs.parkedEntry(ctx, p)
	if err != nil {
		return err
	}
	failed, err := handle(e)
	f := &following{store: fs.store, name: name}
	err = f.blame(ctx, &portion{entries: []Entry{e}}, failed, err)
	again, isFailure := err.(*HandlerError)
	if !isFailure {
		return err
	}
	again.Attempts = p.Failure.Attempts + 1
	p.Failure = again.Failure(fs.store.cfg.Now())
	err = fs.change(ctx, name, func(tx *Tx, f *kept) error {
		if was, err := tx.putParked(name, p); err != nil || was {
			return err
		}
		return errUnparked // somebody else has replayed or dropped it meanwhile
	})
	if err != nil {
		return err
	}
	return again
}

// parkedEntry reads the entry that is parked, or says that it is gone.
func (fs *followers) parkedEntry(ctx context.Context, p ParkedEntry) (found Entry, err error) {
	s := source{store: fs.store, query: Query{Order: Arrival, Authors: []crdt.Author{p.Author}}, at: p.Offset}
	defer s.close()
	for more := true; more && s.empty(); {
		if more, err = s.read(ctx); err != nil {
			return Entry{}, err
		}
	}
	if len(s.pending) > 0 && s.pending[0].Offset == p.Offset && s.pending[0].Op == p.Op {
		return s.pending[0].Clone(), nil
	}
	h := excerpt.Hole{Author: p.Author, Seq: p.Seq, Count: 1, From: p.Offset, To: p.Offset + 1}
	return Entry{}, fs.store.explain(ctx, h, true)
}
