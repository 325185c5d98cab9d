package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

// pane is a terminal that tmux runs a command in.
type pane struct {
	t      *testing.T
	socket string
}

// newPane has tmux run a line of the shell in a terminal of that size.
func newPane(t *testing.T, columns, rows int, line string) *pane {
	t.Helper()
	dir, err := os.MkdirTemp("", "qt") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	p := &pane{t, filepath.Join(dir, "tmux")}
	t.Cleanup(func() {
		exec.Command("tmux", "-S", p.socket, "kill-server").Run()
		os.RemoveAll(dir)
	})
	p.tmux("-f", "/dev/null", "-u", "new-session", "-d", "-x", strconv.Itoa(columns), "-y", strconv.Itoa(rows), line)
	return p
}

func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", p.socket}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return string(out)
}

// shows waits until all of the texts stand on the terminal at once, and returns what does.
func (p *pane) shows(texts ...string) (screen string) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%q", texts), func() bool {
		screen = p.tmux("capture-pane", "-p")
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	}, func() string { return screen })
	return screen
}

// runs returns the process that the shell in the pane waits for.
func (p *pane) runs() int {
	p.t.Helper()
	shell := strings.TrimSpace(p.tmux("display-message", "-p", "#{pane_pid}"))
	b, err := os.ReadFile(filepath.Join("/proc", shell, "task", shell, "children"))
	if err != nil {
		p.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		p.t.Fatal(err)
	}
	return pid
}

// TestTopOnATerminal: tmux runs quipu top at 80 columns and at 40, while a member of an evil name is there, and the daemon
// goes away and comes back. At q, at ctrl-c and at SIGTERM it ends with 0 and leaves the terminal as it was.
func TestTopOnATerminal(t *testing.T) {
	if os.Getenv("QUIPU_E2E") == "" || testing.Short() {
		t.Skip("not without QUIPU_E2E=1: tmux draws a terminal")
	}
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Fatal("no tmux here")
	}
	t.Parallel()
	a := newCluster(t, 1)[0]
	b := &member{t: t, dir: filepath.Join(t.TempDir(), "b"), listen: "127.0.0.1:0", stderr: new(daemonLog)}
	b.create("e\u202evil\u009b2J", "--log", a.log)
	startAll([]*member{a, b})
	a.on("append", "--kind", "k")
	converged(t, []*member{a, b})
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf("echo before; stty -a >%[1]s/before; '%[2]s' top --dir '%[1]s' --every 100ms; echo exit=$?; stty -a >%[1]s/after; echo restored; exec cat", a.dir, name)
	for way, end := range map[string]func(*pane){
		"q":       func(p *pane) { p.tmux("send-keys", "q") },
		"ctrl-c":  func(p *pane) { p.tmux("send-keys", "C-c") },
		"SIGTERM": func(p *pane) { syscall.Kill(p.runs(), syscall.SIGTERM) },
	} {
		p := newPane(t, 80, 24, line)
		p.shows("node0  "+a.author[:8], "WE LACK", `e\u202evil\u009b2J`, "entries ", "members 1 alive, 1 linked")
		if way == "q" {
			usable(t, p, a)
		}
		end(p)
		p.shows("before", "exit=0", "restored") // the screen of before is there again
		if state := strings.TrimSpace(p.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}")); state != "0 1" {
			t.Errorf("%s: the other screen and the cursor are %q, want 0 1", way, state)
		}
		var settings [2]string
		for i, file := range []string{"before", "after"} {
			text, err := os.ReadFile(filepath.Join(a.dir, file))
			if err != nil {
				t.Fatal(err)
			}
			settings[i] = string(text)
		}
		if settings[0] != settings[1] {
			t.Errorf("%s: the terminal was\n%s\nand is\n%s", way, settings[0], settings[1])
		}
	}
	sameLogsThatVerify(t, []*member{a, b})
}

// usable wants top to fit a terminal that becomes narrow, and to wait for a daemon that goes away.
func usable(t *testing.T, p *pane, a *member) {
	t.Helper()
	p.tmux("resize-window", "-x", "40", "-y", "16")
	eventually(t, "a screen of 40 columns", func() bool {
		screen := p.shows("WE LACK", "entries 1")
		for line := range strings.Lines(screen) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 40 {
				return false
			}
		}
		return strings.Count(screen, "\n") == 16
	}, func() string { return p.shows("") })
	p.tmux("resize-window", "-x", "80", "-y", "24")
	a.kill()
	p.shows("NO ANSWER since ", "no daemon answers", "entries 1")
	a.start()
	eventually(t, "an answer", func() bool { return !strings.Contains(p.shows("entries 1"), "NO ANSWER") }, func() string { return p.shows("") })
	a.on("append", "--kind", "k")
	p.shows("entries 2")
	a.on("append", "--kind", "k")
	p.shows("entries 3")
}
