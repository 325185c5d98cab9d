package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/eventlog/follower"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// ErrTooManyParked is returned by [Log.Follow] and [Log.Deliver] when the follower would park more than
// 10,000 entries: the fault is hardly in these. Replay or drop them.
var ErrTooManyParked = errors.New("too many entries are parked")

// ErrNotParked is returned by [Log.DropParked] for an offset at which nothing is parked.
var ErrNotParked = errors.New("no entry is parked there")

// parked returns the entries that a follower has parked, by offset, or nil if it never did.
func (tx *readTx) parked(name string) *disk.Tree { return tx.Tree(bucketParked).Child([]byte(name)) }

// park parks an entry.
func (tx *Tx) park(name string, r *follower.Record, e *Entry, why Failure) error {
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
	key, value, err := p.Encode(name)
	if err != nil {
		return false, fmt.Errorf("store parked entry: %w", err)
	}
	err = tx.do(func() error {
		t, err := tx.w.Tree(bucketParked).Create([]byte(name))
		if err != nil {
			return fmt.Errorf("store parked entry: %w", err)
		}
		was = t.Get(key) != nil
		return t.Put(key, value)
	})
	return was, err
}

// unpark removes what is parked at offset, and reports whether something was.
func (tx *Tx) unpark(name string, offset uint64) (was bool, err error) {
	err = tx.do(func() error {
		t := tx.w.parked(name)
		key := record.Offset(offset)
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
	return l.followers.parked(ctx, name)
}

func (fs *followers) parked(ctx context.Context, name string) ([]ParkedEntry, error) {
	var parked []ParkedEntry
	from := uint64(0)
	err := fs.store.views(ctx, func(tx *readTx) (more bool, err error) {
		if _, found, err := tx.follower(name); err != nil || !found {
			return false, errors.Join(err, tx.noFollower(name))
		}
		some, err := tx.someParked(name, from, parkedChunk)
		if more = len(some) > 0; more {
			from = some[len(some)-1].Offset + 1
		}
		parked = append(parked, some...)
		return more, err
	})
	if err != nil {
		return nil, fmt.Errorf("list what follower %q has parked: %w", name, err)
	}
	return parked, nil
}

// someParked returns the first of what the follower has parked at or above an offset, so many at most.
func (tx *readTx) someParked(name string, from uint64, most int) (some []ParkedEntry, err error) {
	t := tx.parked(name)
	if t == nil {
		return nil, nil
	}
	c, key := t.Cursor(), record.Offset(from)
	for k, v := c.Seek(key[:]); k != nil && len(some) < most; k, v = c.Next() {
		p, err := follower.ParseParked(name, k, v)
		if err != nil {
			return nil, &DamagedError{What: fmt.Sprintf("what follower %q has parked", name), Err: err}
		}
		some = append(some, p)
	}
	return some, nil
}

// DropParked gives up what the follower has parked at the offsets, all of it or none; without offsets, all
// that is parked. It returns how many entries that were, which the follower counts as dropped. It returns
// [ErrNotParked] for an offset at which nothing is parked.
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
	err = l.followers.change(ctx, name, func(tx *Tx, f *kept) error {
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
