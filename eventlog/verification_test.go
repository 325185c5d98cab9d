package eventlog

import (
	"context"
	"errors"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/helped"
)

// Runs that are applied together have the outcomes that they have one by one, in their order, bad ones
// among them.
func TestRunsTogetherAndOneByOne(t *testing.T) {
	c := newCords(t, 710, 1, 0)
	together, apart := c.open(), c.open()
	ops := c.chain(300, func(int) bool { return false }, nil)
	var rs []crdt.Run
	for i, op := range ops {
		if i%7 == 3 {
			op = unsigned(t, op)
		}
		rs = append(rs, crdt.Run{Ops: []crdt.Op{op}}, crdt.Run{}, crdt.Run{Ops: ops[i : i+1]})
	}
	got, err := together.Apply(t.Context(), rs)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rs {
		want, err := apart.Apply(t.Context(), []crdt.Run{r})
		if err != nil {
			t.Fatal(err)
		}
		w, g := want[0], got[i]
		if g.Author != w.Author || g.Decision != w.Decision || g.Ops != w.Ops || g.Duplicates != w.Duplicates || (g.Err == nil) != (w.Err == nil) {
			t.Fatalf("run %d: %+v together, %+v alone", i, g, w)
		}
	}
	if together.Root() != apart.Root() || together.Feed(ops[0].Author).Next() != 300 {
		t.Error("they hold different things")
	}
}

// An owner that ends early leaves the rest alone.
func TestVerificationEndsEarly(t *testing.T) {
	c := newCords(t, 711, 1, 0)
	l := c.open()
	ops := c.chain(200, func(int) bool { return false }, nil)
	var rs []crdt.Run
	for i := range ops {
		rs = append(rs, crdt.Run{Ops: ops[i : i+1]})
	}
	work := helped.Begin(len(rs), l.store.verifying(rs))
	for want := range 10 {
		if i, checked := work.Next(); i != want || len(checked.ops) != 1 || checked.ops[0].First != uint64(want) {
			t.Fatalf("run %d: %d, %+v", want, i, checked)
		}
	}
	work.End()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Apply(ctx, rs); !errors.Is(err, context.Canceled) || l.Stats().Ops != 0 {
		t.Errorf("apply after the end of its context: %v, %d ops", err, l.Stats().Ops)
	}
}
