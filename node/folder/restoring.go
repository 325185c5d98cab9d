package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/quipulog/quipu/eventlog/whole"
)

// A node that is restored comes to its folder in these steps:
//
//	D/quipu.restoring/   all of it is made in here, while whoever makes it has this folder locked
//	D/quipu.yaml …       each file gets its name in D, too, the key the last, and none of another file
//	                     the folder goes
//
// So there is either no node in D, since there is no key, or all of it. By the two names of a file the next restore knows
// what one that was killed has moved, and takes just that away; [Folder.Check] says that it is to be run again. Once the key
// is there, what is left of the folder is removed by whoever opens the node next.

// restored are the files that are moved, in this order.
func (f Folder) restored() []string {
	return []string{f.Config(), f.Peers(), f.secretPrint(), f.Secret(), f.Log(), f.Key()}
}

func (f Folder) restoring() string { return f.path("quipu.restoring") }

// half says that what is in the folder was left by a restore that was killed, or returns nil.
func (f Folder) half() error {
	if _, err := os.Lstat(f.restoring()); err != nil {
		return nil
	}
	unlock, err := f.lockHalf()
	if err != nil {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	unlock()
	return fmt.Errorf("%w: a restore has not come to its end in %s: run it again, and what it has left is taken away", fs.ErrNotExist, f)
}

// halfWithoutKey is [Folder.half] where there is no key: else there is a node, or one that was restored.
func (f Folder) halfWithoutKey() error {
	if f.HasKey() {
		return nil
	}
	return f.half()
}

// Staging is a folder in which a node is made, and none before [Staging.Keep].
type Staging struct {
	to      Folder
	made    bool   // to was
	unlock  func() // nil before the folder is this one's
	release func() error
	over    bool
}

// Stage begins a node in the folder, which is made unless it is there. It refuses one that holds any part of a node, but for a
// secret, and one in which somebody else restores a node, and takes away what an earlier one has left that was killed. The
// caller calls [Staging.Drop] in the end.
func (f Folder) Stage() (*Staging, error) {
	_, err := os.Lstat(string(f))
	s := &Staging{to: f, made: errors.Is(err, fs.ErrNotExist)}
	if err := f.clearHalf(); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if err := f.Make(); err != nil {
		return nil, err
	}
	for _, path := range []string{f.Peers(), f.secretPrint()} {
		if _, err := os.Lstat(path); err == nil {
			return nil, fmt.Errorf("make folder: %s exists, and is that of a node that was here: move it away, or choose another folder", path)
		}
	}
	if err := whole.MakeFolder(f.restoring()); errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make folder: %w", f.isRestored())
	} else if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if s.unlock, err = f.lockHalf(); err == nil {
		s.release, err = f.Use()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make folder: %w", err), s.Drop())
	}
	return s, nil
}

// lockHalf locks the folder in which a node is made: nobody else has it then, or has removed it.
func (f Folder) lockHalf() (unlock func(), err error) {
	dir, err := os.Open(f.restoring())
	if err != nil {
		return nil, err
	}
	pid := f.UsedBy()
	if !whole.Lock(dir) || !whole.At(dir, f.restoring()) || !whole.Locks && pid != 0 && pid != os.Getpid() {
		return nil, errors.Join(f.isRestored(), dir.Close())
	}
	if !whole.Locks { // nor can a folder be removed that is open
		return func() {}, dir.Close()
	}
	return func() { _ = dir.Close() }, nil
}

// isRestored returns the error for a folder in which somebody else restores a node.
func (f Folder) isRestored() error {
	who := "another process"
	if pid := f.UsedBy(); pid != 0 && pid != os.Getpid() {
		who = fmt.Sprintf("process %d", pid)
	}
	return fmt.Errorf("%s restores a node in %s: wait for it", who, f)
}

// clearHalf takes away what a restore has left that was killed before the key was moved: a node that has one is whole.
func (f Folder) clearHalf() error {
	unlock, err := f.lockHalf()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unlock()
	if f.HasKey() {
		return nil // [Folder.Make] refuses a node
	}
	if err := f.takeBack(); err != nil {
		return fmt.Errorf("take away what a restore has left: %w", err)
	}
	return nil
}

// takeBack removes what was moved, the key first, and then all that was made. It stops where something cannot be removed: then
// there is a node still, or it can be done again.
func (f Folder) takeBack() error {
	stage := Folder(f.restoring())
	for _, path := range slices.Backward(f.restored()) {
		if err := whole.MoveBack(stage.path(filepath.Base(path)), path); err != nil {
			return err
		}
	}
	return whole.RemoveAll(f.restoring())
}

// removeRestored removes what a restore has left that was killed once the node was there.
func (f Folder) removeRestored() {
	unlock, err := f.lockHalf()
	if err != nil {
		return
	}
	defer unlock()
	if f.HasKey() {
		_ = whole.RemoveAll(f.restoring())
	}
}

// Folder returns the folder in which the node is made.
func (s *Staging) Folder() Folder { return Folder(s.to.restoring()) }

// Keep has the node be there, once all of it is on disk.
func (s *Staging) Keep() error {
	if err := s.move(); err != nil {
		return fmt.Errorf("put what was restored in place: %w", err)
	}
	s.over = true
	_ = whole.RemoveAll(s.to.restoring()) // else whoever opens the node does
	s.unlock()
	return s.release()
}

func (s *Staging) move() error {
	if err := whole.SyncFolder(s.to.restoring()); err != nil {
		return err
	}
	for _, path := range s.to.restored() {
		from := s.Folder().path(filepath.Base(path))
		if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		switch path {
		case s.to.Log():
			// What was seen of another file that was here says nothing of this one.
			if err := whole.Remove(s.to.Seen()); err != nil {
				return err
			}
		case s.to.Key():
			// All else is there before there is a node.
			if err := whole.SyncFolder(string(s.to)); err != nil {
				return err
			}
		}
		err := whole.Move(from, path)
		if path == s.to.Secret() && errors.Is(err, fs.ErrExist) {
			continue // somebody has put it there
		}
		if err != nil {
			return err
		}
	}
	err := whole.SyncFolder(string(s.to))
	if err == nil && s.made {
		err = whole.SyncFolder(filepath.Dir(string(s.to)))
	}
	return err
}

// Drop takes away all that was made, unless it was kept.
func (s *Staging) Drop() error {
	if s.over {
		return nil
	}
	s.over = true
	var err error
	if s.unlock != nil {
		err = s.to.takeBack()
		s.unlock()
	}
	if s.release != nil {
		err = errors.Join(err, s.release())
	}
	if s.made {
		_ = whole.Remove(string(s.to)) // somebody may have put something into it
	}
	return err
}
