package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quipulog/quipu/node/folder"
)

// patience bounds every wait for other processes. It is no measure of speed: a machine under load may
// need most of it.
const patience = 60 * time.Second

// binary builds quipu once for all tests of the package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "quipu-integration-")
	if err != nil {
		return "", err
	}
	binaryDir = dir
	name := filepath.Join(dir, "quipu")
	out, err := exec.Command("go", "build", "-o", name, "../cmd/quipu").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build quipu: %w\n%s", err, out)
	}
	return name, nil
})

// binaryDir is the folder of the binary; "" as long as no test has asked for it.
var binaryDir string

// TestMain runs more tests side by side than there are processors: they wait for other processes more than they work.
// -parallel has the last word, and so it is in .ci/run.
func TestMain(m *testing.M) {
	flag.Parse()
	if atOnce := flag.Lookup("test.parallel"); os.Getenv("QUIPU_E2E") == "" && atOnce.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		atOnce.Value.Set("6")
	}
	code := m.Run()
	if binaryDir != "" {
		os.RemoveAll(binaryDir)
	}
	os.Exit(code)
}

// member is one node of a test's cluster: a folder, and while it runs the daemon over it.
type member struct {
	t      *testing.T
	dir    string
	author string
	log    string
	listen string // what the last daemon served on; the next one serves there again
	join   []string
	daemon *exec.Cmd
	ready  string // the last daemon's ready line
	stderr *daemonLog
}

// daemonLog is what a daemon has logged; it may be looked at while the daemon goes on.
type daemonLog struct {
	mu  sync.Mutex // guards what follows
	all bytes.Buffer
}

func (l *daemonLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *daemonLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// newCluster makes n folders of one log; no daemon runs yet.
func newCluster(t *testing.T, n int) []*member {
	t.Helper()
	var members []*member
	for i := range n {
		name := fmt.Sprintf("node%d", i)
		m := &member{t: t, dir: filepath.Join(t.TempDir(), name), listen: "127.0.0.1:0", stderr: new(daemonLog)}
		if i > 0 {
			m.create(name, "--log", members[0].log)
		} else {
			m.create(name)
		}
		members = append(members, m)
	}
	return members
}

// create makes the member's folder.
func (m *member) create(name string, flags ...string) {
	m.t.Helper()
	out := m.quipu(append([]string{"init", "--dir", m.dir, "--name", name}, flags...)...)
	m.author, m.log = afterWord(m.t, out, "author "), afterWord(m.t, out, "log ")
	if err := folder.Folder(m.dir).WriteSecret(make([]byte, 32)); err != nil {
		m.t.Fatal(err)
	}
}

// afterWord returns what follows word on its line of out.
func afterWord(t *testing.T, out, word string) string {
	t.Helper()
	for line := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(line, word); ok {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatalf("no line that begins with %q in:\n%s", word, out)
	return ""
}

var loopbackAddr = regexp.MustCompile(`127\.\d+\.\d+\.\d+:\d+`)

// start runs the member's daemon and waits until it serves.
func (m *member) start() {
	m.t.Helper()
	name, err := binary()
	if err != nil {
		m.t.Fatal(err)
	}
	args := []string{"start", "--dir", m.dir, "--listen", m.listen}
	for _, addr := range m.join {
		args = append(args, "--join", addr)
	}
	m.daemon = exec.Command(name, args...)
	m.daemon.Stderr = m.stderr
	stdout, err := m.daemon.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := m.daemon.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(m.kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready ") {
		m.t.Fatalf("start %s printed %q (%v); its log:\n%s", m.dir, line, err, m.stderr)
	}
	if m.ready, m.listen = line, loopbackAddr.FindString(line); m.listen == "" {
		m.t.Fatalf("no address in %q", line)
	}
	go io.Copy(io.Discard, stdout)
}

// startAll starts every member; all join the first.
func startAll(members []*member) {
	for i, m := range members {
		if i > 0 {
			m.join = []string{members[0].listen}
		}
		m.start()
	}
}

// kill ends the daemon with SIGKILL and waits until it is gone; it does nothing when none runs.
func (m *member) kill() {
	if m.daemon == nil {
		return
	}
	m.daemon.Process.Kill()
	m.daemon.Wait()
	m.daemon = nil
}

// stop ends the daemon with SIGTERM; it must exit with 0.
func (m *member) stop() {
	m.t.Helper()
	m.signal(syscall.SIGTERM)
	if err := m.daemon.Wait(); err != nil {
		m.t.Errorf("SIGTERM to %s: %v; its log:\n%s", m.dir, err, m.stderr)
	}
	m.daemon = nil
}

// signal sends a signal to the daemon.
func (m *member) signal(s syscall.Signal) {
	m.t.Helper()
	if err := m.daemon.Process.Signal(s); err != nil {
		m.t.Fatal(err)
	}
}

// quipu runs a command that must succeed and returns what it printed.
func (m *member) quipu(args ...string) string {
	m.t.Helper()
	out, stderr, code := m.try("", args...)
	if code != 0 {
		m.t.Fatalf("quipu %s: exit %d: %s", strings.Join(args, " "), code, stderr)
	}
	return out
}

// try runs a command with the given standard input and returns what it printed and its exit code.
func (m *member) try(stdin string, args ...string) (out, stderr string, code int) {
	m.t.Helper()
	name, err := binary()
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &errs
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return stdout.String(), errs.String(), exit.ExitCode()
	}
	if err != nil {
		m.t.Fatalf("quipu %s: %v", strings.Join(args, " "), err)
	}
	return stdout.String(), errs.String(), 0
}

// on is quipu with the member's folder.
func (m *member) on(command string, args ...string) string {
	m.t.Helper()
	return m.quipu(append([]string{command, "--dir", m.dir}, args...)...)
}

// entry is what the tests read of the JSON form.
type entry struct {
	Author  string          `json:"author"`
	Seq     uint64          `json:"seq"`
	Op      string          `json:"op"`
	Kind    string          `json:"kind"`
	Subject string          `json:"subject"`
	Payload json.RawMessage `json:"payload"`
}

func (e entry) place() string { return fmt.Sprintf("%s/%d", e.Author, e.Seq) }

// entries returns the member's log in the default order, or what flags choose of it.
func (m *member) entries(flags ...string) []entry {
	m.t.Helper()
	var all []entry
	dec := json.NewDecoder(strings.NewReader(m.on("log", append([]string{"--format", "ndjson"}, flags...)...)))
	for {
		var e entry
		err := dec.Decode(&e)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			m.t.Fatal(err)
		}
		all = append(all, e)
	}
}

// converged waits until all members have the same frontier hash.
func converged(t *testing.T, members []*member) {
	t.Helper()
	var hashes []string
	eventually(t, "equal frontiers", func() bool {
		hashes = hashes[:0]
		for _, m := range members {
			hashes = append(hashes, strings.TrimSpace(m.on("frontier", "--hash")))
		}
		for _, h := range hashes {
			if h != hashes[0] {
				return false
			}
		}
		return true
	}, func() string { return strings.Join(hashes, "\n") })
}

// eventually polls until ok, or fails with what explain says. Each round runs commands, so it needs
// no pause of its own beyond a tick.
func eventually(t *testing.T, what string, ok func() bool, explain func() string) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("no %s within %s:\n%s", what, patience, explain())
		case <-tick.C:
		}
	}
}

// sameLogsThatVerify ends a test: the frontiers are equal, the logs are the same, and every file
// verifies with the daemons running and after they stopped.
func sameLogsThatVerify(t *testing.T, members []*member) []entry {
	t.Helper()
	converged(t, members)
	want := members[0].on("log", "--format", "ndjson")
	for _, m := range members[1:] {
		if got := m.on("log", "--format", "ndjson"); withoutOffsets(got) != withoutOffsets(want) {
			t.Errorf("the logs of %s and %s differ", members[0].dir, m.dir)
		}
	}
	all := members[0].entries()
	for _, m := range members {
		m.on("verify")
		if m.daemon != nil {
			m.stop()
			m.on("verify")
		}
	}
	return all
}

var offsetField = regexp.MustCompile(`,"offset":\d+`)

// withoutOffsets removes what is local from a log's NDJSON.
func withoutOffsets(ndjson string) string { return offsetField.ReplaceAllString(ndjson, "") }
