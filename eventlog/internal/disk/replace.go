package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/quipulog/quipu/eventlog/internal/identity"
	"github.com/quipulog/quipu/eventlog/internal/sys"
	"github.com/quipulog/quipu/eventlog/whole"
)

// Path returns the path of the file.
func (r *Remains) Path() string { return r.path }

// InUse returns how many bytes are not known to be in no use.
func (r *Remains) InUse() int64 {
	n := r.size
	for id := uint64(0); r.tree != nil && id < r.pages.highWater; id++ {
		if r.free.has(id) {
			n -= int64(r.pages.pageSize)
		}
	}
	return max(n, 0)
}

// SalvagedSuffix is what the name of a file that is made of what is left of another goes on with after the other's.
const SalvagedSuffix = ".salvaged"

// Keep gives the file a second name, which is to stay its own once another has its place; one that it has already is
// enough. It returns [fs.ErrExist] where another file has that. Where there are no hard links the file gets that name from
// [Remains.Replace]. The caller syncs the folder.
func (r *Remains) Keep(name string) error {
	if whole.At(r.file, name) {
		return nil
	}
	if _, err := os.Lstat(name); err == nil {
		return fs.ErrExist
	}
	err := sys.Link(r.path, name)
	if whole.NoLinks(err) {
		r.kept, err = name, nil
	}
	return err
}

// Replace puts another file, which is whole and synced, in the place of this one, whose marks are no more. The lock stays
// on this one. A crash leaves one of the two there, or, where there are no hard links, this one aside, where whoever opens
// it next finds it: see [putBack]. The caller syncs the folder.
func (r *Remains) Replace(with string) error {
	err := errors.Join((&File{path: r.path}).MarkSynced(), identity.WitnessOf(r.path).Forget())
	if err != nil {
		return err
	}
	if r.kept == "" {
		return sys.Rename(with, r.path)
	}
	if err := sys.Rename(r.path, aside(r.path)); err != nil {
		return err
	}
	if err = whole.SyncFolder(filepath.Dir(r.path)); err == nil {
		err = sys.Rename(with, r.path)
	}
	if err != nil {
		return errors.Join(err, sys.Rename(aside(r.path), r.path))
	}
	return sys.Rename(aside(r.path), r.kept)
}

// aside is where a file is that is being replaced, where that takes two steps, since a file cannot have two names:
//
//	quipu.db          ──▶  quipu.db.aside       and from here on there is no quipu.db
//	quipu.db.salvaged ──▶  quipu.db             until here
//	quipu.db.aside    ──▶  quipu.db.damaged-…
//
// Who is killed in the middle leaves the file aside, and who opens it next, to write or to salvage it, puts it back. Who
// is killed at the end leaves both, and then the next one takes the last step.
func aside(path string) string { return path + ".aside" }

// Aside reports whether there is no file at path, and one aside.
func Aside(path string) bool {
	_, err := os.Lstat(path)
	_, there := os.Lstat(aside(path))
	return errors.Is(err, fs.ErrNotExist) && there == nil
}

// openBack is [os.OpenFile] of a file that is to be written to, which is put back where it is aside. While whoever has put
// it aside is at it, that is [ErrLocked].
func openBack(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if !errors.Is(err, fs.ErrNotExist) || !Aside(path) {
		return file, err
	}
	if file, err = os.OpenFile(aside(path), os.O_RDWR, 0); err != nil {
		return nil, err
	}
	switch err = sys.TryLock(file); {
	case err != nil:
	case !Aside(path) || !whole.At(file, aside(path)):
		err = ErrLocked // it was being replaced
	default:
		if err = sys.Rename(aside(path), path); err == nil {
			err = whole.SyncFolder(filepath.Dir(path))
		}
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR, 0)
}

// nameAside gives what stands aside of a file that is in its place the name that it was to have: that says when it was
// written to last.
func nameAside(path string) error {
	info, err := os.Lstat(aside(path))
	if err != nil {
		return nil
	}
	name := DamagedName(path, info.ModTime())
	for n := 2; ; n++ {
		if _, err := os.Lstat(name); err != nil {
			return sys.Rename(aside(path), name)
		}
		name = fmt.Sprintf("%s-%d", DamagedName(path, info.ModTime()), n)
	}
}

// DamagedName returns the name that a damaged file is kept under, which says since when.
func DamagedName(path string, t time.Time) string {
	return path + ".damaged-" + t.UTC().Format("20060102T150405Z")
}
