package gossip

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// setLog is as much of a log as the applier needs.
type setLog struct {
	Log
	set *crdt.Set
}

func (l setLog) Feed(a crdt.Author) crdt.Feed {
	f, _ := l.set.Feed(a)
	f.Author = a
	return f
}

func (setLog) Author() crdt.Author { return crdt.Author{} }

func (l setLog) Apply(_ context.Context, runs []crdt.Run) ([]crdt.Outcome, error) {
	outcomes := make([]crdt.Outcome, len(runs))
	for i, r := range runs {
		if _, err := r.Verify(l.set.Log()); err != nil {
			outcomes[i] = crdt.Outcome{Author: r.Author(), Err: err}
			continue
		}
		var err error
		if outcomes[i], err = l.set.Apply(r); err != nil {
			return nil, err
		}
	}
	return outcomes, nil
}

// chain returns n ops of one feed in log.
func chain(t *testing.T, log crdt.LogID, n int) []crdt.Op {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	ops := make([]crdt.Op, n)
	h := crdt.Header{Log: log, Clock: 1}
	for i := range ops {
		op, err := crdt.NewOp(key, h, time.Now(), crdt.Event{Kind: "test"})
		if err != nil {
			t.Fatal(err)
		}
		ops[i] = op
		h.First, h.Prev, h.Clock = op.Next(), op.ID, h.Clock+1
	}
	return ops
}

// A forged run that seems to come right before a true one, or to be it, does not cost the true one.
func TestForgedRunCostsNoTrueOne(t *testing.T) {
	set := crdt.NewSet(crdt.LogID{1})
	ops := chain(t, crdt.LogID{1}, 10)
	p := newApplier(setLog{set: set}, newNewcomers(DefaultNewAuthors))
	p.lost = func(crdt.Author) {}
	fates := make(map[string]fate)
	waited := 0
	p.report = func(a arrival, f fate) {
		fates[a.link.name] = f
		if a.waited {
			waited++
		}
	}
	arrive := func(name string, ops ...crdt.Op) arrival {
		l := &link{name: name, credit: make(chan struct{}, 8)}
		l.credit <- struct{}{}
		if err := p.budget.Acquire(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
		return arrival{link: l, run: crdt.Run{Ops: ops}, ask: 7, size: 100}
	}
	forged := append([]crdt.Op(nil), ops[:5]...)
	forged[4].Prev = crdt.OpID{9}
	if err := p.apply(t.Context(), []arrival{arrive("liar", forged...), arrive("honest", ops[5:]...)}); err != nil {
		t.Fatal(err)
	}
	if fates["liar"].Err == nil || !fates["honest"].Kept {
		t.Fatalf("fates %+v", fates)
	}
	// The liar's copy of what waits, with the same ids, does not take its place.
	if err := p.apply(t.Context(), []arrival{arrive("other liar", ops[5:]...)}); err != nil {
		t.Fatal(err)
	}
	if err := p.apply(t.Context(), []arrival{arrive("third", ops[:5]...)}); err != nil {
		t.Fatal(err)
	}
	if next := (setLog{set: set}).Feed(ops[0].Author).Next(); next != 10 {
		t.Errorf("%d entries are held, want 10", next)
	}
	if waited != 2 {
		t.Errorf("%d runs waited, want one of each peer", waited)
	}
}
