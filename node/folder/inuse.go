package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/quipulog/quipu/eventlog/whole"
)

// maxPID is more than the text of a process's id has, in bytes.
const maxPID = 32

// Use writes this process's id beside the log that it has open, for others to name, and removes what others have left in the
// folder who were killed. The caller holds the log's lock. Call release before the lock is given back. The id is for messages only, so a disk
// without room for it is no reason to stop: the error then says why there is none, and release is set
// all the same.
func (f Folder) Use() (release func() error, err error) {
	f.removeRestored()
	whole.RemoveDrafts(string(f), f.isPart)
	path := f.path("quipu.pid")
	if err := writePID(path); err != nil {
		return func() error { return nil }, fmt.Errorf("write pid file: %w", err)
	}
	return func() error {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove pid file: %w", err)
		}
		return nil
	}, nil
}

// writePID writes the id anew: what lies there may be a pipe, or lead to some other file.
func writePID(path string) error {
	if err := removeAll([]string{path}); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, os.Getpid())
	return errors.Join(err, file.Close())
}

// UsedBy returns the process that [Folder.PID] does, 0 when it has ended. It is for messages: the lock decides.
func (f Folder) UsedBy() int {
	if pid := f.PID(); Alive(pid) {
		return pid
	}
	return 0
}

// PID returns the process that wrote quipu.pid, 0 when there is none or the file makes no sense. It may have been
// killed, or be one of another machine or container.
func (f Folder) PID() int {
	file := part{path: f.path("quipu.pid"), most: maxPID}
	b, err := file.read()
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}

// Alive reports whether a process runs here that has this id.
func Alive(pid int) bool { return pid > 0 && alive(pid) }
