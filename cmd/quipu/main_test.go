package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/quipulog/quipu/node/api"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":           "plain",
		"ñ 漢 😀":           "ñ 漢 😀",
		"a\x1b[2Jb":       `a\x1b[2Jb`,
		"a\nb\tc":         `a\nb\tc`,
		"\u202eabc":       `\u202eabc`,
		"\u2066abc\u2069": `\u2066abc\u2069`,
		"\u2028":          `\u2028`,
		"\u200b":          `\u200b`,
		"\u00a0":          `\u00a0`,
		"\x7f":            `\x7f`,
		"\u009b":          `\u009b`,
		"\xff":            `\xff`,
		"\ufffd":          "\ufffd",
		"\U000e0001":      `\U000e0001`,
		"":                "",
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestJoinedErrorsAreToldOnce: each of them stands once in the line, in order; an error with words of its own stays.
func TestJoinedErrorsAreToldOnce(t *testing.T) {
	full := errors.New("no room")
	for want, err := range map[string]error{
		"no room":              errors.Join(full, nil, full),
		"no room; full; left":  errors.Join(full, errors.Join(errors.New("full"), errors.New("left")), full),
		"write: no room":       fmt.Errorf("write: %w", full),
		"no room, and no room": fmt.Errorf("%w, and %w", full, full),
	} {
		if got := once(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitDone},
		{errReaderLeft, exitDone},
		{errors.Join(errReaderLeft, nil), exitDone},
		{io.ErrUnexpectedEOF, exitFailed},
		{syscall.EPIPE, exitFailed}, // to a daemon, not to a reader
		{context.Canceled, exitFailed},
		{usagef("x"), exitUsage},
		{fs.ErrNotExist, exitAbsent},
		{&api.Error{Code: api.NotFound}, exitAbsent},
		{&api.Error{Code: api.Invalid}, exitFailed},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("exitCode(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}

// brokenPipe is a stdout that nobody reads any more.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// cancelling cancels a context at the first line that is written to it.
type cancelling struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (c *cancelling) Write(b []byte) (int, error) {
	defer c.cancel()
	return c.Buffer.Write(b)
}

// quipu runs a command line that must end with the exit code.
func quipu(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if got := run(t.Context(), args, strings.NewReader(""), &out, &errs); got != code {
		t.Fatalf("%q: exit code %d, want %d: %s", args, got, code, &errs)
	}
	return out.String()
}

func TestClosedPipe(t *testing.T) {
	dir := t.TempDir() + "/a"
	quipu(t, exitDone, "init", "--dir", dir)
	quipu(t, exitDone, "append", "--dir", dir, "--kind", "k")
	for _, args := range [][]string{
		{"log", "--dir", dir},
		{"log", "--dir", dir, "--format", "json"},
		{"tail", "--dir", dir, "--from-start"},
		{"status", "--dir", dir},
		{"frontier", "--dir", dir, "--format", "json"},
		{"verify", "--dir", dir},
		{"version"},
		{"help"},
	} {
		var errs bytes.Buffer
		if code := run(t.Context(), args, nil, brokenPipe{}, &errs); code != exitDone || errs.Len() > 0 {
			t.Errorf("%q: exit code %d, %q", args, code, &errs)
		}
	}
}

// TestInterruptedTail sends what SIGINT and SIGTERM do.
func TestInterruptedTail(t *testing.T) {
	dir := t.TempDir() + "/a"
	quipu(t, exitDone, "init", "--dir", dir)
	quipu(t, exitDone, "append", "--dir", dir, "--kind", "k")
	ctx, cancel := context.WithCancel(t.Context())
	out := &cancelling{cancel: cancel}
	var errs bytes.Buffer
	if code := run(ctx, []string{"tail", "--dir", dir, "--from-start", "--format", "ndjson"}, nil, out, &errs); code != exitDone {
		t.Errorf("exit code %d: %s", code, &errs)
	}
	if !strings.Contains(out.String(), `"kind":"k"`) {
		t.Errorf("printed %q", out.String())
	}
}

// TestHelp keeps what people script against: the commands and their flags.
func TestHelp(t *testing.T) {
	for command, flags := range map[string][]string{
		"init":        {"dir", "name", "log", "genesis"},
		"start":       {"dir", "listen", "advertise", "join", "secret-file", "open", "log-level", "log-format"},
		"append":      {"dir", "kind", "module", "subject", "time", "payload", "content-type", "header", "retention", "ndjson"},
		"log":         {"dir", "order", "author", "kind", "subject", "from", "since", "until", "limit", "reverse", "gone", "format"},
		"tail":        {"dir", "author", "kind", "subject", "since", "until", "limit", "format", "from-start", "gone", "after", "cursor-file", "server", "token-file"},
		"follow":      {"dir", "exec", "kind", "subject", "once", "retry", "park-after", "skip-trimmed", "no-hold"},
		"transition":  {"dir", "subject", "to", "from", "trigger", "ndjson"},
		"transitions": {"dir", "subject"},
		"state":       {"dir"},
		"status":      {"dir", "format"},
		"members":     {"dir", "format"},
		"frontier":    {"dir", "format", "hash"},
		"trim":        {"dir", "min-age", "min-count", "force", "status", "format"},
		"prune":       {"dir", "below", "before", "keep", "reason", "yes", "trim", "format"},
		"compact":     {"dir", "format"},
		"verify":      {"dir"},
		"prove":       {"dir"},
		"check-proof": nil,
		"demo":        {"keep", "nodes", "seed", "input"},
		"version":     nil,
		"completion":  nil,
	} {
		help := quipu(t, exitDone, "help", command)
		for _, flag := range flags {
			if !strings.Contains(help, "--"+flag) {
				t.Errorf("quipu help %s says nothing of --%s", command, flag)
			}
		}
	}
}
