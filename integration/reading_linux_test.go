package integration

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// newRead makes a member with n entries, some of them moves and some that a trim takes, and no daemon.
func newRead(t *testing.T, n int) *member {
	t.Helper()
	m := newCluster(t, 1)[0]
	var lines strings.Builder
	for i := range n {
		retention := ""
		if i%3 == 0 {
			retention = `,"retention":"trimmable"`
		}
		fmt.Fprintf(&lines, `{"kind":"note","subject":"s%d","payload":%q%s}`+"\n", i%7, strings.Repeat("x", 300), retention)
	}
	if out, stderr, code := m.try(lines.String(), "append", "--dir", m.dir, "--ndjson", "-"); code != 0 || strings.Count(out, "\n") != n {
		t.Fatalf("append: exit %d: %s", code, stderr)
	}
	m.on("transition", "--subject", "s1", "--to", "begun")
	return m
}

// pager is a quipu log whose output nobody takes.
type pager struct {
	cmd   *exec.Cmd
	out   *bufio.Reader
	first string
}

func (m *member) page(flags ...string) *pager {
	m.t.Helper()
	name, err := binary()
	if err != nil {
		m.t.Fatal(err)
	}
	p := &pager{cmd: exec.Command(name, append([]string{"log", "--dir", m.dir, "--format", "ndjson"}, flags...)...)}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	p.out = bufio.NewReader(stdout)
	if p.first, err = p.out.ReadString('\n'); err != nil {
		m.t.Fatal(err)
	}
	return p
}

// TestAPagerKeepsNobodyOut: while the output of quipu log is not taken a daemon starts, writes and compacts; what is then
// taken is what a plain run has printed. A reader that is killed leaves nothing behind.
func TestAPagerKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	m := newRead(t, 6000)
	ways := [][]string{{}, {"--order", "causal"}, {"--order", "arrival"}, {"--reverse"}, {"--kind", "note"}, {"--subject", "s3", "--subject", "s4", "--order", "causal"}}
	var want []string
	var pagers []*pager
	for _, flags := range ways {
		want = append(want, m.on("log", append(flags, "--format", "ndjson")...))
		pagers = append(pagers, m.page(flags...))
	}
	killed := m.page()
	if err := killed.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	m.on("append", "--kind", "later")
	m.start()
	m.on("append", "--kind", "later")
	m.on("compact")
	m.on("append", "--kind", "later")
	for i, p := range pagers {
		rest, err := io.ReadAll(p.out)
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("log %v: %v", ways[i], err)
		}
		if got := p.first + string(rest); err != nil || got != want[i] {
			t.Errorf("log %v printed %d bytes in %d lines, want %d in %d: %v", ways[i], len(got), strings.Count(got, "\n"),
				len(want[i]), strings.Count(want[i], "\n"), err)
		}
	}
	_ = killed.cmd.Wait()
	m.stop()
	m.on("verify")
}

// readings are command lines that only read, but for the folder.
func (m *member) readings() [][]string {
	place := m.author + "/1"
	return [][]string{
		{"log"}, {"log", "--format", "ndjson"}, {"log", place}, {"verify"}, {"state"}, {"stats"}, {"transitions"}, {"frontier"}, {"status"},
		{"forks", "list"}, {"followers", "list"}, {"prove", place}, {"index", "status"}, {"trim", "--status"},
	}
}

// auditor runs quipu as a user who owns nothing, in a folder that he may read.
type auditor struct {
	t         *testing.T
	name, dir string
	as        *syscall.Credential
}

// newAuditor copies files of the member's folder to where they may be read by anybody and written by nobody.
func newAuditor(t *testing.T, m *member, files ...string) *auditor {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("another user: run it as root")
	}
	at, err := os.MkdirTemp("", "quipu-audit-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(at) })
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	a := &auditor{t: t, name: filepath.Join(at, "quipu"), dir: filepath.Join(at, "copy"), as: &syscall.Credential{Uid: 65534, Gid: 65534}}
	run(t, "cp", name, a.name)
	run(t, "mkdir", a.dir)
	for _, file := range files {
		run(t, "cp", filepath.Join(m.dir, file), a.dir)
		run(t, "chmod", "0444", filepath.Join(a.dir, file))
	}
	run(t, "chmod", "0755", at, a.name)
	run(t, "chmod", "0555", a.dir)
	return a
}

func (a *auditor) try(args ...string) (out, said string, err error) {
	a.t.Helper()
	cmd := exec.Command(a.name, append(args, "--dir", a.dir)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.as}
	var stdout, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &errs
	err = cmd.Run()
	return stdout.String(), errs.String(), err
}

// files says which files lie in the folder, of what size and since when.
func (a *auditor) files() (all string) {
	a.t.Helper()
	files, err := os.ReadDir(a.dir)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			a.t.Fatal(err)
		}
		all += fmt.Sprintln(f.Name(), info.Size(), info.ModTime())
	}
	return all
}

// TestAnAuditorReadsACopy: all that only reads works for another user, on files that may only be read and without a key,
// and leaves them as they are. What writes says what it needs.
func TestAnAuditorReadsACopy(t *testing.T) {
	t.Parallel()
	m := newRead(t, 200)
	for name, files := range map[string][]string{
		"the log alone": {"quipu.db"}, "without the key": {"quipu.db", "quipu.db.seen", "quipu.yaml"}, "the whole folder": {"quipu.db", "quipu.key", "quipu.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuditor(t, m, files...)
			before := a.files()
			for _, args := range append(m.readings(), []string{"bundle", "create", "-"}) {
				out, said, err := a.try(args...)
				if err != nil {
					t.Errorf("%v: %v: %s", args, err, said)
				}
				if len(args) == 3 && args[0] == "log" && args[2] == "ndjson" && out != m.on("log", "--format", "ndjson") {
					t.Error("the auditor reads another log")
				}
			}
			if out, said, err := a.try("prune", "--keep", "1"); err == nil || !strings.Contains(said, "every node may forget") || !strings.Contains(said, "give --yes") {
				t.Errorf("prune, which asks for leave: %v: %s%s", err, out, said)
			}
			if out, said, err := a.try("append", "--kind", "x"); err == nil || !strings.Contains(said, a.dir) {
				t.Errorf("append: %v: %s%s", err, out, said)
			}
			if after := a.files(); after != before {
				t.Errorf("the folder was\n%sand is\n%s", before, after)
			}
		})
	}
	m.on("verify")
}

// TestReadingOnAReadOnlyMount: a stopped node's folder is read, and what writes is refused by name; a running one's is asked
// through its socket.
func TestReadingOnAReadOnlyMount(t *testing.T) {
	if !withOwnMounts(t) {
		return
	}
	m := newRead(t, 200)
	at := t.TempDir()
	bind(t, m.dir, at)
	if err := unix.Mount("", at, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	shown := *m
	shown.dir = at
	for _, running := range []bool{false, true} {
		if running {
			m.start()
			m.on("append", "--kind", "later")
		}
		for _, args := range m.readings() {
			if _, stderr, code := m.try("", append(args, "--dir", at)...); code != 0 {
				t.Errorf("%v, daemon %v: exit %d: %s", args, running, code, stderr)
			}
		}
		if got, want := shown.on("log", "--format", "ndjson"), m.on("log", "--format", "ndjson"); got != want {
			t.Errorf("daemon %v: %d bytes of log, want %d", running, len(got), len(want))
		}
		bundle := filepath.Join(t.TempDir(), "all.bundle")
		shown.quipu("bundle", "create", "--dir", at, bundle)
	}
	m.stop()
	if _, stderr, code := m.try("", "prune", "--dir", at, "--keep", "1"); code != 2 || !strings.Contains(stderr, "every node may forget") {
		t.Errorf("prune, which asks for leave: exit %d: %s", code, stderr)
	}
	if _, stderr, code := m.try("", "recover", "--dir", at); code != 3 {
		t.Errorf("recover, where there is nothing to recover from: exit %d: %s", code, stderr)
	}
	_, stderr, code := m.try("", "append", "--dir", at, "--kind", "x")
	if code != 1 || !strings.Contains(stderr, "read-only file system") || !strings.Contains(stderr, "expected a folder that this user may write to") {
		t.Errorf("append: exit %d: %s", code, stderr)
	}
}
