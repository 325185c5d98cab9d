package crdt

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/vectors anew; a change in one is a change of the format")

// checkVectors compares v with a file of docs/vectors, which others hold their programs against.
func checkVectors(t *testing.T, name string, v any) {
	t.Helper()
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("..", "docs", "vectors", name)
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s: the format has changed (-file +got):\n%s", name, diff)
	}
}

// annotation writes bytes in hex, a line for each msgpack token, with what the token says.
type annotation struct {
	strings.Builder
	rest []byte
}

func (a *annotation) comment(format string, args ...any) { fmt.Fprintf(a, "# "+format+"\n", args...) }

// token writes the next token and returns how many elements follow if it is an array's header.
func (a *annotation) token(label string) int {
	head, content, rest := token(a.rest)
	raw := a.rest[:len(a.rest)-len(rest)]
	a.rest = rest
	says, elements := "", 0
	switch {
	case head >= 0x90 && head < 0xa0:
		elements = int(head & 15)
		says = fmt.Sprintf("array of %d", elements)
	case head < 0x80:
		says = fmt.Sprint(head)
	case head >= 0xe0:
		says = fmt.Sprint(int8(head))
	case head >= 0xcc && head <= 0xcf:
		says = fmt.Sprint(bigEndian(content))
	case head >= 0xd0 && head <= 0xd3:
		shift := 64 - 8*len(content)
		says = fmt.Sprint(int64(bigEndian(content)) << shift >> shift)
	case head >= 0xc4 && head <= 0xc6:
		says = fmt.Sprintf("%d bytes", len(content))
	default:
		says = fmt.Sprintf("%+q", content)
	}
	fmt.Fprintf(a, "%x  # %s: %s\n", raw, label, says)
	return elements
}

// lines returns what was written, line by line.
func (a *annotation) lines() []string { return strings.Split(strings.TrimSpace(a.String()), "\n") }

func annotateOp(op Op) []string {
	a := &annotation{rest: op.Bytes()}
	for _, label := range []string{"header", "version", "log", "author", "first", "count", "prev", "root", "clock", "retention", "floor"} {
		a.token(label)
	}
	fmt.Fprintf(a, "%x  # signature\n", a.rest[:signatureSize])
	a.rest = a.rest[signatureSize:]
	for i := 0; len(a.rest) > 0; i++ {
		a.comment("entry %d", i)
		a.entry("entry")
	}
	return a.lines()
}

// entry explains an entry.
func (a *annotation) entry(name string) {
	for _, label := range []string{name, "time", "kind", "module", "subject", "content type"} {
		a.token(label)
	}
	for range a.token("headers") {
		a.token("header")
		a.token("name")
		a.token("value")
	}
	a.token("payload")
}

func annotateBroadcast(b Broadcast) []string {
	a := &annotation{rest: b.Bytes()}
	for _, label := range []string{"signed", "version", "log", "author", "clock", "nonce"} {
		a.token(label)
	}
	a.entry("event")
	fmt.Fprintf(a, "%x  # signature\n", a.rest)
	return a.lines()
}

func annotateGenesis(g Genesis) []string {
	a := &annotation{rest: g.Encode()}
	for _, label := range []string{"genesis", "version", "random", "admission"} {
		a.token(label)
	}
	for range a.token("admins") {
		a.token("admin")
	}
	return a.lines()
}

// goldenOps are two ops of one feed: the first with every field in use, the second with none.
func goldenOps(t *testing.T) []Op {
	ops := make([]Op, 0, 2)
	for _, events := range [][]Event{{
		{
			Kind: "order.paid", Module: "shop", Subject: "order/7", Time: time.Unix(1714564800, 123456789), ContentType: "application/json",
			Headers: []EventHeader{{"quipu-by", "é"}, {"traceparent", ""}}, Payload: []byte(`{"html":"<>&","n":1e400}`), Retention: Trimmable,
		},
		{Kind: "bytes", Time: time.Unix(0, -1), ContentType: "application/octet-stream", Payload: []byte{0xff, 0}, Retention: Trimmable},
		{Kind: "line", Subject: "\u2028", Time: time.Unix(-1<<33, 0), Payload: []byte("\"\u2028\""), Retention: Trimmable},
	}, {
		{Kind: "a", Time: time.Unix(0, 0)},
	}} {
		h := Header{Log: someGeneses()[0].Log(), Clock: NewClock(1714564800123, 7)}
		if len(ops) > 0 {
			h.First, h.Prev, h.Clock, h.Floor = ops[0].Next(), ops[0].ID, ops[0].Clock+1, 1
		}
		op, err := NewOp(rfcKey(0), h, vectorTime, events...)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
	}
	return ops
}
