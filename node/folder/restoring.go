package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quipulog/quipu/eventlog/whole"
)

// A node that is restored comes to its folder in these steps:
//
//	D/quipu.restoring/   all of it is made in here
//	D/quipu.yaml …       is moved up file by file, the key last, and the empty folder goes
//
// So there is either no node in D, since there is no key, or all of it. What a kill has left the next restore takes away,
// and [Folder.Check] says that it is to be run again.

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
	return fmt.Errorf("%w: a restore has not come to its end in %s: run it again, and what it has left is taken away", fs.ErrNotExist, f)
}

// Staging is a folder in which a node is made, and none before [Staging.Keep].
type Staging struct {
	to      Folder
	made    bool // to was
	moved   []string
	release func() error
	over    bool
}

// Stage begins a node in the folder, which is made unless it is there. It refuses one that holds any part of a node, but for a
// secret, and takes away what an earlier one has left that was killed. The caller calls [Staging.Drop] in the end.
func (f Folder) Stage() (*Staging, error) {
	_, err := os.Lstat(string(f))
	s := &Staging{to: f, made: errors.Is(err, fs.ErrNotExist)}
	if err := f.clearHalf(); err != nil {
		return nil, err
	}
	if err := f.Make(); err != nil {
		return nil, err
	}
	if err := os.Mkdir(f.restoring(), 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if s.release, err = f.Use(); err != nil {
		return nil, errors.Join(err, s.Drop())
	}
	return s, nil
}

// clearHalf takes away what a restore has left that was killed before the key was moved: a node that has one is whole.
func (f Folder) clearHalf() error {
	if f.half() == nil {
		return nil
	}
	if _, err := os.Lstat(f.Key()); !errors.Is(err, fs.ErrNotExist) {
		return err // nil: [Folder.Make] refuses it
	}
	if pid := f.UsedBy(); pid != 0 && pid != os.Getpid() {
		return fmt.Errorf("make folder: process %d restores a node in %s: wait for it, or, if it is some other program by now, remove %s",
			pid, f, f.path("quipu.pid"))
	}
	// Nothing but that restore has moved the log: there was none in this folder when it began. Where the log stands in the
	// stage yet, one beside it is somebody's.
	stage := Folder(f.restoring())
	_, whole := os.Lstat(stage.Key())
	for _, path := range []string{f.Config(), f.Log()} {
		if _, err := os.Lstat(stage.path(filepath.Base(path))); whole == nil && errors.Is(err, fs.ErrNotExist) {
			if err := removeAll([]string{path}); err != nil {
				return fmt.Errorf("take away what a restore has left: %w", err)
			}
		}
	}
	if err := os.RemoveAll(f.restoring()); err != nil {
		return fmt.Errorf("take away what a restore has left: %w", err)
	}
	return nil
}

// Folder returns the folder in which the node is made.
func (s *Staging) Folder() Folder { return Folder(s.to.restoring()) }

// Keep has the node be there, once all of it is on disk.
func (s *Staging) Keep() error {
	if err := s.move(); err != nil {
		return fmt.Errorf("put what was restored in place: %w", err)
	}
	s.over = true
	return errors.Join(os.RemoveAll(s.to.restoring()), s.release())
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
		if path == s.to.Secret() {
			if _, err := os.Lstat(path); err == nil {
				continue // somebody has put it there
			}
		}
		if path == s.to.Log() {
			// What was seen of another file that was here says nothing of this one.
			if err := removeAll([]string{s.to.Seen()}); err != nil {
				return err
			}
		}
		if path == s.to.Key() {
			// All else is there before there is a node.
			if err := whole.SyncFolder(string(s.to)); err != nil {
				return err
			}
		}
		if err := os.Rename(from, path); err != nil {
			return err
		}
		s.moved = append(s.moved, path)
	}
	return whole.SyncFolder(string(s.to))
}

// Drop takes away all that was made, unless it was kept.
func (s *Staging) Drop() error {
	if s.over {
		return nil
	}
	s.over = true
	err := errors.Join(removeAll(s.moved), os.RemoveAll(s.to.restoring()))
	if s.release != nil {
		err = errors.Join(err, s.release())
	}
	if s.made {
		_ = os.Remove(string(s.to)) // somebody may have put something into it
	}
	return err
}
