package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/eventlog/internal/identity"
	"github.com/quipulog/quipu/eventlog/internal/sys"
)

const (
	// copyTx bounds the bytes that one transaction of a copy writes.
	copyTx = 8 << 20
	// copySuffix is what the name of a copy goes on with after the file's.
	copySuffix = ".compact-"
)

// Copy writes all that is in use into a new file beside the file, without the pages that are free, and makes
// that durable. Nothing may be committed before [File.Swap]. What the copy is
// on its file system, and will be in the place of the file, is told to also, which says what the copy is to hold for it.
func (f *File) Copy(ctx context.Context, also func(identity.Identity) Pair) (path string, err error) {
	f.removeLeft()
	file, err := sys.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+copySuffix+"*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = sys.Remove(file.Name())
		}
	}()
	o := options(0, file)
	o.NoSync = true
	dst, err := openBolt(file, o)
	if err != nil {
		return "", err
	}
	w := &copier{ctx: ctx, dst: dst}
	if err = w.copy(f); err == nil {
		err = w.also(also, file)
	}
	if err == nil {
		err = syncOf(dst, file)
	}
	return file.Name(), errors.Join(err, dst.Close())
}

// Pair is a key of one of the file's outer trees, and its value.
type Pair struct{ Tree, Key, Value []byte }

// also puts into the copy what it is to hold for being the file that it is.
func (w *copier) also(also func(identity.Identity) Pair, file *os.File) error {
	is, err := identity.Of(file)
	if err != nil {
		return nil // then nobody will know it by that either
	}
	p := also(is)
	return w.dst.Update(func(tx *bbolt.Tx) error { return tx.Bucket(p.Tree).Put(p.Key, p.Value) })
}

// copier copies buckets in order of key, so that each page is filled.
type copier struct {
	ctx   context.Context
	dst   *bbolt.DB
	tx    *bbolt.Tx
	bytes int // that tx has written
}

// copy copies every bucket of the file.
func (w *copier) copy(from *File) error {
	tx, err := from.Begin(false)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	err = tx.Do(func() error {
		if err := w.bucket(tx.Root(), nil); err != nil {
			return err
		}
		return w.end()
	})
	w.abandon()
	return err
}

// bucket copies what is in from, a bucket at the given path.
func (w *copier) bucket(from *Tree, path [][]byte) error {
	to, err := w.at(path)
	if err != nil {
		return err
	}
	c := from.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if v != nil {
			to, err = w.put(to, path, k, v)
		} else if child := from.Child(k); child != nil {
			err = w.bucket(child, append(path[:len(path):len(path)], k))
			to = nil // its transaction may have ended
		}
		if err != nil {
			return err
		}
	}
	return c.Err()
}

// put copies one key into to, the bucket at path, or nil if that is not open.
func (w *copier) put(to *bbolt.Bucket, path [][]byte, k, v []byte) (*bbolt.Bucket, error) {
	if w.bytes > copyTx {
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

// Swap puts a copy in the place of the file and goes on with it. Transactions that are open are waited for, and
// those that begin wait. When an error is returned nothing has changed, and the copy is still there; but one that
// wraps [ErrNotOpen] says that the copy could not be opened once it was in the place: see [File.Reopen]. The
// caller syncs the folder.
//
// A crash before the rename leaves the file and a copy that is not used; one after it the copy, whole,
// under the file's name. The copy is locked before it has that name, so that no other process gets it.
func (f *File) Swap(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(sys.TryLock(file), preflight(file)); err != nil {
		return errors.Join(err, file.Close())
	}
	f.swapping.Lock()
	defer f.swapping.Unlock()
	_ = f.witness().Forget() // the copy's transactions are numbered anew
	if err := sys.Rename(path, f.path); err != nil {
		return errors.Join(err, file.Close())
	}
	if err = f.db.Close(); err == nil {
		err = f.mapFile(file)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotOpen, err)
	}
	return nil
}
