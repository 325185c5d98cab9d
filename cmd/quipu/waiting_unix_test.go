//go:build unix

package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestAFileThatWaitsIsInterrupted: a command that waits for somebody to open a pipe, to write to it or
// to read from it, ends on a signal.
func TestAFileThatWaitsIsInterrupted(t *testing.T) {
	dir := t.TempDir()
	node, fifo, held := filepath.Join(dir, "a"), filepath.Join(dir, "fifo"), filepath.Join(dir, "held")
	quipu(t, exitDone, "init", "--dir", node)
	quipu(t, exitDone, "transition", "--dir", node, "--subject", "s", "--to", "open")
	for _, path := range []string{fifo, held} {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		// What was left behind waiting goes on, and ends.
		t.Cleanup(func() {
			if file, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
				file.Close()
			}
		})
	}
	// Somebody has opened the other end of this one, and says nothing.
	silent, err := os.OpenFile(held, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })

	var all [][]string
	for _, from := range []string{fifo, held, "-"} {
		all = append(all, [][]string{
			{"append", "--dir", node, "--ndjson=" + from},
			{"transition", "--dir", node, "--ndjson=" + from},
			{"transitions", "--dir", node, "--check", "--machine", from},
			{"state", "--dir", node, "--at", from},
			{"bundle", "create", "--dir", node, "--since", from, filepath.Join(dir, "x")},
			{"bundle", "apply", "--dir", node, from},
			{"bundle", "show", from},
			{"bundle", "show", "--gain", from, filepath.Join(dir, "x")},
			{"check-proof", from},
			{"init", "--dir", filepath.Join(dir, "new"), "--log", "0123456789abcdef0123456789abcdef", "--genesis", from},
			{"demo", "--input", from},
		}...)
	}
	for _, from := range []string{fifo, held} {
		all = append(all, [][]string{
			{"start", "--dir", node, "--listen", "127.0.0.1:0", "--secret-file", from},
			{"sync", "--dir", node, "--secret-file", from, "127.0.0.1:9"},
		}...)
	}
	all = append(all, []string{"append", "--dir", node, "--kind", "k", "--payload", "-"},
		[]string{"bundle", "create", "--dir", node, fifo})
	for _, args := range all {
		if nobody := newNobody(t); slices.Contains(args, "-") || slices.Contains(args, "--ndjson=-") {
			ended(t, args, nobody, io.Discard, nobody.met)
		} else {
			ended(t, args, nobody, io.Discard, nil)
		}
	}
	if names, err := filepath.Glob(filepath.Join(dir, "*x")); err != nil || len(names) > 0 {
		t.Errorf("left behind: %q, %v", names, err)
	}
}

// TestAReaderThatDoesNotReadIsLeft: a command whose stdout is a full pipe ends on a signal.
func TestAReaderThatDoesNotReadIsLeft(t *testing.T) {
	node := filepath.Join(t.TempDir(), "a")
	quipu(t, exitDone, "init", "--dir", node)
	quipu(t, exitDone, "append", "--dir", node, "--kind", "k")
	for _, args := range [][]string{
		{"log", "--dir", node, "--format", "ndjson"},
		{"tail", "--dir", node, "--from-start", "--format", "ndjson"},
		{"bundle", "create", "--dir", node, "-"},
		{"status", "--dir", node},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel() // each waits a second for somebody who reads
			nobody := newNobody(t)
			ended(t, args, strings.NewReader(""), nobody, nobody.met)
		})
	}
}

// nobody is at the other end of a pipe: a Read or a Write waits until the test is over.
type nobody struct {
	once sync.Once
	met  chan struct{} // closed at the first Read or Write
	over <-chan struct{}
}

func newNobody(t *testing.T) *nobody {
	return &nobody{met: make(chan struct{}), over: t.Context().Done()}
}

func (n *nobody) Read([]byte) (int, error)  { return n.wait() }
func (n *nobody) Write([]byte) (int, error) { return n.wait() }

func (n *nobody) wait() (int, error) {
	n.once.Do(func() { close(n.met) })
	<-n.over
	return 0, io.EOF
}

// ended runs a command, interrupts it once it has met nobody, or at once, and wants it to end.
func ended(t *testing.T, args []string, in io.Reader, out io.Writer, met <-chan struct{}) {
	t.Helper()
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	done := make(chan int, 1)
	var errs bytes.Buffer
	go func() { done <- run(ctx, args, in, out, &errs) }()
	if met != nil {
		select {
		case <-met:
		case code := <-done:
			t.Fatalf("%q ended by itself with exit code %d: %s", args, code, &errs)
		}
	}
	interrupt()
	select {
	case code := <-done:
		if code != exitFailed && args[0] != "tail" {
			t.Errorf("%q: exit code %d, want %d: %s", args, code, exitFailed, &errs)
		}
	case <-time.After(patience):
		t.Errorf("%q goes on", args)
	}
}
