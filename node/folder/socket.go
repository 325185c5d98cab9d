package folder

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/quipulog/quipu/eventlog/whole"
)

// maxSocketPath is how many bytes the path of a Unix socket may have: sun_path less its zero, on the
// system that has the shortest.
const maxSocketPath = 103

// shortFolder begins the name of the folder, in the system's folder for temporary files, that holds the
// socket of a folder too deep for one. Then comes whose it is, see shortName.
const shortFolder = "quipu-"

// Socket returns the path of the socket that a daemon in this folder listens on, when one does. What lies
// there and is no socket of this folder's owner, or is that of another folder from which this one was
// copied, is an error: nobody is to take somebody else's answers for this node's.
func (f Folder) Socket() (string, error) {
	path, named, err := f.namedSocket()
	if err == nil && !named {
		path, err = f.longSocket()
	}
	if err == nil {
		err = f.checkSocket(path)
	}
	if err != nil {
		return "", fmt.Errorf("find socket: %w", err)
	}
	return path, nil
}

// namedSocket returns the path that quipu.sock.path holds, if there is one.
func (f Folder) namedSocket() (path string, named bool, err error) {
	file := part{
		path: f.path("quipu.sock.path"), noun: "path of the socket", expect: "the path of a socket that quipu start made for this folder",
		ways: "remove it, or let the next quipu start replace it", most: 4 << 10,
	}
	b, err := file.read()
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	path = strings.TrimSuffix(string(b), "\n")
	name, err := f.shortName()
	if err != nil {
		return "", false, err
	}
	if filepath.Base(path) != "sock" || !strings.HasPrefix(filepath.Base(filepath.Dir(path)), name) {
		return "", false, file.wrong("names another place")
	}
	return path, true, nil
}

// checkSocket refuses what is at path and no socket, or one that neither this process's user nor root nor the owner
// of the folder has made.
func (f Folder) checkSocket(path string) error {
	folder, err := os.Stat(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing is there, which whoever connects is told
	}
	stat, socketErr := os.Lstat(path)
	if errors.Is(socketErr, fs.ErrNotExist) {
		return nil
	}
	if err := errors.Join(err, socketErr); err != nil {
		return err
	}
	if stat.Mode()&fs.ModeSocket == 0 {
		return notSocket(path, stat.Mode())
	}
	if !trusted(stat, folder) {
		return fmt.Errorf("%s belongs to another user than %s: expected the socket of this node's daemon", path, f)
	}
	return nil
}

func notSocket(path string, mode fs.FileMode) error {
	return fmt.Errorf("%s is %s: expected the socket that quipu start makes there; move it away", path, kindOf(mode))
}

// shortName returns what the name of a short folder begins with that is this folder's: it names the
// folder's own path, so that a copy of the folder is not taken for it.
func (f Folder) shortName() (string, error) {
	path, err := filepath.EvalSymlinks(string(f))
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(path))
	return fmt.Sprintf("%s%x-", shortFolder, sum[:8]), nil
}

// longSocket returns D/quipu.sock, as an absolute path so that it means the same to every process.
func (f Folder) longSocket() (string, error) {
	return filepath.Abs(f.path("quipu.sock"))
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
		return nil, fmt.Errorf("open socket: %w", err)
	}
	remove := []string{path}
	if len(path) > maxSocketPath {
		if path, err = f.shortSocket(); err != nil {
			return nil, fmt.Errorf("open socket: %w", err)
		}
		named := f.path("quipu.sock.path")
		remove = []string{named, path, filepath.Dir(path)}
		if err := whole.Write(named, []byte(path+"\n"), 0o600); err != nil {
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
func (f Folder) shortSocket() (string, error) {
	name, err := f.shortName()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", name+"*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "sock")
	if len(path) > maxSocketPath {
		return "", errors.Join(fmt.Errorf("%s is too deep for a socket, and so is the folder for temporary files", dir), os.Remove(dir))
	}
	return path, nil
}

// removeStale removes what a daemon of this folder that was killed left behind, and nothing else, whatever
// quipu.sock.path says.
func (f Folder) removeStale() error {
	if path, named, err := f.namedSocket(); err == nil && named {
		_ = removeAll([]string{path, filepath.Dir(path)})
	}
	path := f.path("quipu.sock")
	if stat, err := os.Lstat(path); err == nil && stat.Mode()&fs.ModeSocket == 0 {
		return notSocket(path, stat.Mode())
	}
	return removeAll([]string{f.path("quipu.sock.path"), path})
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
