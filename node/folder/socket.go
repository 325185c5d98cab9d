package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxSocketPath is how many bytes the path of a Unix socket may have: sun_path less its zero, on the
// system that has the shortest.
const maxSocketPath = 103

// shortFolder begins the name of the folder, in the system's folder for temporary files, that holds the
// socket of a folder too deep for one.
const shortFolder = "quipu-"

// Socket returns the path of the socket that a daemon in this folder listens on, when one does.
func (f Folder) Socket() (string, error) {
	b, err := os.ReadFile(f.path("quipu.sock.path"))
	if err == nil {
		return strings.TrimSuffix(string(b), "\n"), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("find socket: %w", err)
	}
	return f.longSocket()
}

// longSocket returns D/quipu.sock, as an absolute path so that it means the same to every process.
func (f Folder) longSocket() (string, error) {
	path, err := filepath.Abs(f.path("quipu.sock"))
	if err != nil {
		return "", fmt.Errorf("find socket: %w", err)
	}
	return path, nil
}

// Listen opens the daemon's socket, mode 0600. The caller holds the log's lock, so a socket that lies
// there is one that a killed daemon left, and is replaced. Closing the listener takes away all that
// Listen has put in place.
func (f Folder) Listen(ctx context.Context) (net.Listener, error) {
	if err := f.removeStale(); err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	path, err := f.longSocket()
	if err != nil {
		return nil, err
	}
	remove := []string{path}
	if len(path) > maxSocketPath {
		if path, err = shortSocket(); err != nil {
			return nil, fmt.Errorf("open socket: %w", err)
		}
		named := f.path("quipu.sock.path")
		remove = []string{named, path, filepath.Dir(path)}
		if err := writeFile(named, []byte(path+"\n"), 0o600); err != nil {
			return nil, errors.Join(fmt.Errorf("open socket: %w", err), removeAll(remove))
		}
	}
	listen := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error { return c.Control(ownerOnly) }}
	listener, err := listen.Listen(ctx, "unix", path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open socket: %w", err), removeAll(remove))
	}
	s := &socket{listener, remove}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("open socket: %w", err), s.Close())
	}
	return s, nil
}

// shortSocket makes a folder that only its owner can enter, and returns a path for a socket in it.
func shortSocket() (string, error) {
	dir, err := os.MkdirTemp("", shortFolder)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "sock")
	if len(path) > maxSocketPath {
		return "", errors.Join(fmt.Errorf("%s is too deep for a socket, and so is the folder for temporary files", dir), os.Remove(dir))
	}
	return path, nil
}

// removeStale removes what a daemon that was killed left behind.
func (f Folder) removeStale() error {
	named := f.path("quipu.sock.path")
	b, err := os.ReadFile(named)
	if err == nil {
		path := strings.TrimSuffix(string(b), "\n")
		// Only what shortSocket makes is removed, whatever the file says.
		if dir := filepath.Dir(path); filepath.Base(path) == "sock" && strings.HasPrefix(filepath.Base(dir), shortFolder) {
			_ = removeAll([]string{path, dir})
		}
		err = os.Remove(named)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return removeAll([]string{f.path("quipu.sock")})
}

// removeAll removes files and empty folders that may be gone already.
func removeAll(paths []string) error {
	var all error
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// socket is a listener that takes its files with it.
type socket struct {
	net.Listener
	remove []string
}

func (s *socket) Close() error {
	return errors.Join(s.Listener.Close(), removeAll(s.remove))
}
