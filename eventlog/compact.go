package eventlog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/sys"
	"github.com/quipulog/quipu/eventlog/whole"
)

// Compaction says what [Log.Compact] did to the file.
type Compaction struct {
	Before, After int64 // bytes of the file, see [Stats]
}

// Compact copies the file without the pages that are free and goes on with the copy: what a trim has freed goes back
// to the file system. It needs room for the copy beside the file. Appends wait until Compact is done, readers go on.
//
// A crash leaves the old file or the copy in its place, both whole; a copy that is left over beside it is
// removed by the next [Open]. The copy says which file it is, so that nobody takes it for another. After an error the
// log goes on with the file that it had; after an error that wraps [ErrReadOnly] it first opens the file again, whichever
// of the two is in place.
func (l *Log) Compact(ctx context.Context) (c Compaction, err error) {
	if err := l.store.notInside(); err != nil {
		return c, err
	}
	// Nobody verifies meanwhile: all would wait for the end of that, readers too.
	if err := l.store.sweeping.Take(ctx); err != nil {
		return c, fmt.Errorf("compact %s: %w", l.store.path, err)
	}
	defer l.store.sweeping.Leave()
	err = l.store.queue.Exclusively(ctx, func() error {
		// What is not on record yet of the old file is put there before a new one takes its place: see finish.
		if err := l.store.write(func(*writeTx) error { return nil }); err != nil {
			return err
		}
		c.Before, _ = l.store.file.Usage()
		copied, err := l.store.file.Copy(ctx, l.store.ours.renewed)
		if err == nil {
			err = l.store.swap(copied)
		}
		if err != nil {
			return l.store.locate(err)
		}
		l.store.ours.markSeen()
		c.After, _ = l.store.file.Usage()
		return l.store.write(l.store.ours.keepIdentity) // most often it is on record already, in the copy
	})
	if err != nil {
		return Compaction{}, fmt.Errorf("compact %s: %w", l.store.path, err)
	}
	return c, nil
}

// swap puts a copy of the file in its place and goes on with it. The caller leads, so nobody writes; who wants to
// read waits, and who reads is waited for.
func (s *store) swap(copied string) error {
	if err := whole.Inherit(copied, s.path, 0o600); err != nil {
		return errors.Join(err, sys.Remove(copied))
	}
	// Transactions of the copy have numbers of their own: nobody looks at one before durable is its.
	s.committing.Lock()
	defer s.committing.Unlock()
	err := s.file.Swap(copied)
	if err != nil && !errors.Is(err, disk.ErrNotOpen) {
		return errors.Join(err, sys.Remove(copied))
	}
	if err == nil {
		err = errors.Join(whole.SyncFolder(filepath.Dir(s.path)), s.adopt())
	}
	if err != nil {
		err = s.locate(err)
		s.suspend(err)
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return nil
}

// adopt takes note of the transaction that the file begins with.
func (s *store) adopt() error {
	tx, err := s.begin(false)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.durable = tx.ID()
	s.mu.Unlock()
	return tx.Rollback()
}
