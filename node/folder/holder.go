package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Hold writes this process's id beside the log that it has open, for others to name. The caller holds
// the log's lock. Call release before the lock is given back. The id is for messages only, so a disk
// without room for it is no reason to stop: the error then says why there is none, and release is set
// all the same.
func (f Folder) Hold() (release func() error, err error) {
	path := f.path("quipu.pid")
	if err = os.WriteFile(path, fmt.Appendln(nil, os.Getpid()), 0o644); err != nil {
		err = fmt.Errorf("write pid file: %w", err)
	}
	return func() error {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove pid file: %w", err)
		}
		return nil
	}, err
}

// Holder returns the process that wrote quipu.pid, 0 when there is none or it is gone. It is for
// messages: the lock decides.
func (f Folder) Holder() int {
	b, err := os.ReadFile(f.path("quipu.pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 0 || !alive(pid) {
		return 0
	}
	return pid
}
