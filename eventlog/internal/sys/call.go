package sys

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// What a [Call] does.
const (
	ToMake     = "make"     // an empty folder
	ToCreate   = "create"   // a file: its name, with nothing in it
	ToWrite    = "write"    // bytes, at an offset
	ToTruncate = "truncate" // a file to a size, longer or shorter
	ToSync     = "sync"     // a file, or the names in a folder
	ToRename   = "rename"
	ToLink     = "link"
	ToRemove   = "remove"
)

// ErrLocked is returned by [TryLock].
var ErrLocked = errors.New("file is in use")

// Call is a call to the system that changes what is on disk.
type Call struct {
	Do   string
	Path string   // of the file or folder; of one that has yet to get a name, the pattern of that
	To   string   // the new name, of [ToRename] and [ToLink]
	File *os.File // that is open, of [ToWrite], [ToTruncate] and [ToSync], and of [ToCreate] once it is done
	// Bytes are what is written, at Offset. They are the caller's, and may change after the call.
	Bytes  []byte
	Offset int64
	Size   int64 // that a file is given by [ToTruncate]
	// Part is what a write is of, and a sync for, in a file that package disk makes: one of the parts below. It is "" else,
	// and where all of a file is synced.
	Part string
}

// The parts of a log's file.
const (
	Layout = "layout" // what an empty file begins with
	Pages  = "pages"
	Meta   = "meta" // the page that makes what was written before it visible
)

// Mkdir is [os.Mkdir].
func Mkdir(path string, mode fs.FileMode) error {
	return Take(&Call{Do: ToMake, Path: path}, func() error { return os.Mkdir(path, mode) })
}

// CreateTemp is [os.CreateTemp].
func CreateTemp(dir, pattern string) (f *os.File, err error) {
	c := Call{Do: ToCreate, Path: filepath.Join(dir, pattern)}
	err = Take(&c, func() error {
		f, err = os.CreateTemp(dir, pattern)
		c.File = f
		return err
	})
	return f, err
}

// OpenFile is [os.OpenFile], where that makes a file or empties one.
func OpenFile(path string, flag int, mode fs.FileMode) (f *os.File, err error) {
	c := Call{Do: ToCreate, Path: path}
	err = Take(&c, func() error {
		f, err = os.OpenFile(path, flag, mode)
		c.File = f
		return err
	})
	return f, err
}

// Write is the Write of a file.
func Write(f *os.File, b []byte) (n int, err error) {
	c := Call{Do: ToWrite, Path: f.Name(), File: f, Bytes: b}
	if Watched(c.Path) {
		if c.Offset, err = f.Seek(0, io.SeekCurrent); err != nil {
			return 0, err
		}
	}
	err = Take(&c, func() error {
		n, err = f.Write(b)
		return err
	})
	return n, err
}

// Writer writes to the end of a file.
type Writer struct{ File *os.File }

func (w Writer) Write(b []byte) (int, error) { return Write(w.File, b) }

// WriteAt is the WriteAt of a file.
func WriteAt(f *os.File, b []byte, offset int64) (n int, err error) {
	err = Take(&Call{Do: ToWrite, Path: f.Name(), File: f, Bytes: b, Offset: offset}, func() error {
		n, err = f.WriteAt(b, offset)
		return err
	})
	return n, err
}

// Truncate is the Truncate of a file.
func Truncate(f *os.File, size int64) error {
	return Take(&Call{Do: ToTruncate, Path: f.Name(), File: f, Size: size}, func() error { return f.Truncate(size) })
}

// Sync is the Sync of a file or folder.
func Sync(f *os.File) error {
	err := Take(&Call{Do: ToSync, Path: f.Name(), File: f}, f.Sync)
	if number, bare := err.(syscall.Errno); bare { // a watcher's, who need not know how os says it
		err = &fs.PathError{Op: "sync", Path: f.Name(), Err: number}
	}
	return err
}

// Rename is [os.Rename].
func Rename(from, to string) error {
	return Take(&Call{Do: ToRename, Path: from, To: to}, func() error { return os.Rename(from, to) })
}

// Link is [os.Link].
func Link(from, to string) error {
	return Take(&Call{Do: ToLink, Path: from, To: to}, func() error { return os.Link(from, to) })
}

// Remove is [os.Remove].
func Remove(path string) error {
	return Take(&Call{Do: ToRemove, Path: path}, func() error { return os.Remove(path) })
}
