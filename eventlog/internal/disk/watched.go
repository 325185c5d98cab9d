package disk

import (
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// openBolt has bbolt open a file. Where a test watches the file, what bbolt does to it goes through [sys.Take].
func openBolt(file *os.File, o *bbolt.Options) (*bbolt.DB, error) {
	if !sys.Watched(file.Name()) {
		return bbolt.Open(file.Name(), 0o600, o)
	}
	return openWatched(file, o)
}

// syncOf makes durable what bbolt has written to a file.
func syncOf(db *bbolt.DB, file *os.File) error {
	if !sys.Watched(file.Name()) {
		return db.Sync()
	}
	return sys.Take(&sys.Call{Do: sys.ToSync, Path: file.Name(), File: file}, db.Sync)
}

// watchedRoom is how much longer than needed a watched file is made, in bytes. bbolt takes 16 MiB.
const watchedRoom = 64 << 10

// openWatched is bbolt's Open of a file that is watched. bbolt lets its writes be hooked, but not its syncs, nor what
// makes the file longer. So it is told to do neither, and the hook does both where bbolt would:
//
//	bbolt    grow sync │ page … page │ sync │ meta │ sync
//	hooked   page … page, where one lies behind the end of the file after growing it │ meta, between two syncs
//
// The errors are those that bbolt would return.
func openWatched(file *os.File, o *bbolt.Options) (*bbolt.DB, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	w := &watched{file: file, size: info.Size(), syncs: !o.NoSync}
	o.NoSync, o.NoGrowSync = true, true
	open := func() error {
		w.db, err = bbolt.Open(file.Name(), 0o600, o)
		return err
	}
	if w.size == 0 { // bbolt makes the file's first four pages
		if err = sys.Take(w.call(sys.ToWrite, sys.Layout), open); err == nil {
			err = w.sync(sys.Layout)
		}
	} else {
		err = open()
	}
	if err != nil {
		if w.db == nil {
			return nil, errors.Join(err, file.Close())
		}
		return nil, errors.Join(err, w.db.Close())
	}
	w.size = max(w.size, 4*int64(w.db.Info().PageSize))
	*writesOf(w.db) = w.writeAt
	return w.db, nil
}

// watched is a file of bbolt's that is watched. One goroutine at a time uses it, the writer.
type watched struct {
	db    *bbolt.DB
	file  *os.File
	size  int64
	syncs bool // at each commit
}

func (w *watched) call(do, part string) *sys.Call {
	return &sys.Call{Do: do, Path: w.file.Name(), File: w.file, Part: part}
}

// writeAt writes a page, with what bbolt does before and after it.
func (w *watched) writeAt(b []byte, offset int64) (n int, err error) {
	c := w.call(sys.ToWrite, sys.Pages)
	if offset < 2*int64(w.db.Info().PageSize) {
		c.Part = sys.Meta
	}
	c.Bytes, c.Offset = b, offset
	if err := w.grow(offset + int64(len(b))); err != nil {
		return 0, err
	}
	if c.Part == sys.Meta && w.syncs {
		if err := w.sync(sys.Pages); err != nil {
			return 0, err
		}
	}
	err = sys.Take(c, func() error {
		n, err = w.file.WriteAt(b, offset)
		return err
	})
	if err == nil && c.Part == sys.Meta && w.syncs {
		err = w.sync(sys.Meta)
	}
	return n, err
}

// grow makes the file longer where it ends before size.
func (w *watched) grow(size int64) error {
	if size <= w.size {
		return nil
	}
	c := w.call(sys.ToTruncate, sys.Pages)
	c.Size = size + watchedRoom
	if err := sys.Take(c, func() error { return w.file.Truncate(c.Size) }); err != nil {
		return fmt.Errorf("file resize error: %s", err)
	}
	if err := w.sync(sys.Pages); err != nil {
		return fmt.Errorf("file sync error: %s", err)
	}
	w.size = c.Size
	return nil
}

func (w *watched) sync(part string) error {
	return sys.Take(w.call(sys.ToSync, part), w.db.Sync)
}
