package eventlog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/arrivals"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// readTx is a transaction as the rest of the package sees it: what is read through it is checked, or
// its damage becomes a [*DamagedError]. Bytes that come from it are those of the mapped file and die
// with it, unless a method says that it copies. It implements [crdt.Held].
type readTx struct {
	*disk.Tx
	// next is the offset after the last entry that is durable and in the transaction.
	next uint64
	// most is an offset that nothing in the transaction has reached: what was committed meanwhile may lie
	// between next and most.
	most uint64
	// pruneSweep is the last sweep that pruned a feed, in the transaction or meanwhile; 0 for none.
	pruneSweep uint64
	// lastSweep is the last sweep, in the transaction or meanwhile: no body went with a later one.
	lastSweep uint64
	// cached answers for the feeds where the file shows what may not be on disk, and doubt says why; nil else.
	cached func(crdt.Author) crdt.Feed
	doubt  error
}

// ErrInTx is returned when a method of the log is called inside the function of an Update or a View, in the
// function's goroutine: the call would wait for the transaction that it is made in. Use the [Tx], or the [ReadTx].
var ErrInTx = errors.New("called inside an Update or a View of the same log")

// notInside returns [ErrInTx] when the caller is inside an Update or a View.
func (s *store) notInside() error {
	if s.inside.Inside() {
		return ErrInTx
	}
	return nil
}

// view runs fn in a read transaction. All reading goes through it: where damage was met that is the error,
// whatever fn took it for. Where others write to the file fn may run again, and goes on with what it has taken note of:
// whatever it was shown is true. fn must not keep anything that it did not copy, nor wait for
// anything, nor call what its caller gave it.
func (s *store) view(fn func(tx *readTx) error) error {
	return disk.Undisturbed(disk.Tries, func() error { return s.viewOnce(fn) })
}

// viewOnce is view where fn cannot begin again: it returns [ErrOvertaken] where another process has written.
func (s *store) viewOnce(fn func(tx *readTx) error) error {
	if err := s.notInside(); err != nil {
		return err
	}
	tx, err := s.beginRead()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return s.locate(tx.Do(func() error { return fn(tx) }))
}

// reading runs fn in a read transaction while nobody writes.
func (s *store) reading(fn func(tx *readTx) error) error {
	tx, err := s.begin(false)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return s.locate(tx.Do(func() error { return fn(&readTx{Tx: tx}) }))
}

// views runs step in one read transaction after the other, until there is no more or ctx ends: see view.
func (s *store) views(ctx context.Context, step func(tx *readTx) (more bool, err error)) error {
	for more := true; more; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := s.view(func(tx *readTx) (err error) {
			more, err = step(tx)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// beginRead begins a read transaction that shows nothing but what is durable. A commit
// is visible before it is synced, so a transaction that begins in between is begun again when the sync
// is done: else a peer might be told what a power cut takes back.
func (s *store) beginRead() (*readTx, error) {
	if s.cfg.ReadOnly {
		return s.onlooker.begin()
	}
	for {
		tx, err := s.tryBeginRead()
		if tx != nil || err != nil {
			return tx, err
		}
		s.committing.RLock() // wait until it is published
		//lint:ignore SA2001 the wait is all there is to it
		s.committing.RUnlock()
	}
}

// tryBeginRead returns nil when the transaction would show what is being committed.
func (s *store) tryBeginRead() (*readTx, error) {
	// Read before the transaction begins, so that the transaction has all of it.
	s.mu.RLock()
	next, closed := s.state.Next, s.closed
	s.mu.RUnlock()
	if closed {
		return nil, ErrClosed
	}
	tx, err := s.begin(false)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := &readTx{Tx: tx}
	if tx.ID() <= s.durable {
		// A prune of meanwhile may be in the transaction: what is missing there must not look older.
		r.next, r.pruneSweep, r.lastSweep, r.most = next, s.state.PruneSweep, s.state.Sweep, s.state.Next
		return r, nil
	}
	if s.unsynced {
		// Nothing is written any more, so what is in memory stands still.
		r.next, r.pruneSweep, r.lastSweep, r.most, r.cached = s.state.Next, s.state.PruneSweep, math.MaxUint64, crdt.MaxSeq, s.state.Feed
		r.doubt = s.frozen // set and cleared with unsynced
		return r, nil
	}
	_ = tx.Rollback()
	return nil, nil
}

// begin begins a transaction of the file.
func (s *store) begin(writable bool) (*disk.Tx, error) {
	tx, err := s.file.Begin(writable)
	if err == nil {
		return tx, nil
	}
	if s.isClosed() {
		return nil, ErrClosed
	}
	if why := s.writable(); why != nil && errors.Is(err, disk.ErrNotOpen) {
		err = why // The file could not be opened again, or not yet.
	}
	return nil, fmt.Errorf("begin transaction: %w", s.locate(err))
}

// ops returns the ops of a feed by key, or nil if there are none.
func (tx *readTx) ops(a crdt.Author) *disk.Tree { return tx.Tree(bucketOps).Child(a[:]).Growing() }

// feeds returns the feed records by author.
func (tx *readTx) feeds() *disk.Tree { return tx.Tree(bucketFeeds) }

// end returns the offset after the last arrival in the transaction.
func (tx *readTx) end() (uint64, error) { return arrivals.Of(tx.Tx).End() }

// sweep returns the number of the last sweep; 0 before there was one.
func (tx *readTx) sweep() (uint64, error) {
	v := tx.Tree(bucketMeta).Get(metaSweep)
	if v == nil {
		return 0, nil
	}
	if len(v) != 8 {
		return 0, &DamagedError{What: "the number of the last sweep", Err: record.ErrLength}
	}
	return binary.BigEndian.Uint64(v), nil
}
