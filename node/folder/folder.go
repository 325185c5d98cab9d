package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quipulog/quipu/eventlog/whole"
)

// Folder is the path of a node's folder. It need not exist.
type Folder string

// ErrNone is returned by [Folder.Check] when there is no node in the folder.
var ErrNone = errors.New("no node here")

// noneError is ErrNone with the folder's name.
type noneError struct{ folder Folder }

func (e *noneError) Error() string {
	return fmt.Sprintf("%s: %v: %s is missing; quipu init --dir %s makes a node", e.folder, ErrNone, e.folder.Key(), e.folder)
}

// Is says that a named thing is not there, too.
func (e *noneError) Is(target error) bool { return target == ErrNone || target == fs.ErrNotExist }

// Key returns the path of the key file.
func (f Folder) Key() string { return f.path("quipu.key") }

// Log returns the path of the log's file.
func (f Folder) Log() string { return f.path("quipu.db") }

// Seen returns the path of what lies beside the log and says what that was seen to hold.
func (f Folder) Seen() string { return f.Log() + ".seen" }

// aside returns where the log's file is while a repair replaces it, where that takes two steps; see package eventlog's
// Salvage. Who opens the log puts it back.
func (f Folder) aside() string {
	path, err := whole.Target(f.Log())
	if err != nil {
		path = f.Log()
	}
	return path + ".aside"
}

// Config returns the path of the configuration.
func (f Folder) Config() string { return f.path("quipu.yaml") }

func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

// Make makes the folder, and those above it, unless it is there. A new folder is open to its owner
// alone. It refuses a folder that holds any part of a node.
func (f Folder) Make() error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := f.halfWithoutKey(); err != nil {
		return fmt.Errorf("make folder: %v", err)
	}
	for _, path := range []string{f.Key(), f.Log(), f.aside(), f.Config()} {
		_, err := os.Lstat(path)
		if err == nil && path != f.Key() {
			return fmt.Errorf("make folder: %s exists, and no key: if a quipu init was killed here, remove it; "+
				"if this was a node, bring back its key; or choose another folder", path)
		}
		if err == nil {
			return fmt.Errorf("make folder: %s exists: a node is never overwritten; choose another folder", path)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	return nil
}

// CheckMode returns an error that wraps [ErrMode] for a folder in which others than its owner may replace the
// files, whatever the mode of those is.
func (f Folder) CheckMode() error {
	stat, err := os.Stat(string(f))
	if err != nil {
		return err
	}
	if mode := stat.Mode(); modesMatter && mode.Perm()&0o022 != 0 && mode&fs.ModeSticky == 0 {
		return fmt.Errorf("the folder is %w: %s has mode %04o; chmod go-w it", ErrMode, f, mode.Perm())
	}
	return nil
}

// CheckLogMode returns an error that wraps [ErrMode] for a log that others than its owner may write to: nobody can tell
// whether they have. That they may read it is for its owner to say.
func (f Folder) CheckLogMode() error {
	stat, err := os.Stat(f.Log())
	if err != nil {
		return nil // which opening it tells
	}
	if perm := stat.Mode().Perm(); modesMatter && perm&0o022 != 0 {
		return fmt.Errorf("the log is %w: %s has mode %04o, not 0600; if nobody else has written to it, chmod go-w it", ErrMode, f.Log(), perm)
	}
	return nil
}

// Check says why the folder cannot be a node's, or nil: with an error that wraps [ErrNone] and
// [fs.ErrNotExist] when there is none, with one that wraps [fs.ErrNotExist] alone when the node has lost
// its key, and with one that wraps neither when the key has lost its log.
func (f Folder) Check() error {
	_, logErr := os.Lstat(f.Log())
	if _, err := os.Stat(f.Key()); errors.Is(err, fs.ErrNotExist) {
		if err := f.halfWithoutKey(); err != nil {
			return err
		}
		if !f.HasKey() && logErr != nil {
			return &noneError{f}
		}
		return f.keyFile().unopened(err)
	} else if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	return f.CheckLog()
}

// CheckLog is [Folder.Check] for whoever only reads the log, and needs no key.
func (f Folder) CheckLog() error {
	if err := f.halfWithoutKey(); err != nil {
		return err
	}
	stat, err := os.Stat(f.Log())
	if errors.Is(err, fs.ErrNotExist) {
		if put, aside := os.Stat(f.aside()); aside == nil {
			stat, err = put, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, linked := os.Lstat(f.Log()); linked != nil && !f.HasKey() {
			return &noneError{f}
		}
		// A log that began anew under this key would give numbers a second time.
		return fmt.Errorf("%s %s beside its key: what it held may have been replicated, so it is not begun anew; "+
			"bring the file back, or make a new node in another folder", f.Log(), absence(f.Log()))
	}
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	if !stat.Mode().IsRegular() {
		return fmt.Errorf("%s is %s: expected the file with the log; bring that back, or make a new node in another folder", f.Log(), kindOf(stat.Mode()))
	}
	return nil
}

// HasKey reports whether something is where the key file is to be, if only a link that leads nowhere.
func (f Folder) HasKey() bool {
	_, err := os.Lstat(f.Key())
	return !errors.Is(err, fs.ErrNotExist)
}

// Writable reports whether this user can open the node to write: its key is there, and its log is no file that may only
// be read.
func (f Folder) Writable() bool {
	if !f.HasKey() {
		return false
	}
	file, err := os.OpenFile(f.Log(), os.O_RDWR, 0)
	return err == nil && file.Close() == nil
}
