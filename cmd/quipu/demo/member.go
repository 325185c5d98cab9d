package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/folder"
)

// The patience of the demo with a child process.
const (
	startFor = 15 * time.Second
	stopFor  = 10 * time.Second
)

// member is one node: a folder, and a child process while its daemon runs.
type member struct {
	name   string
	dir    string
	author crdt.Author
	addr   string // that peers connect to, while the daemon runs
	page   bool   // it has a page

	daemon *exec.Cmd // nil while none runs
	ended  chan error
}

// newMember makes a node in dir: of a log of its own when log is zero. All members share a secret.
func newMember(name, dir string, log crdt.LogID, secret []byte) (*member, crdt.LogID, error) {
	author, id, err := node.Init(node.Birth{Dir: dir, Name: name, Log: log})
	if err != nil {
		return nil, crdt.LogID{}, err
	}
	// All of them are on this machine, so that silence means death sooner than on a network.
	f := folder.Folder(dir)
	err = errors.Join(f.WriteConfig(folder.Config{Name: name, Log: id.String(), Profile: "local"}), f.WriteSecret(secret))
	return &member{name: name, dir: dir, author: author}, id, err
}

// start runs the node's daemon and waits for its ready line. It ends with this process, however that ends: it reads the
// other end of a pipe that is open for as long as this process is.
func (m *member) start(ctx context.Context, exe string, join []string) error {
	args := []string{"start", "--dir", m.dir, "--listen", "127.0.0.1:0", "--until-eof"}
	for _, addr := range join {
		args = append(args, "--join", addr)
	}
	if m.page {
		args = append(args, "--http", "127.0.0.1:0")
	}
	cmd := exec.Command(exe, args...)
	cmd.Args[0] = "quipu"
	ready, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if _, err := cmd.StdinPipe(); err != nil { // which is closed when the daemon has ended
		return err
	}
	errs, err := os.OpenFile(m.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer errs.Close()
	cmd.Stderr = errs
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", m.name, err)
	}
	line := make(chan string, 1)
	ended := make(chan error, 1)
	go func() {
		text, _ := bufio.NewReader(ready).ReadString('\n')
		line <- text
		ended <- cmd.Wait()
	}()
	m.daemon, m.ended = cmd, ended
	select {
	case text := <-line:
		m.addr = valueOf(text, "listen")
		if m.addr == "" {
			return errors.Join(fmt.Errorf("start %s: it ended before it was ready", m.name), m.kill())
		}
		return nil
	case <-time.After(startFor):
		return errors.Join(fmt.Errorf("start %s: not ready after %s", m.name, startFor), m.kill())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), m.kill())
	}
}

// logFile is where the daemon's stderr goes.
func (m *member) logFile() string { return filepath.Join(m.dir, "daemon.log") }

// valueOf returns the value of key in a ready line.
func valueOf(line, key string) string {
	for _, field := range strings.Fields(line) {
		if value, ok := strings.CutPrefix(field, key+"="); ok {
			return value
		}
	}
	return ""
}

// kill ends the daemon with SIGKILL: it has no chance to put anything in order.
func (m *member) kill() error {
	if m.daemon == nil {
		return nil
	}
	err := m.daemon.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-m.ended
	m.daemon = nil
	return err
}

// stop ends the daemon with SIGTERM, and returns an error unless its exit code is 0.
func (m *member) stop() error {
	if m.daemon == nil {
		return nil
	}
	err := m.daemon.Process.Signal(syscall.SIGTERM)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Join(fmt.Errorf("stop %s: %w", m.name, err), m.kill())
	}
	select {
	case err = <-m.ended:
		m.daemon = nil
	case <-time.After(stopFor):
		return errors.Join(fmt.Errorf("stop %s: still running after %s", m.name, stopFor), m.kill())
	}
	if err != nil {
		return fmt.Errorf("stop %s: %w", m.name, err)
	}
	return nil
}

// with calls fn with a client of the node: of its daemon, or of its log when none runs.
func (m *member) with(ctx context.Context, fn func(*client.Client) error) error {
	client, err := node.Connect(ctx, m.dir, node.Access{})
	if err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	if err := errors.Join(fn(client), client.Close()); err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	return nil
}

// lastWords returns the end of what the daemon logged.
func (m *member) lastWords() string {
	b, err := os.ReadFile(m.logFile())
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
