package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// lacking skips a test for which this machine lacks something, or fails it with QUIPU_E2E=1, where nothing may
// be lacking.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("QUIPU_E2E") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// failSyncs has the syncs of the member's log fail with EIO, those that when names, until stop is called.
// It needs strace, and the right to trace.
func (m *member) failSyncs(when string) (stop func()) {
	m.t.Helper()
	tracer, err := exec.LookPath("strace")
	if err != nil {
		lacking(m.t, "failing a disk needs strace")
	}
	var said daemonLog
	cmd := exec.Command(tracer, "-f", "-p", strconv.Itoa(m.daemon.Process.Pid), "-P", filepath.Join(m.dir, "quipu.db"),
		"-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when="+when)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	stop = func() {
		cmd.Process.Signal(syscall.SIGINT)
		cmd.Wait()
	}
	eventually(m.t, "tracing", func() bool { return said.String() != "" }, said.String)
	if !strings.Contains(said.String(), "attached") {
		stop()
		lacking(m.t, "failing a disk needs the right to trace: "+said.String())
	}
	return stop
}

// TestFailedSyncPasses: a daemon whose disk fails a sync, of its own entry or of a peer's, says so, opens and
// verifies its log by itself, and goes on.
func TestFailedSyncPasses(t *testing.T) {
	for who, at := range map[string]int{"own": 0, "peer": 1} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			members := newCluster(t, 2)
			startAll(members)
			members[0].on("append", "--kind", "before")
			converged(t, members)
			stop := members[0].failSyncs("1")
			_, stderr, code := members[at].try("", "append", "--dir", members[at].dir, "--kind", "in-flight")
			eventually(t, "word of the failed sync", func() bool {
				return strings.Contains(members[0].stderr.String(), `level=ERROR msg="the disk failed: the log is opened again and verified"`)
			}, members[0].stderr.String)
			stop()
			if who == "own" && (code != 1 || !strings.Contains(stderr, "may have happened")) {
				t.Errorf("the append in flight ended with %d: %s", code, stderr)
			}
			for _, m := range members {
				m.on("append", "--kind", "after")
			}
			eventually(t, "health", func() bool {
				_, stderr, code = members[0].try("", "status", "--dir", members[0].dir, "--check")
				return code == 0
			}, func() string { return stderr })
			sameLogsThatVerify(t, members)
		})
	}
}

// TestDiskThatIsGoneEndsTheDaemon: where no sync succeeds any more, the daemon ends with exit code 1 and says why.
func TestDiskThatIsGoneEndsTheDaemon(t *testing.T) {
	t.Parallel()
	members := newCluster(t, 1)
	startAll(members)
	m := members[0]
	m.on("append", "--kind", "before")
	defer m.failSyncs("1+")()
	m.try("", "append", "--dir", m.dir, "--kind", "in-flight")
	var said string
	eventually(t, "word that it is not ready", func() bool {
		var code int
		_, said, code = m.try("", "status", "--dir", m.dir, "--check=ready")
		return code == 1 && strings.Contains(said, "read-only since ")
	}, func() string { return said })
	if m.daemon.Wait(); m.daemon.ProcessState.ExitCode() != 1 || !strings.Contains(m.stderr.String(), "quipu: log is read-only since its disk failed: sync log") {
		t.Errorf("it ended with %s; its log:\n%s", m.daemon.ProcessState, m.stderr)
	}
	m.daemon = nil
}
