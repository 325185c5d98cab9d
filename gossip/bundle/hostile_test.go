package bundle_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/bundle"
	"github.com/quipulog/quipu/gossip/wire"
)

// liar is a log that gives out runs as it likes.
type liar struct {
	*memLog
	change func(*crdt.Run)
}

func (l *liar) Read(ctx context.Context, seg *crdt.Segment, maxBytes int) (crdt.Run, error) {
	run, err := l.memLog.Read(ctx, seg, maxBytes)
	if len(run.Ops) > 0 {
		l.change(&run)
	}
	return run, err
}

// forge returns an op with a signature that does not verify.
func forge(t testing.TB, op crdt.Op) crdt.Op {
	t.Helper()
	b := bytes.Clone(op.Signed.Bytes())
	b[len(b)-1] ^= 1
	whole := append(b, op.Bytes()[len(b):]...)
	forged, err := crdt.ParseOp(whole)
	if err != nil {
		t.Fatal(err)
	}
	return forged
}

// What somebody has made up is in nobody's log, though every byte of the bundle is as it was written.
func TestForgedBundles(t *testing.T) {
	c := chain{}.grow(t, 0, 3, "a")
	h := crdt.Header{Log: genesis.Log(), First: 9, Prev: c[2].ID, Clock: 9, Floor: 6}
	c = append(c, newOp(t, 0, h, "leave")).grow(t, 0, 2, "a")
	floored := crdt.Run{Leave: c[3].Signed, Ops: c[2:]}
	for name, l := range map[string]struct {
		change func(*crdt.Run)
		ops    uint64
		says   string
	}{
		"signature of the last op": {func(r *crdt.Run) { r.Ops[3] = forge(t, r.Ops[3]) }, 3, "signature"},
		"signature of the leave":   {func(r *crdt.Run) { r.Leave = forge(t, c[3]).Signed }, 0, "signature"},
		"an op left out":           {func(r *crdt.Run) { r.Ops = append(r.Ops[:1:1], r.Ops[2:]...) }, 1, "does not name the op before it"},
		"the first op left out":    {func(r *crdt.Run) { r.Leave, r.Ops = crdt.Signed{}, r.Ops[1:] }, 3, ""},
	} {
		from := newMemLog()
		from.give(t, floored)
		b, _ := create(t, &liar{from, l.change}, nil)
		in := inspect(t, b, nil)
		if !in.Whole || !strings.Contains(in.Feeds[0].Problem, l.says) || in.OK() && l.says != "" {
			t.Errorf("%s: contents: %+v", name, in)
		}
		if l.says == "" && !in.Feeds[0].Loose {
			t.Errorf("%s: what it hangs in is not in the bundle: %+v", name, in)
		}
		to := &forgetful{newMemLog()}
		r := apply(t, to, b)
		if r.OK() || len(r.Lacks) != 1 || l.says != "" && !strings.Contains(r.Lacks[0].Reason, l.says) {
			t.Errorf("%s: report: %+v", name, r)
		}
	}
}

// A run so long without a valid signature that no frame holds it is left out; it harms nobody else's.
func TestRunWithoutAnchors(t *testing.T) {
	from := newMemLog()
	h := crdt.Header{Log: genesis.Log(), Clock: 1}
	var c chain
	for range 5 {
		event := crdt.Event{Kind: "big", ContentType: "text/plain", Payload: bytes.Repeat([]byte("x"), 400_000)}
		op, err := crdt.NewOp(key(0), h, made, event)
		if err != nil {
			t.Fatal(err)
		}
		if len(c) < 4 {
			op = forge(t, op)
		}
		c = append(c, op)
		h.First, h.Prev, h.Clock = op.Next(), op.ID, op.Clock+1
	}
	from.give(t, crdt.Run{Ops: c})
	from.give(t, crdt.Run{Ops: chain{}.grow(t, 1, 2, "b")})
	b, s := create(t, from, nil)
	if len(s.Left) != 1 || s.Left[0].Author != author(0) || s.Left[0].Held != 0 || s.Authors != 1 {
		t.Errorf("summary: %+v", s)
	}
	if r := apply(t, newMemLog(), b); !r.Whole || r.Ops != 2 || len(r.Lacks) != 1 {
		t.Errorf("report: %+v", r)
	}
}

// A bundle cannot make its reader remember more heads than the bound says.
func TestTooManyHeads(t *testing.T) {
	b, s := create(t, full(t), nil)
	head := len("quipu bundle 1\n") + len(frames(b)[0])
	bad := bytes.Clone(b[:head])
	many := make([]crdt.Head, wire.MaxHeads)
	for i := range many {
		many[i] = crdt.Head{Next: uint64(i + 1), ID: crdt.OpID{1}}
	}
	for i := range 600 {
		a := crdt.Author{0, byte(i >> 8), byte(i), 1}
		bad = wire.Append(bad, wire.Vector{Round: 1, Upto: a, Heads: crdt.Frontier{a: many}})
	}
	bad = append(bad, b[head:]...)
	to := &counting{memLog: newMemLog()}
	r := apply(t, to, bad)
	if r.Skipped != 600-bundle.MaxHeads/wire.MaxHeads+1 || !strings.Contains(r.Damage, "more than") || r.Ops != s.Ops {
		t.Errorf("%d frames passed over, %s", r.Skipped, r.Damage)
	}
	if to.heads != bundle.MaxHeads || len(r.Lacks)+r.More != 512 {
		t.Errorf("%d heads were remembered, and %d lacks", to.heads, len(r.Lacks)+r.More)
	}
}

// counting counts the heads that are looked up.
type counting struct {
	*memLog
	heads int
}

func (l *counting) Wants(ctx context.Context, theirs crdt.Frontier, limit int) ([]crdt.Want, error) {
	for _, heads := range theirs {
		l.heads += len(heads)
	}
	return l.memLog.Wants(ctx, theirs, limit)
}

// The gain is counted from the entry on, not from the op.
func TestGainWithinAnOp(t *testing.T) {
	from := newMemLog()
	from.give(t, crdt.Run{Ops: chain{}.grow(t, 0, 3, "a")})
	b, _ := create(t, from, nil)
	in := inspect(t, b, crdt.Frontier{author(0): {{Next: 4, ID: crdt.OpID{1}}}})
	want := uint64(5)
	if diff := cmp.Diff(&want, in.Gain); diff != "" {
		t.Errorf("gain (-want +got):\n%s", diff)
	}
}
