package whole

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// maxLinks is how many links may stand one behind the other, as on Linux.
const maxLinks = 40

// File is a file that gets its name once it is complete. One goroutine writes it.
type File struct {
	*os.File
	target string
	kept   bool
}

// Create begins a file that is to stand at path. A new file has that mode; a replaced file keeps its own. Drafts of it that
// somebody has left who was killed are removed.
// The caller calls [File.Drop] in the end, whether or not it has called [File.Keep].
func Create(path string, mode fs.FileMode) (*File, error) {
	target, err := Target(path)
	if err != nil {
		return nil, err
	}
	file, err := createDraft(target)
	if err != nil {
		if fault, ok := errors.AsType[*fs.PathError](err); ok {
			err = fault.Err // the name in it is not the one that was asked for
		}
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	f := &File{File: file, target: target}
	if err := Inherit(file.Name(), target, mode); err != nil {
		return nil, errors.Join(err, f.Drop())
	}
	return f, nil
}

// Write writes to the end of the file.
func (f *File) Write(b []byte) (int, error) { return sys.Write(f.File, b) }

// Keep gives the file its name, once all of it is on disk, and closes it.
func (f *File) Keep() error {
	err := sys.Sync(f.File)
	if !sys.Locks { // nor can a file get another name that is open
		err = errors.Join(err, f.Close())
	}
	if err == nil {
		err = sys.Rename(f.Name(), f.target) // it is a draft until then, and locked
	}
	if err != nil {
		return err
	}
	f.kept = true
	if sys.Locks {
		err = f.Close()
	}
	return errors.Join(err, SyncFolder(filepath.Dir(f.target)))
}

// Drop removes the file unless it was kept.
func (f *File) Drop() error {
	err := f.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	if f.kept {
		return err
	}
	if removed := sys.Remove(f.Name()); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}

// Write puts a file that holds b at path. A new file has that mode.
func Write(path string, b []byte, mode fs.FileMode) error {
	f, err := Create(path, mode)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Keep()
	}
	return errors.Join(err, f.Drop())
}

// Target returns where a file for path is put: at path, or at the target of a link at path, which need not
// exist yet.
func Target(path string) (string, error) {
	for range maxLinks {
		stat, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
		if err != nil {
			return "", err
		}
		if stat.Mode()&fs.ModeSymlink == 0 {
			return path, nil
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			// The folder may be reached by a link, and then ".." in to is not that of the path's text.
			dir, err := filepath.EvalSymlinks(filepath.Dir(path))
			if err != nil {
				return "", err
			}
			to = filepath.Join(dir, to)
		}
		path = to
	}
	return "", fmt.Errorf("%s: more than %d links one behind the other", path, maxLinks)
}

// Inherit gives file, which will replace target, the mode of target and if it can the owner; mode where
// there is no target.
func Inherit(file, target string, mode fs.FileMode) error {
	old, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.Chmod(file, mode)
	case err != nil:
		return err
	case !old.Mode().IsRegular():
		return os.Chmod(file, mode)
	}
	takeOwner(file, old)
	return os.Chmod(file, old.Mode().Perm())
}

// SyncFolder makes the names in a folder durable, where the system can.
func SyncFolder(path string) error {
	dir, err := os.Open(path)
	if err == nil {
		err = errors.Join(sys.Sync(dir), dir.Close())
	}
	for _, cannot := range []error{errors.ErrUnsupported, fs.ErrPermission, syscall.EINVAL} {
		if errors.Is(err, cannot) {
			return nil
		}
	}
	return err
}
