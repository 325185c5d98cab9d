package crdt

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files; a change in one is a change of the format")

// golden compares got with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: the format has changed (-golden +got):\n%s", name, diff)
	}
}

// goldenBytes reads back the bytes that stand in a golden file, left of the comments.
func goldenBytes(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for line := range strings.Lines(string(text)) {
		digits, _, _ := strings.Cut(line, "#")
		line, err := hex.DecodeString(strings.TrimSpace(digits))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, line...)
	}
	return b
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

func annotateOp(op Op) string {
	a := &annotation{rest: op.Bytes()}
	a.comment("id %s", op.ID)
	for _, label := range []string{"header", "version", "log", "author", "first", "count", "prev", "root", "clock", "retention", "floor"} {
		a.token(label)
	}
	fmt.Fprintf(a, "%x  # signature\n", a.rest[:signatureSize])
	a.rest = a.rest[signatureSize:]
	for i := 0; len(a.rest) > 0; i++ {
		a.comment("entry %d", i)
		for _, label := range []string{"entry", "time", "kind", "module", "subject", "content type"} {
			a.token(label)
		}
		for range a.token("headers") {
			a.token("header")
			a.token("name")
			a.token("value")
		}
		a.token("payload")
	}
	return a.String()
}

func annotateGenesis(g Genesis) string {
	a := &annotation{rest: g.Encode()}
	a.comment("log id %s", g.Log())
	for _, label := range []string{"genesis", "version", "random", "admission"} {
		a.token(label)
	}
	for range a.token("admins") {
		a.token("admin")
	}
	return a.String()
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

func TestGoldenOps(t *testing.T) {
	for i, name := range []string{"op-full.golden", "op-least.golden"} {
		op := goldenOps(t)[i]
		golden(t, name, annotateOp(op))
		back, err := ParseOp(goldenBytes(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if back.ID != op.ID || back.Verify() != nil || back.CheckBody() != nil {
			t.Errorf("%s reads as op %s, want %s", name, back.ID, op.ID)
		}
	}
}

func TestGoldenGenesis(t *testing.T) {
	for i, name := range []string{"genesis-open.golden", "genesis-admin.golden"} {
		g := []Genesis{someGeneses()[0], someGeneses()[2]}[i]
		golden(t, name, annotateGenesis(g))
		back, err := ParseGenesis(goldenBytes(t, name))
		if err != nil || back.Log() != g.Log() {
			t.Errorf("%s reads as the genesis of %s, %v: want %s", name, back.Log(), err, g.Log())
		}
	}
}

// TestGoldenJSON writes the entries of the golden ops in their JSON form and encodes them anew from it.
func TestGoldenJSON(t *testing.T) {
	var text []byte
	var encoded [][]byte
	offset := uint64(0)
	for _, op := range goldenOps(t) {
		for e, err := range op.Entries() {
			if err != nil {
				t.Fatal(err)
			}
			text = append(e.AppendJSON(text, &offset), '\n')
			offset++
		}
		for _, b := range op.encoded() {
			encoded = append(encoded, b)
		}
	}
	golden(t, "entries.ndjson", string(text))
	var again [][]byte
	for line := range bytes.Lines(text) {
		e, err := ParseEventJSON(line)
		if err != nil {
			t.Fatal(err)
		}
		again = append(again, encodeEvent(&e))
	}
	if !slices.EqualFunc(encoded, again, bytes.Equal) {
		t.Errorf("entries encode as %x, read from JSON as %x", encoded, again)
	}
}

func TestGoldenProof(t *testing.T) {
	ops := goldenOps(t)
	// The first op is covered by the second, so that its proof needs both headers.
	covered := spoiled(t, ops[0])
	anchor := sealedAfter(t, 0, covered.Signed, Event{Kind: "a"})
	p, err := ProveEntry(chain{covered.Signed, anchor.Signed}, covered, 1)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "proof.json", string(text)+"\n")
	var back EntryProof
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if e, err := back.Verify(); err != nil || e.Kind != "bytes" || e.Seq != 1 {
		t.Errorf("the golden proof proves %+v, %v", e, err)
	}
}
