package bundle_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip/bundle"
)

var (
	_ bundle.Source = (*eventlog.Log)(nil)
	_ bundle.Target = (*eventlog.Log)(nil)
)

// Two logs on disk that never see each other's network end up equal by bundles alone, carried both ways
// and in the wrong order. Both are verified at the end.
func TestOnDisk(t *testing.T) {
	a, b := eventlogtest.OpenAs(t, "a"), eventlogtest.OpenAs(t, "b")
	var carried [][]byte
	since := crdt.Frontier{}
	for i := range 4 {
		for _, l := range []*eventlog.Log{a, b} {
			for n := range 3 {
				if _, err := l.Append(t.Context(), crdt.Event{Kind: "k", Payload: fmt.Appendf(nil, `[%d,%d]`, i, n)}); err != nil {
					t.Fatal(err)
				}
			}
		}
		made, _ := create(t, a, since)
		carried = append(carried, made)
		since = a.Frontier()
	}
	for i := range carried {
		r := apply(t, b, carried[len(carried)-1-i])
		if early := i < len(carried)-1; r.Early != early || r.OK() == early || (r.Ops == 0) != early {
			t.Errorf("bundle %d of %d: %+v", len(carried)-i, len(carried), r)
		}
	}
	for _, made := range carried {
		if r := apply(t, b, made); !r.OK() {
			t.Errorf("a second time: %+v", r)
		}
	}
	back, s := create(t, b, a.Frontier())
	if s.Entries != 12 {
		t.Errorf("%d entries on the way back, want 12", s.Entries)
	}
	if r := apply(t, a, back[:len(back)-50]); r.OK() || r.Entries != 12 || len(r.Lacks) > 0 {
		t.Errorf("cut off in the end: %+v", r)
	}
	if a.Root() != b.Root() {
		t.Error("the frontiers differ")
	}
}

// All branches of a forked feed go from disk to disk.
func TestForkOnDisk(t *testing.T) {
	from, to := eventlogtest.OpenAs(t, "from"), eventlogtest.OpenAs(t, "to")
	first := newOp(t, 3, crdt.Header{Log: from.ID(), Clock: 1}, "trunk")
	trunk := chain{first}.grow(t, 3, 4, "trunk")
	for _, ops := range []chain{trunk, trunk[:2].grow(t, 3, 3, "left")[2:], trunk[:4].grow(t, 3, 1, "right")[4:]} {
		if out, err := from.Apply(t.Context(), []crdt.Run{{Ops: ops}}); err != nil || out[0].Err != nil {
			t.Fatal(out, err)
		}
	}
	var made bytes.Buffer
	if _, err := bundle.Create(t.Context(), from, &made, bundle.Options{}); err != nil {
		t.Fatal(err)
	}
	r := apply(t, to, made.Bytes())
	if !r.OK() || len(r.Forked) != 1 || from.Root() != to.Root() {
		t.Errorf("report: %+v", r)
	}
}
