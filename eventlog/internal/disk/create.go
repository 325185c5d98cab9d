package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quipulog/quipu/eventlog/internal/identity"
	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// Create makes a file at path with what fill puts into it, in one transaction: see [Make].
func Create(path string, fill func(tx *Tx) error) error {
	m, err := makeFile(path, false)
	if err != nil {
		return err
	}
	defer m.Drop()
	if err := m.Update(fill); err != nil {
		return err
	}
	return m.Keep()
}

// Making is a file that is being made, under another name than it is to have. What is committed to it is not synced
// before [Making.Keep], so that it takes many transactions without a wait.
type Making struct {
	*File
	target string
	closed bool
}

// Make begins a file that is to be at path. It is made under another name and gets its own when it is whole and synced:
// a crash leaves none or all of it, and a draft (see package whole) that the next [Open] removes. The caller calls
// [Making.Drop] in the end, whether or not it has called [Making.Keep].
func Make(path string) (*Making, error) { return makeFile(path, true) }

func makeFile(path string, patient bool) (*Making, error) {
	file, err := sys.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return nil, err
	}
	m := &Making{File: &File{path: file.Name(), patient: patient}, target: path}
	if err := m.tryMap(file, 0); err != nil {
		_ = sys.Remove(file.Name())
		return nil, err
	}
	return m, nil
}

// Target returns the path that the file is to have.
func (m *Making) Target() string { return m.target }

// Keep makes all that was committed durable, closes the file and gives it its name. It returns [fs.ErrExist] when there
// is a file of that name. The caller syncs the folder.
func (m *Making) Keep() error {
	var err error
	if m.patient {
		err = m.Sync()
	}
	m.closed = true
	if err := errors.Join(err, m.Close()); err != nil {
		return err
	}
	if Aside(m.target) {
		return fs.ErrExist
	}
	if _, err := os.Lstat(m.target); errors.Is(err, fs.ErrNotExist) {
		_ = identity.WitnessOf(m.target).Forget() // of a file that is no longer there
	}
	return linkOrRename(m.path, m.target)
}

// Drop removes the file, unless it was kept. No transaction of it is open.
func (m *Making) Drop() {
	if !m.closed {
		_ = m.Close()
	}
	_ = sys.Remove(m.path)
}

// linkOrRename gives a file another name, which no file has. Where there are no hard links, two
// processes that create one file at the same instant are not told apart.
func linkOrRename(from, to string) error {
	err := sys.Link(from, to)
	if err == nil {
		_ = sys.Remove(from) // it has its name, whatever else it is called
		return nil
	}
	if _, found := os.Lstat(to); found == nil || errors.Is(err, fs.ErrExist) {
		return fs.ErrExist
	}
	return sys.Rename(from, to)
}
