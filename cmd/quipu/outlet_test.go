package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// gate is a stderr that nobody reads until it is opened.
type gate struct {
	open chan struct{}
	bytes.Buffer
}

func (g *gate) Write(b []byte) (int, error) {
	<-g.open
	return g.Buffer.Write(b)
}

// TestLoggingNeverWaits logs more than can wait while nobody reads: it holds no more than its bound, and
// what was dropped is counted where it is missing.
func TestLoggingNeverWaits(t *testing.T) {
	for format, count := range map[string]string{"text": ` lines=(\d+)\n`, "json": `"lines":(\d+)}\n`} {
		g := &gate{open: make(chan struct{})}
		o := newOutlet(g)
		logger := newLogger(o, "info", format)
		const n = 10000
		for i := range n {
			logger.Info("line", "i", i, "text", strings.Repeat("x", 100))
		}
		o.mu.Lock()
		if held := cap(o.waiting); held > 2*maxWaiting {
			t.Errorf("%s: %d bytes wait", format, held)
		}
		o.mu.Unlock()
		close(g.open)
		o.close(t.Context(), true)
		number := regexp.MustCompile("nobody took them.*" + count + "|" + ` i=(\d+) |"i":(\d+),`)
		next, drops := 0, 0
		for _, match := range number.FindAllStringSubmatch(g.String(), -1) {
			lost, _ := strconv.Atoi(match[1])
			at, _ := strconv.Atoi(match[2] + match[3])
			if lost > 0 {
				next += lost
				drops++
				continue
			}
			if at != next {
				t.Fatalf("%s: line %d stands where %d is expected", format, at, next)
			}
			next++
		}
		if next != n || drops == 0 {
			t.Errorf("%s: %d lines are written or counted of %d, in %d drops", format, next, n, drops)
		}
	}
}

// TestOutletGoesOnWhenItCan has a disk without room for a while.
func TestOutletGoesOnWhenItCan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &smallDisk{room: 12}
		o := newOutlet(disk)
		for i := range 4 {
			fmt.Fprintf(o, "line %d\n", i) // of 7 bytes
			synctest.Wait()
		}
		disk.room = 1000
		fmt.Fprint(o, "later\n")
		o.close(t.Context(), true)
		// The second line was cut, and the third and fourth never written.
		if want := "line 0\nline \nlater\nquipu: 3 lines were dropped here: nobody took them\n"; disk.String() != want {
			t.Errorf("written is %q, want %q", disk.String(), want)
		}
	})
}

// smallDisk takes what there is room for.
type smallDisk struct {
	room int
	bytes.Buffer
}

func (d *smallDisk) Write(b []byte) (int, error) {
	n := min(len(b), d.room)
	d.room -= n
	d.Buffer.Write(b[:n])
	if n < len(b) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

// TestLastWordsAreBounded ends a command whose stderr nobody reads.
func TestLastWordsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, other := &gate{open: make(chan struct{})}, &gate{open: make(chan struct{})}
		defer close(one.open)
		defer close(other.open)
		ctx, cancel := context.WithCancel(t.Context())
		told := make(chan struct{})
		patient := newOutlet(one)
		fmt.Fprintln(patient, "a word")
		go func() {
			defer close(told)
			patient.close(ctx, true)
		}()
		synctest.Wait()
		select {
		case <-told:
			t.Error("a command does not wait for its reader")
		default:
		}
		cancel()
		<-told

		daemon := newOutlet(other)
		fmt.Fprintln(daemon, "a word")
		daemon.close(t.Context(), false)
	})
}

// TestCommandsWaitOnceForStderr: what a command says is in order with its output, unless nobody reads.
func TestCommandsWaitOnceForStderr(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		o := newOutlet(g)
		begun := time.Now()
		for range 3 {
			fmt.Fprintln(o, "a word")
		}
		if took := time.Since(begun); took != handOver {
			t.Errorf("three lines that nobody reads took %s", took)
		}
		close(g.open)
		synctest.Wait()
		fmt.Fprintln(o, "the last")
		if !strings.HasSuffix(g.String(), "the last\n") {
			t.Errorf("a line that can be taken is not waited for: %q", g.String())
		}
		o.close(t.Context(), true)
	})
}
