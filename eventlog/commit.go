package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/feeds"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/request"
)

// ErrUncertain is returned when the disk failed in a commit that may have happened all the same. The error
// is an [*UncertainError].
var ErrUncertain = errors.New("the commit failed and may have happened")

// ErrReadOnly is returned by everything that writes, once the disk has failed and the log, which then opens and
// verifies its file again by itself, has found the file damaged or could not sync it: see [Health].Broken.
var ErrReadOnly = errors.New("log is read-only since its disk failed")

// UncertainError says which entries may be in the log, or not.
type UncertainError struct {
	Places []crdt.Place // of the caller's entries, if they are there
	Err    error        // what failed

	visible bool // it is there, whether or not it stays
}

func (e *UncertainError) Error() string {
	if e.NoRoom() {
		return fmt.Sprintf("no room on the disk, nothing was written: %v", e.Err)
	}
	if len(e.Places) == 0 {
		return fmt.Sprintf("%v: %v", ErrUncertain, e.Err)
	}
	return fmt.Sprintf("%v: %v: look for %d entries from %s on", ErrUncertain, e.Err, len(e.Places), e.Places[0])
}

// NoRoom reports whether there was no room on the disk. Then nothing was written after all; a later try may succeed.
func (e *UncertainError) NoRoom() bool {
	return !e.visible && disk.NoRoom(e.Err) && !disk.SyncFailed(e.Err)
}

// Passes reports that the log goes on by itself: what is written next waits until the log knows what is there.
func (e *UncertainError) Passes() bool { return true }

// Unwrap returns [ErrUncertain] and what failed.
func (e *UncertainError) Unwrap() []error { return []error{ErrUncertain, e.Err} }

// exclusively waits in the queue and runs fn in a write transaction of its own. ctx counts until then.
func (s *store) exclusively(ctx context.Context, fn func(tx *writeTx) error) error {
	return s.ours.alone(ctx, func() error { return s.write(fn) })
}

// alone waits in the queue and runs do while nobody else writes; once more each time that do could not append and
// that is over, see again. ctx counts until then.
func (o *ownFeed) alone(ctx context.Context, do func() error) error {
	if err := o.store.notInside(); err != nil {
		return err
	}
	for {
		err := o.store.queue.Exclusively(ctx, do)
		if err == nil {
			return nil
		}
		if err := o.again(ctx, err); err != nil {
			return err
		}
	}
}

// write runs fn in a write transaction and commits it. The caller leads. An error of fn rolls it back;
// a commit that failed returns an [*UncertainError].
func (s *store) write(fn func(tx *writeTx) error) error {
	if err := s.writable(); err != nil {
		return err
	}
	tx, err := s.beginWrite()
	if err != nil {
		return err
	}
	err = tx.Do(func() error {
		if err := fn(tx); err != nil {
			return err
		}
		return tx.finish()
	})
	if err = s.locate(err); err != nil {
		_ = tx.Rollback()
		return err
	}
	return s.commit(tx)
}

// keep puts an op that was decided to be accepted, as the value that it has at the next offset.
func (tx *writeTx) keep(op crdt.Op, value record.Op, v crdt.Verdict) error {
	ops, err := opsOf(tx, op.Author)
	if err != nil {
		return fmt.Errorf("store op: %w", err)
	}
	tx.key = record.OpKey(op.Key())
	if restored, err := tx.store.ours.restore(tx, op, v); restored || err != nil {
		return err
	}
	if err := ops.Put(tx.key[:], value); err != nil {
		return fmt.Errorf("store op: %w", err)
	}
	*tx.inside = crdt.Author{}
	f := tx.edit(op.Author)
	a := record.Arrival{Offset: tx.staged, Author: op.Author, Key: op.Key(), Count: op.Count}
	if err := tx.arrivals.Put(a, f, tx.store.author); err != nil {
		return fmt.Errorf("store arrival: %w", err)
	}
	if f.Feed.IsZero() {
		tx.begun++
	}
	if op.Author != tx.store.author {
		tx.taken += uint64(len(value) + feeds.OpRoom)
	}
	f.Feed.Add(v)
	f.Grow(len(value))
	f.Ops++
	f.Entries += op.Count
	if op.Trimmed() {
		f.Trimmed += op.Count
	}
	f.TrimmedTo = min(f.TrimmedTo, op.First)
	if !op.Clock.Ahead(tx.now) {
		f.Clock = max(f.Clock, op.Clock)
	}
	tx.staged += op.Count
	tx.added++
	return nil
}

// finish seals the drafts that wait and writes the records of the feeds that changed.
func (tx *writeTx) finish() error {
	if _, err := tx.seal(); err != nil {
		return err
	}
	if err := tx.putTime(); err != nil {
		return err
	}
	if err := tx.store.ours.keepBegun(tx); err != nil {
		return err
	}
	for _, ops := range tx.written {
		if err := ops.Grown(); err != nil {
			return fmt.Errorf("store ops: %w", err)
		}
	}
	if err := tx.arrivals.Err(); err != nil || len(tx.changed) == 0 {
		return err
	}
	feeds := tx.feeds().Packed()
	for a, f := range tx.changed {
		f.Heads = f.Feed.Heads()
		if err := feeds.Put(a[:], f.Encode(a)); err != nil {
			return fmt.Errorf("store feed record: %w", err)
		}
	}
	return nil
}

// commit commits a transaction and publishes what it changed: state first, then the wake-up of those
// who wait for changes. The caller acks after it. One that has changed nothing is rolled back: a sync
// would make nothing durable that is not.
//
// A crash before the second sync leaves the file as it was before the transaction; a crash after
// it leaves all of it. Nobody was told in between, since readers wait for committing.
func (s *store) commit(tx *writeTx) error {
	if !tx.Changed() {
		_ = tx.Rollback()
		return nil
	}
	s.committing.Lock()
	defer s.committing.Unlock()
	began := time.Now()
	if err := tx.Commit(); err != nil {
		return s.commitFailed(tx, err)
	}
	s.meters.Committed(tx.appended, tx.size, time.Since(began), tx.Synced())
	forked := s.publish(tx)
	s.ours.tellOperator(tx.own)
	onRecord := tx.own.begins != nil || tx.own.identity != nil // what the last mark has shown
	if onRecord || tx.now.Sub(s.ours.marked).Abs() >= markEvery {
		s.ours.markSeen()
	}
	for _, a := range forked {
		s.logger.Warn("author has forked: it has signed two different ops after one", "path", s.path, "author", a)
	}
	return nil
}

// publish makes known what a transaction has changed, and returns the authors that it showed to contradict
// themselves.
func (s *store) publish(tx *writeTx) (forked []crdt.Author) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.durable = tx.id
	heads := make(crdt.Frontier, len(tx.changed))
	for a, f := range tx.changed {
		if f.Disputed() && !s.state.Feeds[a].Disputed() {
			forked = append(forked, a)
		}
		if was := s.state.Feeds[a]; was != nil && was.Feed.First() < f.Feed.First() {
			s.holes.Forgotten(a, f.Feed.First())
		}
		s.state.Put(a, f)
		heads[a] = f.Heads
	}
	s.state.Digest = s.state.Digest.WithAll(heads)
	s.state.Next = tx.staged
	if tx.added > 0 {
		s.state.Arrives(tx.now, tx.began)
	}
	s.state.Sweep = max(s.state.Sweep, tx.ownSweep)
	s.state.ClockAt(tx.now)
	s.warnAhead(tx.now)
	if s.full != nil && s.full.refutedBy(tx) {
		s.full = nil
	}
	if tx.genesis != nil {
		s.genesis = tx.genesis
	}
	if tx.incarnations != nil {
		s.incarnations = *tx.incarnations
	}
	s.own = s.own.after(tx.own)
	s.filled(tx.filled)
	if tx.added > 0 || len(tx.filled) > 0 || tx.own.ends != nil || tx.own.begins != nil || tx.own.second != nil {
		close(s.changed)
		s.changed = make(chan struct{})
	}
	return forked
}

// commitFailed decides how the log goes on after a commit that failed with cause. A commit syncs twice,
// first the pages and then the page that names their root, which makes the transaction visible: when
// the second sync fails it is visible all the same.
//
//	no room to write, nothing visible   read the state again and go on: there may be room later
//	the commit was refused              the same
//	the disk failed, or it is visible   what is on disk is not known: see mend.go
//
// A failed sync is of the last kind whatever its number: the kernel has dropped what it could not write.
func (s *store) commitFailed(tx *writeTx, cause error) error {
	failed := disk.Failed(cause)
	cause = s.locate(cause)
	uncertain := &UncertainError{Places: request.PlacesFrom(tx.first, tx.appended), Err: cause}
	_ = tx.Rollback()
	uncertain.visible = s.sees(tx.id)
	if !uncertain.NoRoom() && failed || uncertain.visible {
		s.suspend(cause)
		return uncertain
	}
	if err := s.reload(); err != nil {
		s.suspend(err)
		return uncertain
	}
	if uncertain.NoRoom() {
		s.setFull(tx, uncertain)
	} else if why := cause.Error(); why != s.refusal {
		s.refusal = why // it may be the same for each that follows
		s.logger.Warn("commit failed, going on", "path", s.path, "err", cause)
	}
	return uncertain
}

// suspend ends all writing until what is on disk is known again, after a write or a sync has failed with
// cause. The caller leads; [Log.leave] has the log mended. Until then readers are shown what was durable.
func (s *store) suspend(cause error) {
	s.mu.Lock()
	s.frozen, s.unsynced = fmt.Errorf("%w: %w", ErrReadOnly, cause), true
	s.mu.Unlock()
	s.ailing = true
	s.logger.Error("the disk failed: the log is opened again and verified", "path", s.path, "err", cause)
	if err := s.file.MarkUnsynced(); err != nil {
		s.logger.Error("the next start may not know that a sync has failed", "path", s.path, "err", err)
	}
}

// sees reports whether a transaction that begins now sees what transaction id wrote. When that cannot
// be told, it does.
func (s *store) sees(id int64) bool {
	tx, err := s.begin(false)
	if err != nil {
		return true
	}
	defer func() { _ = tx.Rollback() }()
	return tx.ID() >= id
}

// load reads the state from the file: the feed records and the last arrival, never the ops.
func load(tx *readTx) (feeds.State, error) {
	s := feeds.New()
	c := tx.feeds().Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if len(k) != len(crdt.Author{}) {
			return s, damagedFeed(crdt.Author{}, fmt.Errorf("author of %d bytes: %w", len(k), record.ErrLength))
		}
		a := crdt.Author(k)
		if s.Feeds[a] != nil {
			return s, damagedFeed(a, fmt.Errorf("it is there twice"))
		}
		f, err := record.ParseFeed(a, v)
		if err != nil {
			return s, damagedFeed(a, err)
		}
		s.Put(a, f)
	}
	s.Digest = crdt.DigestOf(s.Frontier())
	var err error
	if s.Next, err = tx.end(); err != nil {
		return s, err
	}
	if s.Next != s.Entries+s.Pruned {
		return s, &DamagedError{What: "the arrivals", Err: fmt.Errorf("they end at offset %d where the feeds have %d entries", s.Next, s.Entries+s.Pruned)}
	}
	if s.Sweep, err = tx.sweep(); err != nil {
		return s, err
	}
	s.Began, err = tx.lastTime()
	return s, err
}

// reload reads the state again from the file: after a failed commit nothing in memory is trusted.
func (s *store) reload() error {
	var loaded feeds.State
	err := s.reading(func(tx *readTx) (err error) {
		if loaded, err = load(tx); err == nil && s.ours.unsettled().headless() {
			s.ours.cutOwn(tx, &loaded)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read state again: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.bounds(s.author).Reopen(&loaded)
	loaded.Arrived = s.state.Arrived
	s.state = loaded
	return nil
}
