package folder_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/folder"
)

func TestSocket(t *testing.T) {
	for name, dir := range map[string]string{
		"short": "d",
		"deep":  strings.Repeat("deep/", 30) + "d",
	} {
		t.Run(name, func(t *testing.T) {
			f := folder.Folder(filepath.Join(t.TempDir(), dir))
			if err := f.Make(); err != nil {
				t.Fatal(err)
			}
			path := listenAndDial(t, f)
			stat, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if mode := stat.Mode().Perm(); mode != 0o600 {
				t.Errorf("socket has mode %v", mode)
			}
		})
	}
}

// TestStaleSocket leaves the files of a killed daemon behind.
func TestStaleSocket(t *testing.T) {
	for name, dir := range map[string]string{
		"short": "d",
		"deep":  strings.Repeat("deep/", 30) + "d",
	} {
		t.Run(name, func(t *testing.T) {
			f := folder.Folder(filepath.Join(t.TempDir(), dir))
			if err := f.Make(); err != nil {
				t.Fatal(err)
			}
			first := listenAndDial(t, f) // never closed before the second
			second := listenAndDial(t, f)
			if name == "deep" && first == second {
				t.Error("the second daemon reuses the first one's folder")
			}
			if _, err := os.Stat(first); name == "deep" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the first daemon's socket is still there: %v", err)
			}
		})
	}
}

// listenAndDial opens the folder's socket, connects to it, and leaves it open until the test ends.
func listenAndDial(t *testing.T, f folder.Folder) string {
	t.Helper()
	listener, err := f.Listen(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	path, err := f.Socket()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	return path
}

func TestSocketIsTakenAway(t *testing.T) {
	f := folder.Folder(filepath.Join(t.TempDir(), strings.Repeat("deep/", 30)))
	if err := f.Make(); err != nil {
		t.Fatal(err)
	}
	listener, err := f.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path, err := f.Socket()
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the short folder is still there: %v", err)
	}
	left, err := os.ReadDir(string(f))
	if err != nil || len(left) != 0 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

// TestForeignSocketIsNotTakenForOurs puts what is no socket of the folder where one should be named or lie.
func TestForeignSocketIsNotTakenForOurs(t *testing.T) {
	other := folder.Folder(filepath.Join(t.TempDir(), strings.Repeat("deep/", 30)))
	if err := other.Make(); err != nil {
		t.Fatal(err)
	}
	theirs := listenAndDial(t, other)
	for _, text := range []string{theirs, theirs + "\n", "", "\n", "sock", "/dev/null", "/tmp/quipu-1234/sock", strings.Repeat("x", 5000)} {
		f := folder.Folder(t.TempDir())
		named := filepath.Join(string(f), "quipu.sock.path")
		if err := os.WriteFile(named, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if path, err := f.Socket(); err == nil || !strings.Contains(err.Error(), named) {
			t.Errorf("%.30q leads to %q, %v", text, path, err)
		}
		if path := listenAndDial(t, f); path != filepath.Join(string(f), "quipu.sock") {
			t.Errorf("%.30q: the daemon's socket is %s", text, path)
		}
		if conn, err := net.Dial("unix", theirs); err != nil {
			t.Fatalf("%.30q: a daemon here took the other's socket away: %v", text, err)
		} else {
			conn.Close()
		}
	}
	f := folder.Folder(t.TempDir())
	ours := filepath.Join(string(f), "quipu.sock")
	if err := os.WriteFile(ours, []byte("letters"), 0o600); err != nil {
		t.Fatal(err)
	}
	if path, err := f.Socket(); err == nil {
		t.Errorf("a file is taken for the socket: %s", path)
	}
	if _, err := f.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "quipu.sock is a file") {
		t.Errorf("listening where a file lies: %v", err)
	}
	if b, err := os.ReadFile(ours); err != nil || string(b) != "letters" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

// TestSocketOfAnotherUserIsNotTakenForOurs needs root, who can give files away.
func TestSocketOfAnotherUserIsNotTakenForOurs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a socket another user's")
	}
	f := folder.Folder(t.TempDir())
	path := listenAndDial(t, f)
	if err := os.Lchown(path, 12345, 12345); err != nil {
		t.Skipf("nothing can be given away here: %v", err)
	}
	if _, err := f.Socket(); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("another user's socket is taken for the daemon's: %v", err)
	}
	// The owner of the folder may run the daemon, and root look at it.
	if err := os.Lchown(string(f), 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Socket(); err != nil {
		t.Errorf("the socket of the folder's owner is refused: %v", err)
	}
}
