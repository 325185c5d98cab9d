package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminalName stands for the name of the terminal in a command line of onTerminal.
const terminalName = "TERMINAL"

// openPair opens the two ends of a terminal, that of a person and that of a program. Without terminals the test is
// skipped.
func openPair(t *testing.T) (person, terminal *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return person, terminal
}

// onTerminal runs a command line whose stdout and stderr are a terminal with so many columns, and returns what
// that was sent and the exit code.
func onTerminal(t *testing.T, columns uint16, args ...string) (string, int) {
	t.Helper()
	person, terminal := openPair(t)
	defer person.Close()
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: 25}); err != nil {
		t.Fatal(err)
	}
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == terminalName {
			args[i] = terminal.Name()
		}
	}
	seen := make(chan string)
	go func() {
		b, _ := io.ReadAll(person) // ends with an error once nobody has the terminal open
		seen <- string(b)
	}()
	code := run(t.Context(), args, strings.NewReader(""), terminal, terminal)
	if err := terminal.Close(); err != nil {
		t.Error(err)
	}
	return <-seen, code
}

// TestBundleRefusesATerminal: it is no text, and nothing is written.
func TestBundleRefusesATerminal(t *testing.T) {
	dir := t.TempDir() + "/a"
	quipu(t, exitDone, "init", "--dir", dir)
	quipu(t, exitDone, "append", "--dir", dir, "--kind", "k")
	for _, file := range []string{"-", terminalName} {
		seen, code := onTerminal(t, 400, "bundle", "create", "--dir", dir, file)
		if code != exitUsage || !strings.HasPrefix(seen, "quipu: ") || !strings.Contains(seen, "is a terminal, and a bundle is no text: ") {
			t.Errorf("%s: exit code %d, %q is shown", file, code, seen)
		}
	}
	quipu(t, exitDone, "bundle", "create", "--dir", dir, os.DevNull)
	if piped := quipu(t, exitDone, "bundle", "create", "--dir", dir, "-"); !strings.HasPrefix(piped, "quipu") {
		t.Errorf("a pipe is sent %q", piped)
	}
}

// TestTerminalActsUponNothing: entries come from strangers. Whatever prints them, a terminal is sent nothing
// that it acts upon or that turns text; a pipe is sent every byte.
func TestTerminalActsUponNothing(t *testing.T) {
	dir := t.TempDir() + "/a"
	quipu(t, exitDone, "init", "--dir", dir)
	evil := "c1\u009b2J bidi\u202e\u2066 hidden\u200b\U000e0001"
	lines := t.TempDir() + "/lines"
	text := fmt.Sprintf(`{"kind":"k","module":%[1]q,"subject":%[1]q,"headers":{%[1]q:"x"},"payload":%[1]q}`+"\n"+
		`{"kind":"quipu.transition","subject":%[1]q,"payload":{"to":%[1]q,"trigger":%[1]q}}`+"\n", "EVIL")
	if err := os.WriteFile(lines, []byte(strings.ReplaceAll(text, "EVIL", evil)), 0o600); err != nil {
		t.Fatal(err)
	}
	places := strings.Fields(quipu(t, exitDone, "append", "--dir", dir, "--ndjson", lines))
	proof := t.TempDir() + "/proof"
	if err := os.WriteFile(proof, []byte(quipu(t, exitDone, "prove", "--dir", dir, places[0])), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"log", "--format", "ndjson"}, {"log", "--format", "json"}, {"log", places[0], "--format", "json"}, {"log"},
		{"tail", "--from-start", "--limit", "1", "--format", "ndjson"},
		{"transitions"}, {"transitions", "--format", "json"}, {"state"}, {"state", "--format", "ndjson"},
		{"stats"}, {"stats", "--format", "json"}, {"stats", "--format", "csv"},
		{"stats", "--start-kind", "k", "--end-kind", "quipu.transition", "--list", "paired", "--format", "json"},
		{"check-proof", proof},
	} {
		if args[0] != "check-proof" {
			args = append(args, "--dir", dir)
		}
		seen, code := onTerminal(t, 400, args...)
		if code != exitDone || !strings.Contains(seen, `bidi\u202e\u2066`) || !strings.Contains(seen, `c1\u009b2J`) {
			t.Errorf("%q: exit code %d, %q is shown", args, code, seen)
		}
		seen = strings.ReplaceAll(seen, "\r\n", "\n")
		if at := strings.IndexFunc(seen, func(r rune) bool { return r != '\n' && r != '\t' && !shown(r) }); at >= 0 {
			t.Errorf("%q: a terminal acts upon %q", args, seen[at:min(len(seen), at+20)])
		}
	}
	if piped := quipu(t, exitDone, "log", "--dir", dir, "--format", "ndjson"); !strings.Contains(piped, `"payload":"`+evil+`"`) {
		t.Errorf("a pipe is sent %q", piped)
	}
	if seen, _ := onTerminal(t, 400, "follow", "--dir", dir, "f", "--once", "--exec", "cat"); !strings.Contains(seen, `"payload":"`+evil+`"`) {
		t.Errorf("what a handler of follow prints is its own; it printed %q", seen)
	}
	if seen, code := onTerminal(t, 400, "append", "--dir", dir, "--kind", "\u202e", "--subject", evil+"\x1b[2J", "--payload", "{"); code != exitFailed || strings.ContainsAny(seen, "\x1b\u009b\u202e") {
		t.Errorf("exit code %d, an error is shown as %q", code, seen)
	}
}

// TestTablesFitTheTerminal: no line of any table is wider than the terminal, and the same goes to a pipe
// uncut.
func TestTablesFitTheTerminal(t *testing.T) {
	t.Setenv("COLUMNS", "")
	dir := t.TempDir() + "/a"
	quipu(t, exitDone, "init", "--dir", dir)
	subject, payload := strings.Repeat("subject 漢字 ", 10), strings.Repeat("payload ", 20)
	quipu(t, exitDone, "append", "--dir", dir, "--kind", "begun", "--module", strings.Repeat("module ", 10), "--subject", subject, "--content-type", "text/plain", "--payload", payload)
	quipu(t, exitDone, "append", "--dir", dir, "--kind", "ended", "--subject", subject)
	quipu(t, exitDone, "transition", "--dir", dir, "--subject", subject, "--to", "a stage with a name that is long", "--trigger", "a trigger with a name that is long")
	quipu(t, exitFailed, "follow", "--dir", dir, "follower", "--once", "--exec", "exit 1")
	pairs := []string{"stats", "--start-kind", "begun", "--end-kind", "ended"}
	for _, args := range [][]string{
		{"log"}, {"tail", "--from-start", "--limit", "3"}, {"transitions"}, {"state"}, {"frontier"}, {"followers", "list"}, {"trim", "--status"},
		{"stats"}, append(pairs, "--by", "module"), append(pairs, "--list", "paired"),
	} {
		args = append(slices.Clone(args), "--dir", dir)
		for _, columns := range []uint16{40, 80, 100, 250} {
			seen, code := onTerminal(t, columns, args...)
			if code != exitDone || strings.Count(seen, "\n") < 2 {
				t.Errorf("%q: exit code %d, %q is shown", args, code, seen)
			}
			for line := range strings.Lines(strings.ReplaceAll(seen, "\r\n", "\n")) {
				if width := cellWidth(strings.TrimSuffix(line, "\n")); width > int(columns) && strings.Contains(strings.TrimSpace(line), "  ") {
					t.Errorf("%q: of %d columns, %d are in %q", args, columns, width, line)
				}
			}
		}
	}
	seen, _ := onTerminal(t, 100, "log", "--dir", dir, "--kind", "begun")
	if row := strings.Split(seen, "\r\n")[1]; cellWidth(row) < 98 || !strings.HasSuffix(row, "…") {
		t.Errorf("the payload is not cut to what is left: %q", row)
	}
	if piped := quipu(t, exitDone, "log", "--dir", dir); !strings.Contains(piped, strings.TrimSpace(subject)) {
		t.Errorf("a pipe is sent %q", piped)
	}
}
