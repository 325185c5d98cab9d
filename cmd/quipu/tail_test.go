package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// awaitLine reads lines until one holds the text.
func awaitLine(t *testing.T, lines *bufio.Scanner, text string) {
	t.Helper()
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			return
		}
	}
	t.Fatalf("no line with %q", text)
}

// TestTailBehindTheTrimPointSaysSoAndGoesOn trims while a tail waits for a daemon, so that what
// comes next for it is gone. System C: who is behind the trim point waits for ever.
func TestTailBehindTheTrimPointSaysSoAndGoesOn(t *testing.T) {
	dir := t.TempDir() + "/a"
	quipu(t, exitDone, "init", "--dir", dir)
	quipu(t, exitDone, "append", "--dir", dir, "--kind", "note", "--subject", "one")
	var out bytes.Buffer
	errs, into := io.Pipe()
	tail := make(chan int, 1)
	go func() {
		tail <- run(t.Context(), []string{"tail", "--dir", dir, "--from-start", "--limit", "3"}, nil, &out, into)
	}()
	said := bufio.NewScanner(errs)
	awaitLine(t, said, "waiting for one")
	for _, subject := range []string{"gone", "gone"} {
		quipu(t, exitDone, "append", "--dir", dir, "--kind", "seen", "--subject", subject, "--retention", "trimmable")
	}
	quipu(t, exitDone, "append", "--dir", dir, "--kind", "note", "--subject", "two")
	quipu(t, exitDone, "append", "--dir", dir, "--kind", "note", "--subject", "three")
	quipu(t, exitDone, "trim", "--dir", dir, "--min-age", "0", "--min-count", "0", "--force")

	ctx, stop := context.WithCancel(t.Context())
	daemon := make(chan int, 1)
	go func() {
		daemon <- run(ctx, []string{"start", "--dir", dir, "--listen", "127.0.0.1:0"}, nil, io.Discard, io.Discard)
	}()
	awaitLine(t, said, "/1 on are gone, which were trimmed here: go on at ")
	go io.Copy(io.Discard, errs)
	if code := <-tail; code != exitDone {
		t.Errorf("exit code %d", code)
	}
	stop()
	if code := <-daemon; code != exitDone {
		t.Errorf("the daemon ends with %d", code)
	}
	for _, subject := range []string{"one", "two", "three"} {
		if strings.Count(out.String(), subject) != 1 {
			t.Errorf("%q is not printed once:\n%s", subject, out.String())
		}
	}
}

// TestTailFarBehindTheTrimPointGoesOnAtOnce has a tail meet what is gone at many places: it names the first,
// counts the others, and does not pause at each. System C: who is behind the trim point waits for ever.
func TestTailFarBehindTheTrimPointGoesOnAtOnce(t *testing.T) {
	dir := t.TempDir() + "/a"
	quipu(t, exitDone, "init", "--dir", dir)
	quipu(t, exitDone, "append", "--dir", dir, "--kind", "note")
	var out bytes.Buffer
	errs, into := io.Pipe()
	tail := make(chan int, 1)
	const places = 30
	go func() {
		tail <- run(t.Context(), []string{"tail", "--dir", dir, "--from-start", "--limit", strconv.Itoa(1 + places)}, nil, &out, into)
		into.Close()
	}()
	said := bufio.NewScanner(errs)
	awaitLine(t, said, "waiting for one")
	var lines strings.Builder
	for range places {
		lines.WriteString(`{"kind":"seen","retention":"trimmable"}` + "\n" + `{"kind":"note"}` + "\n")
	}
	file := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	quipu(t, exitDone, "append", "--dir", dir, "--ndjson", file)
	quipu(t, exitDone, "trim", "--dir", dir, "--min-age", "0", "--min-count", "0", "--force")

	ctx, stop := context.WithCancel(t.Context())
	daemon := make(chan int, 1)
	go func() {
		daemon <- run(ctx, []string{"start", "--dir", dir, "--listen", "127.0.0.1:0"}, nil, io.Discard, io.Discard)
	}()
	awaitLine(t, said, "/1 on are gone, which were trimmed here: go on at ")
	said.Scan()
	if want := "29 entries more, behind those, are gone, at 29 places"; !strings.Contains(said.Text(), want) {
		t.Errorf("it says %q, want %q", said.Text(), want)
	}
	if code := <-tail; code != exitDone || strings.Count(out.String(), "note") != 1+places {
		t.Errorf("exit code %d, printed:\n%s", code, out.String())
	}
	stop()
	if code := <-daemon; code != exitDone {
		t.Errorf("the daemon ends with %d", code)
	}
}
