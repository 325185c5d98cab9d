package bundle_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/bundle"
)

func TestInspect(t *testing.T) {
	from := full(t)
	b, s := create(t, from, nil)
	c := inspect(t, b, nil)
	if !c.OK() || c.Entries != s.Entries || c.Ops != s.Ops || c.Since != 0 || c.Upto != 4 || c.Gain != nil || len(c.Feeds) != 4 {
		t.Errorf("contents: %+v", c)
	}
	for _, f := range c.Feeds {
		want := bundle.Feed{Author: f.Author, Next: f.Entries, Ops: f.Ops, Entries: 3 * f.Ops}
		if f.Author == author(3) {
			want.Next, want.Loose = 15, true
		}
		if f != want {
			t.Errorf("feed %+v, want %+v", f, want)
		}
	}

	c0 := chain{}.grow(t, 0, 4, "a")
	held := crdt.Frontier{author(0): {c0[1].Head()}, author(1): from.Frontier()[author(1)]}
	c = inspect(t, b, held)
	if c.Gain == nil || *c.Gain != 6+0+18+27 {
		t.Errorf("gain: %+v", c)
	}
	b, _ = create(t, from, held)
	c = inspect(t, b, crdt.Frontier{author(0): {c0[0].Head()}})
	for _, f := range c.Feeds {
		if f.Needs != (f.Author == author(0)) {
			t.Errorf("feed %+v: needs something before it: %v", f, f.Needs)
		}
	}
	if !c.OK() || *c.Gain != 6+0+18+27 {
		t.Errorf("since something: %+v", c)
	}
}

// A bundle whose head promises more than it has is seen not to keep it.
func TestInspectPromises(t *testing.T) {
	short, long := newMemLog(), newMemLog()
	c := chain{}.grow(t, 0, 4, "a")
	short.give(t, crdt.Run{Ops: c[:2]})
	long.give(t, crdt.Run{Ops: c})
	b, _ := create(t, &promising{short, long.Frontier()}, nil)
	in := inspect(t, b, nil)
	if in.OK() || !in.Whole || in.Feeds[0].Problem != "missing from seq 6 on, up to seq 12" {
		t.Errorf("contents: %+v", in)
	}
	r := apply(t, newMemLog(), b)
	want := []bundle.Lack{{Author: author(0), Held: 6, Upto: 12, Reason: "not in the bundle"}}
	if diff := cmp.Diff(want, r.Lacks); diff != "" {
		t.Errorf("lacks (-want +got):\n%s", diff)
	}
}

// A log may grow while a bundle is made of it: the bundle then has more than it promises.
func TestInspectMoreThanPromised(t *testing.T) {
	short, long := newMemLog(), newMemLog()
	c := chain{}.grow(t, 0, 4, "a")
	short.give(t, crdt.Run{Ops: c[:2]})
	long.give(t, crdt.Run{Ops: c})
	b, _ := create(t, &promising{long, short.Frontier()}, nil)
	if in := inspect(t, b, nil); !in.OK() || in.Entries != 12 {
		t.Errorf("contents: %+v", in)
	}
	if r := apply(t, newMemLog(), b); !r.OK() || r.Entries != 12 {
		t.Errorf("report: %+v", r)
	}
}

// The end of a branch is remembered, however many runs come after it.
func TestInspectManyRuns(t *testing.T) {
	from := newMemLog()
	from.give(t, crdt.Run{Ops: chain{}.grow(t, 0, 300, "trunk")})
	from.give(t, crdt.Run{Ops: chain{}.grow(t, 0, 200, "beside")})
	b, s := create(t, &sparing{from}, nil)
	if in := inspect(t, b, nil); !in.OK() || in.Ops != s.Ops || s.Ops != 500 || in.Feeds[0].Loose {
		t.Errorf("contents: %+v", in)
	}
}

// sparing is a log that gives out one op at a time.
type sparing struct{ *memLog }

func (l *sparing) Read(ctx context.Context, seg *crdt.Segment, _ int) (crdt.Run, error) {
	return l.memLog.Read(ctx, seg, 1)
}

// promising is a log that says to hold more than it does.
type promising struct {
	*memLog
	frontier crdt.Frontier
}

func (l *promising) Frontier() crdt.Frontier { return l.frontier }
