package eventlog_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// spoil flips a byte of the file wherever it holds text.
func spoil(t *testing.T, dir, text string) {
	t.Helper()
	path := filepath.Join(dir, eventlog.FileName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], []byte(text))
		if i < 0 {
			break
		}
		found = true
		at += i
		b[at] ^= 1
	}
	if !found {
		t.Fatalf("%q is not in the file", text)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOwnHeadDamaged spoils our own last op: signing on from it could give a seq away twice.
func TestOwnHeadDamaged(t *testing.T) {
	dir := t.TempDir()
	l := eventlogtest.Create(t, dir, config("a"))
	mustAppend(t, l, "first")
	mustAppend(t, l, "spoiled")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	spoil(t, dir, "spoiled")
	l, err := eventlog.Open(dir, config("a"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Append(t.Context(), note("x")); !isDamaged(err) {
		t.Errorf("append after an op that cannot be read: %v", err)
	}
	if e, err := l.Lookup(t.Context(), crdt.Place{Author: l.Author()}); err != nil || string(e.Payload) != `"first"` {
		t.Errorf("what is whole is not served: %v", err)
	}
	if o := apply(t, l, newStranger(t, "s").op(crdt.Op{}, "from a peer")); o.Err != nil || o.Ops != 1 {
		t.Errorf("a peer's op: %+v", o)
	}
	if report, err := l.Verify(t.Context()); err != nil || len(report.Problems) != 1 || report.Problems[0].Author != l.Author() {
		t.Errorf("verify: %v, %v", report.Problems, err)
	}
}

func isDamaged(err error) bool {
	_, ok := errors.AsType[*eventlog.DamagedError](err)
	return ok
}

// TestFeedDamaged spoils the pages of one peer's feed: nothing more of it is taken, and the others go on.
func TestFeedDamaged(t *testing.T) {
	dir := t.TempDir()
	l := eventlogtest.Create(t, dir, config("a"))
	s, other := newStranger(t, "s"), newStranger(t, "other")
	ops := s.chain(crdt.Op{}, 200, strings.Repeat("some text ", 20))
	apply(t, l, ops...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, eventlog.FileName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndex(b, ops[199].ID[:]) / 4096
	for page := range len(b) / 4096 {
		if at := bytes.LastIndex(b[page*4096:(page+1)*4096], ops[199].Bytes()[40:100]); at >= 0 {
			last = page
		}
	}
	b[last*4096+9] ^= 0xff // the flags of the page
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err = eventlog.Open(dir, config("a")); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	outcomes, err := l.Apply(t.Context(), []crdt.Run{
		{Ops: []crdt.Op{other.op(crdt.Op{}, "one")}},
		{Ops: []crdt.Op{s.op(ops[199], "more")}},
		{Ops: []crdt.Op{newStranger(t, "third").op(crdt.Op{}, "two")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if shut, ok := errors.AsType[*eventlog.ShutError](outcomes[1].Err); !ok || shut.Reason != eventlog.ShutDamaged || !errors.Is(shut, crdt.ErrShut) {
		t.Errorf("outcome of a damaged feed: %+v", outcomes[1])
	}
	if outcomes[0].Ops != 1 || outcomes[2].Ops != 1 {
		t.Errorf("outcomes of the others: %+v", outcomes)
	}
	mustAppend(t, l, "mine")
}

func TestShutAuthor(t *testing.T) {
	dir := t.TempDir()
	l := eventlogtest.Create(t, dir, config("a"))
	s := newStranger(t, "s")
	first := s.op(crdt.Op{}, "first")
	l.ShutAuthor(s.author(), eventlog.ShutDamaged)
	if o := apply(t, l, first); !errors.Is(o.Err, crdt.ErrShut) {
		t.Errorf("outcome: %+v", o)
	}
	if len(l.Frontier()) != 0 || l.Root() != (crdt.Hash{}) || l.Stats().Authors != 0 {
		t.Error("an author of whom nothing is held is in the frontier")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = eventlogtest.Reopen(t, dir, config("a"))
	if o := apply(t, l, first); o.Ops != 1 {
		t.Errorf("outcome with another program: %+v", o)
	}
}

// TestSpoiledPayloadIsNotShown flips a byte inside a payload: readers are shown what stands before it,
// and then the damage, never the altered bytes.
func TestSpoiledPayloadIsNotShown(t *testing.T) {
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal, eventlog.Arrival} {
		t.Run(order.String(), func(t *testing.T) {
			dir := t.TempDir()
			l := eventlogtest.Create(t, dir, config("a"))
			for _, text := range []string{"first", "second", "spoiled", "last"} {
				mustAppend(t, l, text)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			spoil(t, dir, "spoiled")
			l, err := eventlog.Open(dir, config("a"))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			var shown []string
			for e, err := range l.Entries(t.Context(), eventlog.Query{Order: order}) {
				if err != nil {
					if !isDamaged(err) {
						t.Errorf("the iteration ends with %v", err)
					}
					shown = append(shown, "damage")
					break
				}
				shown = append(shown, string(e.Payload))
			}
			if want := `"first" "second" damage`; strings.Join(shown, " ") != want {
				t.Errorf("shown: %s, want %s", strings.Join(shown, " "), want)
			}
		})
	}
}
