package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
)

// ErrTooManyParked is returned by a follower that would park more than 10,000 entries: the fault is
// hardly theirs. Replay or drop them.
var ErrTooManyParked = errors.New("too many entries are parked")

// ErrNotParked is returned by [Log.DropParked] for an offset at which nothing is parked.
var ErrNotParked = errors.New("no entry is parked there")

// ParkedEntry is an entry that a follower could not handle and went on without. It stays in the log;
// this says which it is even when its body is trimmed one day. As long as it is parked it holds trims
// back as its follower does.
type ParkedEntry struct {
	Offset  uint64      `json:"-"`
	Author  crdt.Author `json:"author"`
	Seq     uint64      `json:"seq"`
	Op      crdt.OpID   `json:"op"`
	Kind    string      `json:"kind"`
	Subject string      `json:"subject,omitempty"`
	// Failure is why, and how often it failed, replays included.
	Failure Failure `json:"failure"`
}

// parked returns the entries that a follower has parked, by offset, or nil if it never did.
func (tx *readTx) parked(name string) *disk.Tree { return tx.Tree(bucketParked).Child([]byte(name)) }

func decodeParked(name string, k, v []byte) (p ParkedEntry, err error) {
	if len(k) != offsetSize {
		err = errLength
	} else {
		p.Offset = decodeOffset(k)
		err = json.Unmarshal(v, &p)
	}
	if err != nil {
		return p, &DamagedError{What: fmt.Sprintf("what follower %q has parked", name), Err: err}
	}
	return p, nil
}

// park parks an entry.
func (tx *Tx) park(name string, r *followerRecord, e *Entry, why Failure) error {
	if r.Parked >= maxParked {
		return fmt.Errorf("follower %q: park the entry at offset %d: %w: it has %d: replay or drop them: %s",
			name, e.Offset, ErrTooManyParked, r.Parked, why.Error)
	}
	p := ParkedEntry{Offset: e.Offset, Author: e.Author, Seq: e.Seq, Op: e.Op, Kind: e.Kind, Subject: e.Subject, Failure: why}
	was, err := tx.putParked(name, p)
	if err == nil && !was {
		r.Parked++
	}
	return err
}

// putParked keeps what is parked, and reports whether something was parked there.
func (tx *Tx) putParked(name string, p ParkedEntry) (was bool, err error) {
	value, err := json.Marshal(p)
	if err != nil {
		return false, fmt.Errorf("store parked entry: %w", err)
	}
	err = tx.do(func() error {
		t, err := tx.w.Tree(bucketParked).Create([]byte(name))
		if err != nil {
			return fmt.Errorf("store parked entry: %w", err)
		}
		key := encodeOffset(p.Offset)
		was = t.Get(key[:]) != nil
		return t.Put(key[:], value)
	})
	return was, err
}

// unpark removes what is parked at offset, and reports whether something was.
func (tx *Tx) unpark(name string, offset uint64) (was bool, err error) {
	err = tx.do(func() error {
		t := tx.w.parked(name)
		key := encodeOffset(offset)
		if t == nil || t.Get(key[:]) == nil {
			return nil
		}
		was = true
		return t.Remove(key[:])
	})
	return was, err
}

// Parked returns what the follower has parked, in order of offset: 10,000 entries at most.
func (l *Log) Parked(ctx context.Context, name string) ([]ParkedEntry, error) {
	var parked []ParkedEntry
	for more, from := true, uint64(0); more; {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		err := l.store.view(func(tx *readTx) error {
			if _, found, err := tx.follower(name); err != nil || !found {
				return errors.Join(err, tx.noFollower(name))
			}
			some, err := tx.someParked(name, from)
			if more = len(some) > 0; more {
				from = some[len(some)-1].Offset + 1
			}
			parked = append(parked, some...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list what follower %q has parked: %w", name, err)
		}
	}
	return parked, nil
}

// someParked returns some of what the follower has parked at or above an offset, from the first on;
// none when nothing is.
func (tx *readTx) someParked(name string, from uint64) (some []ParkedEntry, err error) {
	t := tx.parked(name)
	if t == nil {
		return nil, nil
	}
	c, key := t.Cursor(), encodeOffset(from)
	for k, v := c.Seek(key[:]); k != nil && len(some) < parkedChunk; k, v = c.Next() {
		p, err := decodeParked(name, k, v)
		if err != nil {
			return nil, err
		}
		some = append(some, p)
	}
	return some, nil
}

// DropParked gives up what the follower has parked at the offsets, all or none of it, or everything
// when no offset is given. It returns how many entries that were; the follower counts them as dropped.
func (l *Log) DropParked(ctx context.Context, name string, offsets ...uint64) (dropped int, err error) {
	if len(offsets) == 0 {
		parked, err := l.Parked(ctx, name)
		if err != nil {
			return 0, err
		}
		for _, p := range parked {
			offsets = append(offsets, p.Offset)
		}
	}
	err = l.changeFollower(ctx, name, func(tx *Tx, f *follower) error {
		for _, offset := range offsets {
			was, err := tx.unpark(name, offset)
			if err != nil {
				return err
			}
			if !was {
				return fmt.Errorf("%w: offset %d", ErrNotParked, offset)
			}
			f.record.Parked--
			f.record.Dropped++
			dropped++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("drop what follower %q has parked: %w", name, err)
	}
	return dropped, nil
}

// ReplayParked gives what the follower has parked to the handler again, each entry in a transaction of
// its own, in order of offset: what the handler does in tx and that the entry is parked no more are one
// commit, as in [Log.Follow]. It returns how many entries were handled. One that fails again stays
// parked, with its new error, and so does one that is trimmed by now; the others go on. The first of
// these errors is returned, a [*HandlerError] or a [*TrimmedError]. The follower may run meanwhile.
func (l *Log) ReplayParked(ctx context.Context, name string, handler func(tx *Tx, batch []Entry) error) (replayed int, err error) {
	return l.replay(ctx, name, func(e Entry) (failed, err error) {
		err = l.unparkHandled(ctx, name, e.Offset, func(tx *Tx) error {
			failed, err = tx.handle(name, handler, []Entry{e})
			return err
		})
		return failed, err
	})
}

// RedeliverParked is [Log.ReplayParked] for followers of [Log.Deliver]: the entry is parked no more
// once the handler has returned nil, so it may come again after a crash. The delivery's After is zero.
func (l *Log) RedeliverParked(ctx context.Context, name string, handler func(ctx context.Context, d Delivery) error) (replayed int, err error) {
	return l.replay(ctx, name, func(e Entry) (failed, err error) {
		if failed = handler(ctx, Delivery{Entries: []Entry{e}}); failed != nil {
			return failed, failed
		}
		return nil, l.unparkHandled(ctx, name, e.Offset, func(*Tx) error { return nil })
	})
}

// errUnparked says that the entry is not parked any more.
var errUnparked = errors.New("entry is not parked any more")

// unparkHandled runs fn and takes the entry off what is parked.
func (l *Log) unparkHandled(ctx context.Context, name string, offset uint64, fn func(tx *Tx) error) error {
	return l.changeFollower(ctx, name, func(tx *Tx, f *follower) error {
		was, err := tx.unpark(name, offset)
		if err != nil {
			return err
		}
		if !was {
			return errUnparked
		}
		f.record.Parked--
		f.record.handled(1)
		return fn(tx)
	})
}

// replay calls handle with each entry that is parked.
func (l *Log) replay(ctx context.Context, name string, handle func(e Entry) (failed, err error)) (replayed int, first error) {
	parked, err := l.Parked(ctx, name)
	if err != nil {
		return 0, err
	}
	for _, p := range parked {
		err := l.replayOne(ctx, name, p, handle)
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
func (l *Log) replayOne(ctx context.Context, name string, p ParkedEntry, handle func(e Entry) (failed, err error)) error {
	e, err := l.parkedEntry(ctx, p)
	if err != nil {
		return err
	}
	failed, err := handle(e)
	f := &following{store: l.store, name: name}
	err = f.blame(ctx, &portion{entries: []Entry{e}}, failed, err)
	again, isFailure := err.(*HandlerError)
	if !isFailure {
		return err
	}
	again.Attempts = p.Failure.Attempts + 1
	p.Failure = f.failure(again)
	err = l.changeFollower(ctx, name, func(tx *Tx, f *follower) error {
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
func (l *Log) parkedEntry(ctx context.Context, p ParkedEntry) (found Entry, err error) {
	h := hole{author: p.Author, seq: p.Seq, from: p.Offset, to: p.Offset + 1}
	s := source{store: l.store, query: Query{Order: Arrival, Authors: []crdt.Author{p.Author}}, at: p.Offset}
	defer s.close()
	for more := true; more && s.empty(); {
		if more, err = s.read(ctx); err != nil {
			return Entry{}, err
		}
	}
	if len(s.pending) > 0 && s.pending[0].Offset == p.Offset && s.pending[0].Op == p.Op {
		return s.pending[0].Clone(), nil
	}
	gone, err := l.store.trimmed(ctx, h)
	if err != nil {
		return Entry{}, err
	}
	return Entry{}, gone
}
