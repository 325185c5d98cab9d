package main

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quipulog/quipu/node/folder"
)

// fleetKey is where a script keeps its daemons.
const fleetKey = "daemons"

// patience is how long a script waits for a daemon to do what it must.
const patience = 30 * time.Second

// signals are those that a script sends without waiting for what comes of it.
var signals = map[string]os.Signal{"term": syscall.SIGTERM}

// daemons are the daemons of a script, by folder.
type daemons map[string]*daemon

// daemon is a running "quipu start".
type daemon struct {
	cmd   *exec.Cmd
	ready chan string
	ended chan struct{}

	mu     sync.Mutex // guards what follows
	logged []string
	more   chan struct{} // closed at the next line
}

func daemonCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: daemon start|logged|term|stop|hangup|kill|pause|resume|wait DIR ...")
	}
	fleet := ts.Value(fleetKey).(daemons)
	what, dir, rest := args[0], args[1], args[2:]
	if what == "start" {
		fleet.start(ts, dir, rest)
		return
	}
	d := fleet[dir]
	if d == nil {
		ts.Fatalf("no daemon was started in %s", dir)
	}
	if s := signals[what]; s != nil {
		ts.Check(d.cmd.Process.Signal(s))
		return
	}
	switch what {
	case "logged":
		d.awaitLine(ts, rest[0])
	case "stop":
		ts.Check(d.cmd.Process.Signal(syscall.SIGTERM))
		d.awaitEnd(ts, 0)
	case "hangup":
		ts.Check(d.cmd.Process.Signal(syscall.SIGHUP))
		d.awaitEnd(ts, 0)
	case "kill":
		ts.Check(d.cmd.Process.Kill())
		d.awaitEnd(ts, -1)
	case "wait":
		code, err := strconv.Atoi(rest[0])
		ts.Check(err)
		d.awaitEnd(ts, code)
	default:
		ts.Fatalf("unknown: daemon %s", what)
	}
}

// start runs a daemon and waits until it is ready or has ended.
func (fleet daemons) start(ts *testscript.TestScript, dir string, args []string) {
	if ts.Getenv("OWN_SECRETS") == "" && !slices.ContainsFunc(args, func(arg string) bool { return arg == "--secret-file" || arg == "--open" }) {
		giveSecret(ts, folder.Folder(ts.MkAbs(dir)))
	}
	cmd := exec.Command(binary(ts), append([]string{"start", "--dir", dir}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(cmd.Environ(), "TMPDIR="+ts.Getenv("TMPDIR"), "GORACE="+ts.Getenv("GORACE"), "QUIPU_HTTP="+ts.Getenv("QUIPU_HTTP"))
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	errs, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	d := &daemon{cmd: cmd, ready: make(chan string, 1), ended: make(chan struct{}), more: make(chan struct{})}
	fleet[dir] = d
	var reading sync.WaitGroup
	reading.Go(func() { d.readLog(errs) })
	reading.Go(func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		d.ready <- line
		_, _ = io.Copy(io.Discard, out)
	})
	go func() {
		reading.Wait()
		_ = cmd.Wait() // its state is looked at
		close(d.ended)
	}()
	select {
	case line := <-d.ready:
		d.announce(ts, dir, line)
	case <-time.After(patience):
		ts.Fatalf("%s: not ready after %s", dir, patience)
	}
}

// ready wants the last ready line of a daemon to have said that it recovers, and why.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ready DIR WHY")
	}
	if why := ts.Getenv(args[0] + "_recovering"); why != args[1] {
		ts.Fatalf("%s: the ready line says recovering=%q, want %q", args[0], why, args[1])
	}
}

// giveSecret puts the secret that the daemons of a script share into a node's folder, unless it has one.
func giveSecret(ts *testscript.TestScript, f folder.Folder) {
	if _, err := os.Stat(f.Key()); err != nil {
		return
	}
	if err := f.WriteSecret(make([]byte, 32)); !errors.Is(err, fs.ErrExist) {
		ts.Check(err)
	}
}

// announce sets the variables that a ready line gives; none when the daemon ended instead.
func (d *daemon) announce(ts *testscript.TestScript, dir, line string) {
	name := strings.ReplaceAll(dir, "/", "_")
	ts.Setenv(name+"_recovering", "")
	for key, variable := range map[string]string{"listen": "addr", "socket": "socket", "http": "http", "recovering": "recovering"} {
		for _, field := range strings.Fields(line) {
			if value, ok := strings.CutPrefix(field, key+"="); ok {
				ts.Setenv(name+"_"+variable, value)
			}
		}
	}
	ts.Logf("[daemon %s] %s", dir, line)
}

func (d *daemon) readLog(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		d.mu.Lock()
		d.logged = append(d.logged, lines.Text())
		close(d.more)
		d.more = make(chan struct{})
		d.mu.Unlock()
	}
}

// awaitLine waits until a line of the daemon's log matches.
func (d *daemon) awaitLine(ts *testscript.TestScript, pattern string) {
	re, err := regexp.Compile(pattern)
	ts.Check(err)
	deadline := time.After(patience)
	for {
		d.mu.Lock()
		lines, more := d.logged, d.more
		d.mu.Unlock()
		for _, line := range lines {
			if re.MatchString(line) {
				ts.Logf("[daemon] %s", line)
				return
			}
		}
		select {
		case <-more:
		case <-deadline:
			ts.Fatalf("nothing logged matches %q:\n%s", pattern, strings.Join(lines, "\n"))
		}
	}
}

// awaitEnd waits until the daemon has ended with that exit code, -1 for a signal.
func (d *daemon) awaitEnd(ts *testscript.TestScript, code int) {
	select {
	case <-d.ended:
	case <-time.After(patience):
		ts.Fatalf("still running after %s", patience)
	}
	if got := d.cmd.ProcessState.ExitCode(); got != code {
		ts.Fatalf("exit code %d, want %d:\n%s", got, code, d.log())
	}
}

func (d *daemon) log() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.logged, "\n")
}

// killAll ends what a script has left running.
func (fleet daemons) killAll() {
	for _, d := range fleet {
		if err := d.cmd.Process.Kill(); err == nil {
			<-d.ended
		}
	}
}
