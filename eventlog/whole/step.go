package whole

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// Locks says that folders can be locked here.
const Locks = sys.Locks

// Lock locks a folder that is open until it is closed, or reports that somebody else has.
func Lock(dir *os.File) bool { return sys.TryLock(dir) != sys.ErrLocked }

// MakeFolder is [os.Mkdir] for its owner alone.
func MakeFolder(path string) error { return sys.Mkdir(path, 0o700) }

// Move gives a file another name, and never takes that from another file: that is [fs.ErrExist]. The file keeps the old
// name, too, where it can have two, so that whoever finds both knows that it was moved; else a file beside the old name
// that goes on with ".moved" says so. See [MoveBack].
func Move(from, to string) error {
	err := sys.Link(from, to)
	if !NoLinks(err) {
		return err
	}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return &fs.PathError{Op: "move", Path: to, Err: errors.Join(fs.ErrExist, err)}
	}
	note, err := sys.OpenFile(from+movedSuffix, os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		err = errors.Join(note.Close(), SyncFolder(filepath.Dir(from)))
	}
	if err != nil {
		return err
	}
	return sys.Rename(from, to)
}

const movedSuffix = ".moved"

// NoLinks reports whether a file cannot have two names, by the error of a try.
func NoLinks(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission)
}

// MoveBack takes the new name from a file that [Move] has given it, or was to, in this process or another. What has that
// name and is another file stays.
func MoveBack(from, to string) error {
	old, err := os.Lstat(from)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err = os.Lstat(from + movedSuffix); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return Remove(to)
	}
	is, failed := os.Lstat(to)
	if failed != nil || err != nil || !os.SameFile(old, is) {
		return err
	}
	return Remove(to)
}

// Remove removes a file or an empty folder, which may be gone.
func Remove(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := sys.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// RemoveAll removes a folder with all that is in it, which may be gone.
func RemoveAll(dir string) error {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range files {
		if err == nil && f.IsDir() {
			err = RemoveAll(filepath.Join(dir, f.Name()))
		} else if err == nil {
			err = Remove(filepath.Join(dir, f.Name()))
		}
	}
	if err != nil {
		return err
	}
	return Remove(dir)
}
