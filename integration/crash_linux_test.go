package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// crashes are what a command of a node without a daemon is put to: a call to the system that strace has fail, or that is
// the last. The whole table is that of docs/DURABILITY.md; these show that the shim under it does not hide something.
var crashes = []struct{ command, call string }{
	{"append", "pwrite64:error=ENOSPC:when=1"},
	{"append", "pwrite64:error=EIO:when=2"},
	{"append", "pwrite64:signal=SIGKILL:when=1"},
	{"append", "pwrite64:signal=SIGKILL:when=4"},
	{"append", "fdatasync:error=EIO:when=1"},
	{"append", "fdatasync:error=EIO:when=2"},
	{"append", "fdatasync:signal=SIGKILL:when=1"},
	{"append", "fdatasync:signal=SIGKILL:when=2"},
	{"append", "fsync:error=EIO:when=1"},
	{"compact", "pwrite64:error=ENOSPC:when=7"},
	{"compact", "pwrite64:signal=SIGKILL:when=7"},
	{"compact", "fdatasync:error=EIO:when=2"},
	{"compact", "renameat:error=EIO:when=1"},
	{"compact", "renameat:signal=SIGKILL:when=1"},
	{"compact", "fsync:signal=SIGKILL:when=1"},
	{"trim", "pwrite64:error=EIO:when=2"},
	{"trim", "fdatasync:signal=SIGKILL:when=2"},
	{"prune", "pwrite64:signal=SIGKILL:when=3"},
	{"prune", "fdatasync:error=EIO:when=2"},
}

// before is how many entries there are that may be pruned, each an op of its own: a prune is of one of them.
const before = 24

// crashing is a node that goes through crashes, and another one that takes what it has.
type crashing struct {
	*member
	peer   *member
	pruned int
}

// carry has the peer take what it lacks.
func (c *crashing) carry() {
	c.t.Helper()
	file, since := filepath.Join(c.t.TempDir(), "all.bundle"), filepath.Join(c.t.TempDir(), "since.json")
	if err := os.WriteFile(since, []byte(c.peer.on("frontier", "--format", "json")), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.quipu("bundle", "create", "--dir", c.dir, "--since", since, file)
	c.peer.quipu("bundle", "apply", "--dir", c.peer.dir, file)
}

// arguments returns what a command is given, and makes work for it: the one before, if the call was not met, has done all
// that there was, and this one would have nothing to write.
func (c *crashing) arguments(command string) []string {
	c.t.Helper()
	switch command {
	case "append":
		return []string{"--kind", "tried"}
	case "trim":
		c.on("append", "--kind", "to-forget", "--retention", "trimmable")
		c.on("append", "--kind", "last")
		c.carry() // which nobody would take without its body
		return []string{"--force", "--min-age", "0s", "--min-count", "1"}
	case "prune":
		if c.pruned++; c.pruned > before {
			c.t.Fatalf("all %d entries are pruned", before)
		}
		return []string{"--below", strconv.Itoa(c.pruned), "--yes"}
	}
	return nil
}

// TestCrashesOfTheBinary goes through crashes over one log. After each it verifies, appends, and has what was acked; in
// the end another node takes all of it, and finds no fork.
func TestCrashesOfTheBinary(t *testing.T) { // not beside others, for which the runtime changes threads more often
	members := newCluster(t, 2)
	m := &crashing{member: members[0], peer: members[1]}
	for range before {
		m.on("append", "--kind", "before", "--retention", "trimmable")
	}
	m.carry()
	acked := map[string]bool{}
	for _, c := range crashes {
		// strace counts the calls of each thread, and the runtime may go on in another one.
		for tries, met := 0, false; !met; tries++ {
			var out string
			if out, met = m.underStrace(c.call, c.command, m.arguments(c.command)...); !met && tries == 10 {
				t.Fatalf("%s under %s: the call is not met", c.command, c.call)
			}
			if place := strings.TrimSpace(out); c.command == "append" && place != "" {
				acked[place] = true
			}
		}
		m.on("verify")
		acked[strings.TrimSpace(m.on("append", "--kind", "after"))] = true
		held := map[string]bool{}
		for _, e := range m.entries() {
			held[e.place()] = true
		}
		for place := range acked {
			if !held[place] {
				t.Errorf("after %s under %s %s is not there", c.command, c.call, place)
			}
		}
	}
	m.carry()
	if ours, theirs := m.on("frontier", "--hash"), m.peer.on("frontier", "--hash"); ours != theirs {
		t.Errorf("the frontiers are %s and %s", ours, theirs)
	}
	for _, m := range members {
		m.on("verify")
		if out := m.on("forks", "list"); strings.Contains(out, m.author[:8]) {
			t.Errorf("a seq was given twice: %s", out)
		}
	}
}

// underStrace runs a command of the member's while a call to the system fails, or kills it. It reports whether that
// was met.
func (m *member) underStrace(call, command string, args ...string) (out string, met bool) {
	m.t.Helper()
	name, err := binary()
	if err != nil {
		m.t.Fatal(err)
	}
	tracer, err := exec.LookPath("strace")
	if err != nil {
		lacking(m.t, "failing a call needs strace")
	}
	what, _, _ := strings.Cut(call, ":")
	traced := filepath.Join(m.t.TempDir(), "strace")
	cmd := exec.Command(tracer, append([]string{"-f", "-o", traced, "-e", "trace=" + what, "-e", "inject=" + call, name, command, "--dir", m.dir}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // what it ends with depends on the call
	said, err := os.ReadFile(traced)
	if err != nil || len(said) == 0 {
		lacking(m.t, "failing a call needs the right to trace: "+stderr.String())
	}
	return stdout.String(), strings.Contains(string(said), "INJECTED") || strings.Contains(string(said), "killed by SIGKILL")
}
