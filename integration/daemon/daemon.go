// Package daemon runs nodes in processes of their own, as the tests of the modules below this folder meet them. Each of
// these modules lies in a folder beside it, from which it finds the source of the binary.
//
// A test's package has a TestMain that calls [Main]. [New] makes a folder, [Daemon.Start] serves it, [Daemon.Kill] ends that
// with SIGKILL, and the next start serves it again at the same addresses.
package daemon

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// binary builds quipu once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "quipu-daemon-")
	if err != nil {
		return "", err
	}
	binaryDir = dir
	name := filepath.Join(dir, "quipu")
	build := exec.Command("go", "build", "-o", name, "./cmd/quipu")
	build.Dir, build.Stderr = "../..", os.Stderr
	return name, build.Run()
})

// binaryDir is the folder of the binary; empty as long as no test has asked for it.
var binaryDir string

// Main runs the tests of a package, removes the binary that they have run, and ends the process.
func Main(m *testing.M) {
	code := m.Run()
	if binaryDir != "" {
		os.RemoveAll(binaryDir)
	}
	os.Exit(code)
}

// Daemon is a node's folder, and while it is started the process that serves it.
type Daemon struct {
	Dir, Log string
	Addr     string // where its peers find it
	URL      string // where it is asked over HTTP
	cmd      *exec.Cmd
}

// New makes a folder of a log, or of a new one where that is empty.
func New(t *testing.T, name, log string) *Daemon {
	t.Helper()
	return NewIn(t, os.TempDir(), name, log)
}

// NewIn is New on another disk.
func NewIn(t *testing.T, disk, name, log string) *Daemon {
	t.Helper()
	parent, err := os.MkdirTemp(disk, "qd") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	d := &Daemon{Dir: filepath.Join(parent, name)}
	var of []string
	if log != "" {
		of = []string{"--log", log}
	}
	for line := range strings.Lines(d.Quipu(t, "init", append(of, "--name", name)...)) {
		if id, ok := strings.CutPrefix(line, "log "); ok {
			d.Log = strings.TrimSpace(id)
		}
	}
	if err := os.WriteFile(filepath.Join(d.Dir, "secret"), []byte(strings.Repeat("0", 64)+"\n"), 0o600); err != nil { // the same for all
		t.Fatal(err)
	}
	return d
}

// Binary returns the path of the binary that the daemons run, which is called quipu.
func Binary(t *testing.T) string {
	t.Helper()
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// Quipu runs a command on the folder, which must succeed, and returns what it prints.
func (d *Daemon) Quipu(t *testing.T, command string, args ...string) string {
	t.Helper()
	out, err := d.Try(t, command, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Try runs a command on the folder, and returns what it prints. Its error has the command, and what that says of it.
func (d *Daemon) Try(t *testing.T, command string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), Binary(t), append([]string{command, "--dir", d.Dir}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s", cmd, err, &errs)
	}
	return out.String(), nil
}

// Start serves the folder until the test ends or the daemon is killed, and returns when it does: on free ports of loopback,
// or on those of before.
func (d *Daemon) Start(t *testing.T, flags ...string) {
	t.Helper()
	const free = "127.0.0.1:0"
	d.cmd = exec.Command(Binary(t), append([]string{"start", "--dir", d.Dir, "--listen", cmp.Or(d.Addr, free), "--http", cmp.Or(strings.TrimPrefix(d.URL, "http://"), free)}, flags...)...)
	var errs bytes.Buffer
	d.cmd.Stderr = &errs
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Kill)
	d.Addr, d.URL = "", ""
	lines := bufio.NewReader(out)
	ready, err := lines.ReadString('\n')
	for word := range strings.FieldsSeq(ready) {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "listen":
			d.Addr = value
		case "http":
			d.URL = value
		}
	}
	if err != nil || d.Addr == "" || d.URL == "" {
		d.Kill()
		t.Fatalf("start printed %q, %v: %s", ready, err, &errs)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }() // it ends with the daemon
}

// PID returns the number of the process that [Daemon.Start] has started.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// Kill ends the process with SIGKILL, unless it has ended, and returns when it is gone.
func (d *Daemon) Kill() {
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait() // which is an error where Wait was called before
}
