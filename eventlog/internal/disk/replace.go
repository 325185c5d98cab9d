package disk

import (
	"errors"
	"io/fs"
	"os"

	"github.com/quipulog/quipu/eventlog/internal/identity"
	"github.com/quipulog/quipu/eventlog/internal/sys"
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

// Beside returns the path of the file with a suffix, once what an earlier call has left there is removed: all whose paths
// begin so.
func (r *Remains) Beside(suffix string) (string, error) {
	return r.path + suffix, removeLeft(r.path + suffix)
}

// Keep gives the file a second name, which is to stay its own once another has its place; one that it has already is
// enough. It returns [fs.ErrExist] where another file has that. Where there are no hard links the file has only that name
// until [Remains.Replace]. The caller syncs the folder.
func (r *Remains) Keep(name string) error {
	if isAt(r.file, name) {
		return nil
	}
	if _, err := os.Lstat(name); err == nil {
		return fs.ErrExist
	}
	err := sys.Link(r.path, name)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		err = sys.Rename(r.path, name)
	}
	return err
}

// Replace puts another file, which is whole and synced, in the place of this one, whose marks are no more. The lock stays
// on this one. A crash leaves one of the two there. The caller syncs the folder.
func (r *Remains) Replace(with string) error {
	err := errors.Join((&File{path: r.path}).MarkSynced(), identity.WitnessOf(r.path).Forget())
	if err != nil {
		return err
	}
	return sys.Rename(with, r.path)
}
