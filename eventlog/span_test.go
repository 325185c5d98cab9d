package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// spanSeqs returns where the ops begin that are sent for a span, a run each, or that it cannot be planned.
func spanSeqs(t *testing.T, l *Log, s crdt.Span, maxBytes int) string {
	t.Helper()
	seg, ok, err := l.PlanSpan(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return "no"
	}
	sent := ""
	for {
		r, err := l.Read(t.Context(), &seg, maxBytes)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Ops) == 0 {
			return sent
		}
		if n, err := r.Verify(l.ID()); n != len(r.Ops) {
			t.Fatalf("%d of %d ops are authorised: %v", n, len(r.Ops), err)
		}
		if len(r.Leave.Bytes()) > 0 {
			sent += "leave "
		}
		for _, op := range r.Ops {
			sent += fmt.Sprint(op.First, " ")
		}
		sent += "| "
	}
}

// TestPlanSpan asks for stretches of a feed of ops with 1, 4, 1, 4 … entries, of which each fourth is
// an anchor only.
func TestPlanSpan(t *testing.T) {
	c := newCords(t, 700, 2, 0)
	l := c.open()
	ops := c.counted(12, func(i int) uint64 { return 1 + 3*uint64(i%2) }, func(i int) bool { return i > 3 && i%4 != 3 })
	c.apply(l, []crdt.Run{{Ops: ops}})
	head, size := ops[11].Head(), ops[1].Size()
	stranger := crdt.AuthorOf(c.keys[1])
	for _, test := range []struct {
		name       string
		author     crdt.Author
		head       crdt.Head
		from, upto uint64
		bytes      int
		want       string
	}{
		{"a stretch", ops[0].Author, head, 1, 6, 1 << 20, "1 5 | "},
		{"in parts", ops[0].Author, head, 0, 10, 1, "0 | 1 | 5 | 6 | "},
		{"from inside an op", ops[0].Author, head, 2, 6, 1 << 20, "5 | "},
		{"to inside an op", ops[0].Author, head, 0, 2, 1 << 20, "0 1 | "},
		{"inside one op", ops[0].Author, head, 2, 5, 1 << 20, ""},
		{"on to an anchor", ops[0].Author, head, 5, 12, 1 << 20, "5 6 | 10 11 15 16 | "},
		{"on to an anchor in small parts", ops[0].Author, head, 10, 11, 1, "10 11 15 16 | "},
		{"beyond the head", ops[0].Author, head, 20, 1 << 40, 1 << 20, "20 21 25 26 | "},
		{"past the head", ops[0].Author, head, 30, 1 << 40, 1 << 20, ""},
		{"nothing", ops[0].Author, head, 5, 5, 1 << 20, ""},
		{"no seq", ops[0].Author, head, 0, 0, 1 << 20, ""},
		{"up to an op that is no head", ops[0].Author, ops[2].Head(), 1, 1 << 40, 10 * size, "1 5 | "},
		{"up to an op that is no anchor", ops[0].Author, ops[4].Head(), 6, 1 << 40, 10 * size, "6 | 10 11 15 16 | "},
		{"of a head that is not held", ops[0].Author, crdt.Head{Next: 6, ID: crdt.OpID{1}}, 0, 6, 1 << 20, "no"},
		{"of a head at another place", ops[0].Author, crdt.Head{Next: 7, ID: ops[2].ID}, 0, 6, 1 << 20, "no"},
		{"of nobody", stranger, head, 0, 6, 1 << 20, "no"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := spanSeqs(t, l, crdt.Span{Author: test.author, Head: test.head, From: test.from, Upto: test.upto}, test.bytes)
			if got != test.want {
				t.Errorf("sent: %s\nwant: %s", got, test.want)
			}
		})
	}
}

// counted is chain with count entries in each op.
func (c *cords) counted(n int, count func(i int) uint64, covered func(i int) bool) []crdt.Op {
	ops := make([]crdt.Op, n)
	h := crdt.Header{Log: c.genesis.Log(), Clock: crdt.ClockAt(c.epoch)}
	for i := range ops {
		h.Clock++
		op, err := crdt.NewOp(c.keys[0], h, c.epoch, slices.Repeat([]crdt.Event{{Kind: "knot"}}, int(count(i)))...)
		if err != nil {
			c.t.Fatal(err)
		}
		if covered(i) {
			op = unsigned(c.t.(*testing.T), op)
		}
		ops[i] = op
		h.First, h.Prev = op.Next(), op.ID
	}
	return ops
}

func TestPlanSpanOfAForkedFeed(t *testing.T) {
	c := newCords(t, 701, 1, 0)
	l := c.open()
	ops := c.chain(3, func(int) bool { return false }, nil)
	c.apply(l, []crdt.Run{{Ops: ops}})
	span := crdt.Span{Author: ops[0].Author, Head: ops[2].Head(), Upto: 3}
	if got := spanSeqs(t, l, span, 1<<20); got != "0 1 2 | " {
		t.Errorf("before the fork: %s", got)
	}
	h := crdt.Header{Log: l.ID(), First: 2, Prev: ops[1].ID, Clock: ops[2].Clock + 1}
	other, err := crdt.NewOp(c.keys[0], h, c.epoch, crdt.Event{Kind: "other"})
	if err != nil {
		t.Fatal(err)
	}
	c.apply(l, []crdt.Run{{Ops: []crdt.Op{other}}})
	if got := spanSeqs(t, l, span, 1<<20); got != "0 1 2 | " {
		t.Errorf("after the fork: %s", got)
	}
	span.Head = other.Head()
	if got := spanSeqs(t, l, span, 1<<20); got != "2 | " {
		t.Errorf("the branch beside it: %s", got)
	}
}

func TestPlanSpanAtAFloor(t *testing.T) {
	c := newCords(t, 702, 1, 0)
	ops := c.chain(10, func(int) bool { return false }, func(i int) uint64 { return uint64(i/6) * 6 })
	l := c.open()
	c.apply(l, []crdt.Run{{Leave: ops[6].Signed, Ops: ops[6:]}})
	for from, want := range map[uint64]string{0: "leave 6 7 | ", 6: "leave 6 7 | ", 7: "7 | "} {
		span := crdt.Span{Author: ops[0].Author, Head: ops[9].Head(), From: from, Upto: 8}
		if got := spanSeqs(t, l, span, 1<<20); got != want {
			t.Errorf("from %d: %s, want %s", from, got, want)
		}
	}
	below := crdt.Span{Author: ops[0].Author, Head: ops[9].Head(), From: 0, Upto: 5}
	if got := spanSeqs(t, l, below, 1<<20); got != "" {
		t.Errorf("below the floor: %s", got)
	}
}

func TestPlanSpanEndsWithItsContext(t *testing.T) {
	c := newCords(t, 703, 1, 0)
	l := c.open()
	ops := c.chain(1, func(int) bool { return false }, nil)
	c.apply(l, []crdt.Run{{Ops: ops}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := l.PlanSpan(ctx, crdt.Span{Author: ops[0].Author, Head: ops[0].Head(), Upto: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// A digest that was taken stays what it was while the log goes on.
func TestDigestIsASnapshot(t *testing.T) {
	c := newCords(t, 704, 5, 4)
	l := c.open()
	for range 10 {
		before, frontier := l.Digest(), l.Frontier().Clone()
		c.grow(l, 12)
		if before.Root() != frontier.Hash() || before.Len() != len(frontier) {
			t.Fatal("a digest changed after it was taken")
		}
		if l.Digest().Root() != l.Frontier().Hash() || l.Root() != l.Digest().Root() {
			t.Fatal("the digest is not that of the frontier")
		}
	}
	next, found := 0, slices.Collect(l.Digest().Under(crdt.Path{}))
	for a := range l.Frontier().All() {
		if found[next] != a {
			t.Fatalf("author %d is %s, want %s", next, found[next], a)
		}
		next++
	}
}
