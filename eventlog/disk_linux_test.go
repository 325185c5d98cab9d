package eventlog_test

import (
	"log/slog"
	"os"
	"reflect"
	"sync"
	"testing"
	"unsafe"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"github.com/quipulog/quipu/eventlog"
)

// disk stands between bbolt and its file. bbolt writes the pages of a commit, syncs, writes the meta
// page that makes them visible, and syncs again; each write goes through a hook of bbolt's own, and each
// sync is a system call on the number of its file:
//
//	page … page  sync 1  meta  sync 2
//
// A failing sync is a real one: the number is made to stand for a pipe, which cannot be synced.
type disk struct {
	tb     testing.TB
	file   *os.File // what writes go to whatever the number stands for
	number int
	meta   int64 // writes below this offset are those of a meta page
	// before is called before each write; an error is the outcome of the write.
	before func(meta bool) error
	// after is called after each write, before the sync that follows the last one.
	after func(meta bool)
}

// newDisk puts a disk under l.
func newDisk(tb testing.TB, l *eventlog.Log) *disk {
	tb.Helper()
	db := eventlog.Bolt(l)
	d := &disk{
		tb: tb, meta: 2 * int64(db.Info().PageSize),
		before: func(bool) error { return nil }, after: func(bool) {},
	}
	file := field[*os.File](db, "file")
	d.number = int((*file).Fd())
	spare, err := unix.Dup(d.number)
	if err != nil {
		tb.Fatal(err)
	}
	d.file = os.NewFile(uintptr(spare), l.Path())
	tb.Cleanup(func() { _ = d.file.Close() })
	hook := field[struct {
		writeAt func(b []byte, off int64) (int, error)
	}](db, "ops")
	hook.writeAt = func(b []byte, off int64) (int, error) {
		meta := off < d.meta
		if err := d.before(meta); err != nil {
			return 0, err
		}
		n, err := d.file.WriteAt(b, off)
		d.after(meta)
		return n, err
	}
	return d
}

// field returns a field of bbolt's DB that is not exported.
func field[T any](db *bbolt.DB, name string) *T {
	f := reflect.ValueOf(db).Elem().FieldByName(name)
	return (*T)(unsafe.Pointer(f.UnsafeAddr()))
}

// breakSync makes bbolt's syncs fail until mend is called.
func (d *disk) breakSync() {
	var pipe [2]int
	if err := unix.Pipe(pipe[:]); err != nil {
		d.tb.Fatal(err)
	}
	if err := unix.Dup3(pipe[0], d.number, unix.O_CLOEXEC); err != nil {
		d.tb.Fatal(err)
	}
	_ = unix.Close(pipe[0])
	_ = unix.Close(pipe[1])
}

// mend gives the number its file back.
func (d *disk) mend() {
	if err := unix.Dup3(int(d.file.Fd()), d.number, unix.O_CLOEXEC); err != nil {
		d.tb.Fatal(err)
	}
}

// mendWhenTold returns a configuration whose logger has a disk mended at the first line, which says that a
// sync has failed: so it fails once, and the file can be read and closed after it.
func mendWhenTold(seed string) (cfg eventlog.Config, fails func(*disk)) {
	var once sync.Once
	var failing *disk
	cfg = config(seed)
	cfg.Logger = slog.New(slog.NewTextHandler(onWrite(func() {
		if failing != nil {
			once.Do(failing.mend)
		}
	}), nil))
	return cfg, func(d *disk) { failing = d }
}

// onWrite is a writer that calls a function.
type onWrite func()

func (f onWrite) Write(b []byte) (int, error) {
	f()
	return len(b), nil
}

// errNoSpace is how a write fails when the disk is full.
var errNoSpace = &os.PathError{Op: "write", Path: "quipu.db", Err: unix.ENOSPC}
