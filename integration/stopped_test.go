//go:build unix

package integration

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// reader is a quipu tail or quipu follow that runs.
type reader struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  string // the file that it fills
	errs daemonLog
}

// read starts a reader of the member's log.
func (m *member) read(args ...string) *reader {
	m.t.Helper()
	name, err := binary()
	if err != nil {
		m.t.Fatal(err)
	}
	r := &reader{t: m.t, out: filepath.Join(m.t.TempDir(), "out")}
	file, err := os.Create(r.out)
	if err != nil {
		m.t.Fatal(err)
	}
	defer file.Close()
	r.cmd = exec.Command(name, append(args, "--dir", m.dir)...)
	r.cmd.Stdout, r.cmd.Stderr = file, &r.errs
	if err := r.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { r.cmd.Process.Kill() })
	return r
}

// await waits until the reader has shown n entries.
func (r *reader) await(n int) {
	r.t.Helper()
	var got []byte
	eventually(r.t, fmt.Sprintf("%d entries of %s", n, r.cmd.Args[1]), func() bool {
		got, _ = os.ReadFile(r.out)
		return bytes.Count(got, []byte("\n")) >= n
	}, func() string { return string(got) + r.errs.String() })
	if lines := bytes.Count(got, []byte("\n")); lines != n {
		r.t.Errorf("%s has shown %d entries, want %d:\n%s", r.cmd.Args[1], lines, n, got)
	}
}

// awaitWord waits until the reader has said something, and wants it said n times.
func (r *reader) awaitWord(word string, n int) {
	r.t.Helper()
	eventually(r.t, word, func() bool { return strings.Count(r.errs.String(), word) >= n }, r.errs.String)
	if said := strings.Count(r.errs.String(), word); said != n {
		r.t.Errorf("%s has said it %d times, want %d:\n%s", r.cmd.Args[1], said, n, r.errs.String())
	}
}

// end sends SIGTERM to the reader and wants exit code 0.
func (r *reader) end() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Error(err)
	}
	if err := r.cmd.Wait(); err != nil {
		r.t.Errorf("SIGTERM to %s: %v\n%s", r.cmd.Args[1], err, r.errs.String())
	}
}

// TestReadersOfADaemonThatStops stops a daemon with SIGSTOP under those who wait and those who do not.
// Those who wait say so, once each time, end when told to, and go on when the daemon does, or the next one;
// no entry is shown twice. The others end with a word.
func TestReadersOfADaemonThatStops(t *testing.T) {
	if testing.Short() || os.Getenv("QUIPU_E2E") == "" {
		t.Skip("takes a minute: run it with QUIPU_E2E=1")
	}
	const word = "the node does not answer"
	m := newCluster(t, 1)[0]
	m.start()
	m.on("append", "--kind", "k")
	tail := m.read("tail", "--from-start", "--format", "ndjson")
	follow := m.read("follow", "f", "--exec", "cat")
	quitter := m.read("follow", "g", "--exec", "cat")
	for _, r := range []*reader{tail, follow, quitter} {
		r.await(1)
	}

	m.signal(syscall.SIGSTOP)
	var others sync.WaitGroup
	for _, args := range [][]string{{"status"}, {"verify"}, {"log"}, {"trim"}, {"append", "--kind", "lost"}} {
		others.Go(func() {
			_, stderr, code := m.try("", append(args, "--dir", m.dir)...)
			if code != 1 || !strings.Contains(stderr, word) {
				t.Errorf("%s: exit code %d, %s", args[0], code, stderr)
			}
		})
	}
	tail.awaitWord(word, 1)
	follow.awaitWord(word, 1)
	quitter.end()
	others.Wait()
	m.signal(syscall.SIGCONT)
	m.on("append", "--kind", "k")
	shown := len(m.entries()) // what was given up may have been written, or not
	tail.await(shown)
	follow.await(shown)
	m.awaitFollower("f", shown) // what was shown and is not behind it would come again

	m.signal(syscall.SIGSTOP)
	tail.awaitWord(word, 2)
	follow.awaitWord(word, 2)
	m.kill()
	m.start()
	m.on("append", "--kind", "k")
	tail.await(shown + 1)
	follow.await(shown + 1)
	tail.end()
	follow.end()
	m.on("verify")
}
