package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"unsafe"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// ErrNotOpen is returned by [File.Begin] after [File.Close], and while a file that was to be opened again could
// not be.
var ErrNotOpen = errors.New("file is not open")

// File is an open file, which no other process has meanwhile, unless it was opened by [OpenToRead]. Its methods may be
// called by many goroutines at once, but for [File.Reopen] and [File.Swap], which put another file in its place, and
// [File.Close].
type File struct {
	path string
	// onlooks says that the file is only looked on: it is not mapped, and nothing of it is written.
	onlooks bool
	closed  atomic.Bool // of a file that is only looked on
	// swapping is held for writing while the file is closed and opened anew: no transaction begins.
	swapping sync.RWMutex
	mapped   // guarded by swapping
	// wedged is set when bbolt panicked while it held locks of its own: it is not called any more.
	wedged atomic.Pointer[Damage]
	// patient says that a commit is not synced: that is its owner's to do.
	patient bool
	// readingAhead is set while the file is read ahead of an iteration.
	readingAhead atomic.Bool
	// short is set once something could not be written, and the file has not grown since.
	short atomic.Bool
	// end is where the pages end, in bytes, as the last transaction that began has seen it, and use what was last said.
	end atomic.Int64
	use atomic.Pointer[Use]
}

// mapped is the file as bbolt has it.
type mapped struct {
	db       *bbolt.DB
	file     *os.File // the one that db uses, to close when bbolt's own Close would wait for ever
	pageSize uint64   // in bytes
	// For the transaction that writes, in bytes: up to where the file was written ahead, and how long it is at least.
	ahead, size int64
	syncs       *stopwatch // of its commits; nil where there is none
}

// Begin begins a transaction: one that sees what was committed before, or the one that writes, which waits
// for the writer before it. A panic in Begin leaves bbolt's locks held: then the file is wedged, and every
// later Begin returns the same [Damage].
func (f *File) Begin(writable bool) (*Tx, error) {
	if damage := f.wedged.Load(); damage != nil {
		return nil, damage
	}
	if f.closed.Load() {
		return nil, ErrNotOpen
	}
	if f.onlooks && writable {
		return nil, &fs.PathError{Op: "write", Path: f.path, Err: fs.ErrPermission}
	}
	if f.onlooks {
		return f.onlook()
	}
	tx := &Tx{file: f}
	err := guard(func() (err error) {
		f.swapping.RLock()
		defer f.swapping.RUnlock()
		if tx.bolt, err = f.db.Begin(writable); err == nil {
			tx.id, tx.top, tx.pages = int64(tx.bolt.ID()), uint64(tx.bolt.Cursor().Bucket().Root()), f.pagesOf(tx.bolt)
			if end := tx.bolt.Size(); end != f.end.Load() {
				f.end.Store(end)
			}
		}
		return err
	})
	f.wedge(err)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		err = ErrNotOpen
	}
	if err != nil {
		return nil, err
	}
	return tx, nil
}

// pagesOf returns the pages that a transaction may follow.
func (f *File) pagesOf(tx *bbolt.Tx) pageFile {
	p := pageFile{file: f.file, pageSize: f.pageSize, highWater: uint64(tx.Size()) / f.pageSize}
	data := f.db.Info().Data
	p.mapped = unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&data))), tx.Size())
	return p
}

// wedge takes note of damage that was met while bbolt held its locks.
func (f *File) wedge(err error) {
	if damage, ok := errors.AsType[*Damage](err); ok {
		f.wedged.CompareAndSwap(nil, damage)
	}
}

// Update runs fn in a transaction that writes, and commits what it has changed. When fn returns an error nothing
// is kept.
func (f *File) Update(fn func(tx *Tx) error) error {
	tx, err := f.Begin(true)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := tx.Do(func() error { return fn(tx) }); err != nil {
		return err
	}
	return tx.Commit()
}

// Sync makes durable what the kernel still has to write.
func (f *File) Sync() error { return guard(func() error { return syncOf(f.db, f.file) }) }

// Close waits for the transactions that are open, and closes the file.
func (f *File) Close() error {
	if f.onlooks {
		f.closed.Store(true)
		return nil
	}
	if f.wedged.Load() != nil {
		// bbolt would wait for its own lock. The lock on the file goes with the file.
		return f.file.Close()
	}
	return f.db.Close()
}

// Usage returns how many bytes of the file are pages, and how many of those are in no use. Behind the last page
// bbolt keeps up to 16 MiB of room for the next ones, which most file systems give no blocks to, but for the little that
// is written ahead. Of a file that is not open it returns the size, 0 when that cannot be told.
func (f *File) Usage() (bytes, free int64) {
	tx, err := f.Begin(false)
	if err != nil {
		if info, err := os.Stat(f.path); err == nil {
			bytes = info.Size()
		}
		return bytes, 0
	}
	defer func() { _ = tx.Rollback() }()
	if f.onlooks {
		return int64(tx.pages.highWater * tx.pages.pageSize), int64(tx.pages.onlooker.free()) * int64(tx.pages.pageSize)
	}
	s := tx.bolt.DB().Stats()
	return tx.bolt.Size(), int64(s.FreePageN+s.PendingPageN) * int64(tx.pages.pageSize)
}

// MarkUnsynced leaves a mark beside the file that the file's last sync failed. If the mark cannot be
// written either, the next start does not know of it, and finds what a crash leaves.
func (f *File) MarkUnsynced() error {
	file, err := sys.OpenFile(f.unsyncedPath(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = sys.Write(file, fmt.Appendf(nil, "a sync of %s failed; it is verified before anything is written to it, and then this file is removed\n",
		filepath.Base(f.path)))
	return errors.Join(err, file.Close())
}

// MarkSynced removes that mark, if there is one.
func (f *File) MarkSynced() error {
	if err := sys.Remove(f.unsyncedPath()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Unsynced reports whether there is such a mark, or that cannot be told.
func (f *File) Unsynced() bool {
	_, err := os.Lstat(f.unsyncedPath())
	return !errors.Is(err, fs.ErrNotExist)
}

func (f *File) unsyncedPath() string { return f.path + ".unsynced" }

// TryRoom writes size bytes to a file of its own beside the file, syncs and removes it, to see whether there is
// room. A crash in between leaves the file, which the next call replaces and [Open] removes.
func (f *File) TryRoom(size int64) error {
	file, err := sys.OpenFile(f.roomPath(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = sys.Write(file, make([]byte, size))
	if err == nil {
		err = sys.Sync(file)
	}
	return errors.Join(err, file.Close(), sys.Remove(f.roomPath()))
}

func (f *File) roomPath() string { return f.path + ".room" }
