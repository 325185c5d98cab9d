package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/quipulog/quipu/eventlog/internal/sys"
	"github.com/quipulog/quipu/eventlog/whole"
)

// ErrLocked is returned where another process, or this one, has the file open already.
var ErrLocked = sys.ErrLocked

const (
	// mapSize is how much of the address space is reserved for the file on 64-bit Unix, so that it
	// need not be mapped anew as it grows, which waits for every reader.
	mapSize = 64 << 30
	// lockWait is how long opening waits for another process's lock. bbolt tries once at least.
	lockWait = time.Millisecond
	// lockedFor is how long another process may have the file while it is opened again, and lockPause how
	// long that waits between two tries.
	lockedFor = 5 * time.Second
	lockPause = 20 * time.Millisecond
)

// Open opens the file at path, and never makes one. It returns [fs.ErrNotExist], [ErrLocked] and [Damage].
// Where a sync of the file has failed ([File.Unsynced]), the kernel first forgets what it holds of the
// file, so that what is read is what is on disk.
func Open(path string) (*File, error) {
	f := &File{path: path}
	if err := f.open(f.Unsynced()); err != nil {
		return nil, err
	}
	return f, nil
}

// open locks the file, looks at it by plain reads, and only then lets bbolt map it: a file that is shorter than it
// says would kill the process.
func (f *File) open(unsynced bool) error {
	file, err := openBack(f.path)
	if err != nil {
		return err
	}
	if err := f.look(file, unsynced); err != nil {
		_ = file.Close()
		return err
	}
	return f.mapFile(file)
}

func (f *File) look(file *os.File, unsynced bool) error {
	// bbolt takes the lock once more, which changes nothing: while another process writes, what is read may be half of
	// something.
	if err := sys.TryLock(file); err != nil {
		return err
	}
	if !whole.At(file, f.path) {
		return ErrLocked // a compaction has put another in its place
	}
	f.removeLeft()
	if unsynced {
		if err := dropCached(file); err != nil {
			return fmt.Errorf("drop cached pages: %w", err)
		}
	}
	return damaged(preflight(file))
}

// removeLeft removes what those have left who had the file before and were killed, or could not: see
// [whole.RemoveDrafts]. The file is locked. What cannot be removed takes room, and does no harm.
func (f *File) removeLeft() {
	dir, base := filepath.Split(f.path)
	whole.RemoveDrafts(dir, func(name string) bool { return name == base || strings.HasPrefix(name, base+".") })
	for _, path := range []string{f.roomPath(), f.path + SalvagedSuffix} {
		if _, err := os.Lstat(path); err == nil {
			_ = sys.Remove(path)
		}
	}
	_ = nameAside(f.path)
}

// mapFile gives the file to bbolt, which closes it when it fails. Then f has what it had, if anything: what was
// closed answers that it is.
func (f *File) mapFile(file *os.File) error {
	err := f.tryMap(file, reserve())
	if errors.Is(err, syscall.ENOMEM) && reserve() > 0 {
		if file, err = os.OpenFile(f.path, os.O_RDWR, 0); err == nil {
			err = f.tryMap(file, 0)
		}
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrLocked
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return damaged(err)
	}
	return err
}

func (f *File) tryMap(file *os.File, size int) error {
	o := options(size, file)
	o.NoSync, o.NoGrowSync = f.patient, f.patient
	err := guard(func() error {
		db, err := openBolt(file, o)
		if err == nil {
			f.mapped = mapped{db: db, file: file, pageSize: uint64(db.Info().PageSize), syncs: newStopwatch(db)}
		}
		return err
	})
	if isDamage(err) {
		_ = file.Close() // bbolt panicked and left it open
	}
	return err
}

// reserve returns how much of the address space is mapped: only where mapping beyond the end of the
// file costs nothing.
func reserve() int {
	if strconv.IntSize < 64 || runtime.GOOS == "windows" || runtime.GOOS == "plan9" {
		return 0
	}
	size := int64(mapSize)
	return int(size)
}

// options returns how bbolt opens file. Measured: with an unsynced freelist, opening a cold file of
// 400 MB took 7 s instead of 1 ms.
func options(size int, file *os.File) *bbolt.Options {
	return &bbolt.Options{
		Timeout: lockWait, FreelistType: bbolt.FreelistMapType, InitialMmapSize: size,
		OpenFile: func(string, int, os.FileMode) (*os.File, error) { return file, nil },
	}
}

// Reopen closes the file and opens the one at its path, as it is on disk, whatever the kernel holds of it.
// Open transactions are waited for, new ones wait; another process has some seconds to let go of the file.
// After an error the file is not open, until a later call succeeds.
func (f *File) Reopen() error {
	if damage := f.wedged.Load(); damage != nil {
		return damage
	}
	f.swapping.Lock()
	defer f.swapping.Unlock()
	_ = guard(f.db.Close) // what it could not write is not relied on
	for deadline := time.Now().Add(lockedFor); ; time.Sleep(lockPause) {
		if err := f.open(true); !errors.Is(err, ErrLocked) || time.Now().After(deadline) {
			return err
		}
	}
}
