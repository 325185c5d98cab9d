//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fullPipe returns a pipe that is full and that nobody reads.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	t.Cleanup(func() { r.Close(); w.Close() })
	if err := syscall.SetNonblock(fds[1], true); err != nil {
		t.Fatal(err)
	}
	for err := error(nil); err == nil; {
		_, err = syscall.Write(fds[1], make([]byte, 512))
	}
	if err := syscall.SetNonblock(fds[1], false); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestDaemonGoesOnThoughNobodyReads has a daemon whose stderr, and then whose stdout, is a full pipe: it
// serves all the same, ends at SIGTERM, and one that cannot start ends too.
func TestDaemonGoesOnThoughNobodyReads(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test binary answers to the name quipu, see TestMain.
	name := filepath.Join(t.TempDir(), "quipu")
	if err := os.Symlink(exe, name); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{"stderr", "stdout", "both"} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "a")
			quipu(t, exitDone, "init", "--dir", dir)
			start := func(args ...string) *exec.Cmd {
				cmd := exec.Command(name, append([]string{"start", "--dir", dir, "--listen", "127.0.0.1:0"}, args...)...)
				if stream != "stdout" {
					cmd.Stderr = fullPipe(t)
				}
				if stream != "stderr" {
					cmd.Stdout = fullPipe(t)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = cmd.Process.Kill() })
				return cmd
			}
			daemon := start()
			for deadline := time.Now().Add(patience); !strings.Contains(quipu(t, exitDone, "status", "--dir", dir), "socket"); {
				if time.Now().After(deadline) {
					t.Fatal("no daemon serves")
				}
			}
			quipu(t, exitDone, "append", "--dir", dir, "--kind", "note")
			if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := awaitExit(t, daemon); err != nil {
				t.Errorf("after SIGTERM: %v", err)
			}
			if err := awaitExit(t, start("--secret-file", "nowhere")); err == nil {
				t.Error("a daemon that cannot start ends well")
			}
		})
	}
}

// awaitExit waits for a process to end by itself.
func awaitExit(t *testing.T, cmd *exec.Cmd) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		t.Fatal("it does not end")
		return nil
	}
}
