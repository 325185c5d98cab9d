package eventlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/eventlog/whole"

	"github.com/quipulog/quipu/eventlog/internal/disk"
)

const (
	// compactTx bounds the bytes that one transaction of a compaction writes.
	compactTx = 8 << 20
	// compactName begins the names of files that a compaction writes.
	compactName = fileName + ".compact-"
)

// Compaction says what [Log.Compact] did to the file.
type Compaction struct {
	Before, After int64 // its size in bytes, see [Stats]
}

// Compact writes the file anew without the pages that are free, and goes on with that: what a trim has
// freed goes back to the file system. It needs room for the copy beside the file. Appends wait until it is
// done, readers go on.
//
// A crash leaves the one file or the other, both whole; a copy that is left over is removed by the next
// compaction. When an error is returned the log goes on with the file that it had; one that wraps
// [ErrReadOnly] says that it opens the file again first, whichever that is.
func (l *Log) Compact(ctx context.Context) (c Compaction, err error) {
	if err := l.store.notInside(); err != nil {
		return c, err
	}
	// Nobody verifies meanwhile: all would wait for the end of that, readers too.
	if err := l.store.sweeping.wait(ctx); err != nil {
		return c, fmt.Errorf("compact %s: %w", l.store.path, err)
	}
	defer l.store.sweeping.leave()
	err = l.store.exclusively(ctx, updates, func() error {
		if err := l.store.writable(); err != nil {
			return err
		}
		c.Before, _ = l.store.usage()
		copied, err := l.store.copyFile(ctx)
		if err != nil {
			return err
		}
		if err := l.store.swap(copied); err != nil {
			return err
		}
		c.After, _ = l.store.usage()
		return nil
	})
	if err != nil {
		return Compaction{}, fmt.Errorf("compact %s: %w", l.store.path, err)
	}
	return c, nil
}

// copyFile copies all that is in use into a new file and makes that durable. The caller leads.
func (s *store) copyFile(ctx context.Context) (path string, err error) {
	dir := filepath.Dir(s.path)
	if err := removeCopies(dir); err != nil {
		return "", err
	}
	file, err := os.CreateTemp(dir, compactName+"*")
	if err != nil {
		return "", err
	}
	path = file.Name()
	defer func() {
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	if err := file.Close(); err != nil {
		return path, err
	}
	o := options(0, nil)
	o.NoSync, o.NoFreelistSync = true, false
	dst, err := bbolt.Open(path, 0o600, o)
	if err != nil {
		return path, err
	}
	w := &copier{ctx: ctx, dst: dst}
	err = s.view(func(tx *readTx) error {
		if err := w.all(tx); err != nil {
			return err
		}
		return w.end()
	})
	w.abandon()
	if err == nil {
		err = dst.Sync()
	}
	return path, errors.Join(err, dst.Close())
}

// removeCopies removes what a compaction that was killed has left.
func removeCopies(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		if !strings.HasPrefix(file.Name(), compactName) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, file.Name())); err != nil {
			return fmt.Errorf("remove what an earlier compaction left: %w", err)
		}
	}
	return nil
}

// copier copies buckets in order of key, so that each page is filled.
type copier struct {
	ctx   context.Context
	dst   *bbolt.DB
	tx    *bbolt.Tx
	bytes int // that tx has written
}

// all copies every bucket of the file.
func (w *copier) all(tx *readTx) error {
	return w.bucket(tx.Root(), nil)
}

// bucket copies what is in from, a bucket at the given path.
func (w *copier) bucket(from *disk.Tree, path [][]byte) error {
	to, err := w.at(path)
	if err != nil {
		return err
	}
	c := from.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if v == nil {
			err = w.bucket(from.Child(k), append(path[:len(path):len(path)], k))
			to = nil // its transaction may have ended
		} else {
			to, err = w.put(to, path, k, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// put copies one key into to, the bucket at path, or nil if that is not open.
func (w *copier) put(to *bbolt.Bucket, path [][]byte, k, v []byte) (*bbolt.Bucket, error) {
	if w.bytes > compactTx {
		if err := w.end(); err != nil {
			return nil, err
		}
		to = nil
	}
	if to == nil {
		var err error
		if to, err = w.at(path); err != nil {
			return nil, err
		}
	}
	w.bytes += len(k) + len(v)
	return to, to.Put(k, v)
}

// at returns the bucket at path, which it makes if it is not there.
func (w *copier) at(path [][]byte) (*bbolt.Bucket, error) {
	if err := w.ctx.Err(); err != nil {
		return nil, context.Cause(w.ctx)
	}
	if w.tx == nil {
		var err error
		if w.tx, err = w.dst.Begin(true); err != nil {
			return nil, err
		}
	}
	b := w.tx.Cursor().Bucket()
	for _, name := range path {
		var err error
		if b, err = b.CreateBucketIfNotExists(name); err != nil {
			return nil, err
		}
	}
	b.FillPercent = 1
	return b, nil
}

// end commits what was copied.
func (w *copier) end() error {
	if w.tx == nil {
		return nil
	}
	err := w.tx.Commit()
	w.tx, w.bytes = nil, 0
	return err
}

// abandon drops what was not committed, where an error or a damaged page has ended the copying: the copy
// could not be closed else.
func (w *copier) abandon() {
	if w.tx != nil {
		_ = w.tx.Rollback()
	}
}

// swap puts the copy in the place of the file and goes on with it. The caller leads, so nobody writes;
// who wants to read waits, and who reads is waited for.
//
// A crash before the rename leaves the file and a copy that is not used; one after it the copy, whole,
// under the file's name. The copy is locked before it has that name, so that no other process gets it.
func (s *store) swap(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	if err := errors.Join(disk.TryLock(file), disk.Preflight(file), whole.Inherit(path, s.path, 0o600)); err != nil {
		return errors.Join(err, file.Close(), os.Remove(path))
	}
	s.swapping.Lock()
	defer s.swapping.Unlock()
	if err := os.Rename(path, s.path); err != nil {
		return errors.Join(err, file.Close(), os.Remove(path))
	}
	err = errors.Join(whole.SyncFolder(filepath.Dir(s.path)), s.db.Close())
	if err == nil {
		err = s.mapFile(file)
	}
	if err == nil {
		err = s.adopt()
	}
	if err != nil {
		s.suspend(err)
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return nil
}

// adopt takes note of the transaction that the file begins with.
func (s *store) adopt() error {
	tx, err := s.db.Begin(false)
	if err != nil {
		return err
	}
	s.durable.Store(int64(tx.ID()))
	return tx.Rollback()
}
