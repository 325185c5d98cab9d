//go:build unix

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// spoilers are what can become of a file of a node's folder.
var spoilers = map[string]func(path string) error{
	"empty": func(path string) error { return os.WriteFile(path, nil, 0o600) },
	"halved": func(path string) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, b[:len(b)/2], 0o600)
	},
	"zeros": func(path string) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, make([]byte, len(b)), 0o600)
	},
	"gone": os.Remove,
	"folder": func(path string) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.MkdirAll(filepath.Join(path, "below"), 0o700)
	},
	"dangling": func(path string) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.Symlink("nowhere", path)
	},
	"pipe": func(path string) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return syscall.Mkfifo(path, 0o600)
	},
	"unreadable": func(path string) error { return os.Chmod(path, 0) },
	"foreign":    func(path string) error { return os.WriteFile(path, []byte("something else\n"), 0o600) },
}

// none is not nil.
var none = []string{}

// spoilt are the files of the folder of a node that has run once, and who depends on them.
var spoilt = []struct {
	file    string
	content string   // that it has when it is whole; none if the node has written it
	needed  []string // the commands that do not go on without it; nil for all
	stops   []string // how spoilt it keeps the daemon from starting, unless that needs it
	warns   []string // how spoilt the daemon drops it with a warning
}{
	{file: "quipu.key", needed: []string{"append", "trim", "compact", "sync", "start"}}, // who only reads signs nothing
	{file: "quipu.db", needed: nil},
	{file: "quipu.db.seen", needed: none},
	{file: "quipu.yaml", needed: nil},
	{file: "secret", needed: []string{"start", "sync"}},
	{file: "secret.print", needed: none, warns: []string{"empty", "halved", "zeros", "folder", "pipe", "unreadable", "foreign"}},
	{file: "peers.json", content: `{"version":1,"peers":[]}` + "\n", needed: none, warns: []string{"empty", "halved", "zeros", "folder", "pipe", "unreadable", "foreign"}},
	{file: "quipu.pid", content: "999999999\n", needed: none},
	{file: "quipu.sock.path", content: "/tmp/quipu-x/sock\n", needed: none, stops: []string{"folder"}},
	{file: "quipu.sock", content: "x\n", needed: none, stops: []string{"empty", "halved", "zeros", "folder", "dangling", "pipe", "unreadable", "foreign"}},
}

// TestSpoiltFilesAreNeverTakenForFresh spoils each file of a folder in each way, and runs each kind of
// command: what is lost of a node stops it with an error that names the file, what was expected and the
// ways out; what can be made anew stops nobody. None hangs.
func TestSpoiltFilesAreNeverTakenForFresh(t *testing.T) {
	for _, part := range spoilt {
		for how, spoil := range spoilers {
			if how == "unreadable" && os.Geteuid() == 0 {
				continue // root reads everything
			}
			t.Run(part.file+"/"+how, func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "a")
				quipu(t, exitDone, "init", "--dir", dir)
				if code, said := runBounded(t, "start", "--dir", dir, "--listen", "127.0.0.1:0"); code != exitDone {
					t.Fatal(said)
				}
				path := filepath.Join(dir, part.file)
				if part.content != "" {
					if err := os.WriteFile(path, []byte(part.content), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if err := spoil(path); err != nil {
					t.Fatal(err)
				}
				needed := func(command string) bool { return part.needed == nil || slices.Contains(part.needed, command) }
				for _, args := range [][]string{
					{"log"}, {"append", "--kind", "after"}, {"status"}, {"trim"}, {"verify"}, {"compact"}, {"frontier"}, {"sync", "127.0.0.1:1"},
				} {
					code, said := runBounded(t, append(args, "--dir", dir)...)
					switch {
					case needed(args[0]):
						wantRefusal(t, args[0], code, said, path)
					case args[0] == "sync": // nobody is there
					case code != exitDone:
						t.Errorf("%s ends with %d: %s", args[0], code, said)
					}
				}
				code, said := runBounded(t, "start", "--dir", dir, "--listen", "127.0.0.1:0")
				switch {
				case needed("start") || slices.Contains(part.stops, how):
					wantRefusal(t, "start", code, said, path)
				case code != exitDone:
					t.Errorf("start ends with %d: %s", code, said)
				case slices.Contains(part.warns, how) && (!strings.Contains(said, "WARN") || !strings.Contains(said, path)):
					t.Errorf("start says nothing of %s: %s", path, said)
				}
			})
		}
	}
}

// wantRefusal wants a command to have failed with an error that names a file.
func wantRefusal(t *testing.T, command string, code int, said, path string) {
	t.Helper()
	if code != exitFailed && code != exitAbsent {
		t.Errorf("%s ends with %d: %s", command, code, said)
	}
	if !strings.Contains(said, path) {
		t.Errorf("%s does not name %s: %s", command, path, said)
	}
}

// runBounded runs a command line, a daemon until it is ready, and returns its exit code and what it wrote
// to stderr. The test fails if it hangs.
func runBounded(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var errs bytes.Buffer
	done := make(chan int, 1)
	go func() {
		stdout := &cancelling{cancel: func() {}}
		if args[0] == "start" {
			stdout.cancel = cancel
		}
		done <- run(ctx, args, strings.NewReader(""), stdout, &errs)
	}()
	select {
	case code = <-done:
		t.Logf("quipu %s: %d %s", strings.Join(args, " "), code, errs.String())
		return code, errs.String()
	case <-time.After(patience):
		t.Fatalf("quipu %s hangs", strings.Join(args, " "))
	}
	return 0, ""
}
