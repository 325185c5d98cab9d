package eventlog

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// A frontier of an earlier time stands for exactly what was held then, whatever has forked since.
func TestCutIsWhatTheFrontierStoodFor(t *testing.T) {
	for seed := range uint64(6) {
		c := newCords(t, seed, 4, 6)
		l := c.open()
		type moment struct {
			next     uint64
			frontier crdt.Frontier
			disputed map[crdt.OpID]bool // as of then
		}
		moments := []moment{{0, crdt.Frontier{}, nil}}
		for range 12 {
			c.grow(l, 1+c.rng.IntN(6))
			moments = append(moments, moment{l.Stats().Next, l.Frontier().Clone(), c.disputed()})
		}
		var entries []Entry
		for e, err := range l.Entries(t.Context(), Query{Order: Arrival}) {
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, e)
		}
		for _, m := range moments {
			cut, err := l.Cut(t.Context(), m.frontier)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if got := cut.Has(&e); got != (e.Offset < m.next) {
					t.Fatalf("seed %d: a frontier at offset %d has the entry at offset %d: %t", seed, m.next, e.Offset, got)
				}
				if got := cut.Disputes(&e); e.Offset < m.next && got != m.disputed[e.Op] {
					t.Fatalf("seed %d: as of offset %d the entry at offset %d is disputed: %t", seed, m.next, e.Offset, got)
				}
			}
			if cut.Entries() != m.next {
				t.Fatalf("seed %d: a frontier at offset %d has %d entries", seed, m.next, cut.Entries())
			}
		}
	}
}

// What arrives after the cut was made is not in it, not even on a branch below a head.
func TestCutIsASnapshot(t *testing.T) {
	c := newCords(t, 1, 1, 0)
	l := c.open()
	c.grow(l, 5)
	c.fork = 2
	cut, err := l.Cut(t.Context(), l.Frontier())
	if err != nil {
		t.Fatal(err)
	}
	next := l.Stats().Next
	c.grow(l, 20)
	for e, err := range l.Entries(t.Context(), Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if cut.Has(&e) != (e.Offset < next) {
			t.Errorf("offset %d: %t", e.Offset, cut.Has(&e))
		}
	}
}

// meanwhile is a context that has something done once, when it is first asked whether it has ended.
type meanwhile struct {
	context.Context
	do func()
}

func (m *meanwhile) Err() error {
	if do := m.do; do != nil {
		m.do = nil
		do()
	}
	return m.Context.Err()
}

// A head that arrives while the cut is made, and is found to be held, is in it with all below it.
func TestCutHasWhatCameWhileItWasMade(t *testing.T) {
	c := newCords(t, 5, 2, 0)
	l := c.open()
	c.grow(l, 8)
	last := slices.MaxFunc(slices.Collect(maps.Keys(l.Frontier())), crdt.Author.Compare)
	op := c.op()
	for ; op.Author != last; op = c.op() {
		c.apply(l, []crdt.Run{{Ops: []crdt.Op{op}}})
	}
	f := l.Frontier().Clone()
	f[last] = []crdt.Head{op.Head()}
	bound := l.Stats().Next
	ctx := &meanwhile{t.Context(), func() { c.apply(l, []crdt.Run{{Ops: []crdt.Op{op}}}) }} // once the first feed was looked at
	cut, err := l.Cut(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	came := 0
	for e, err := range l.Entries(t.Context(), Query{Order: Arrival}) {
		if err != nil {
			t.Fatal(err)
		}
		if !cut.Has(&e) {
			t.Errorf("the entry at offset %d is not in it", e.Offset)
		}
		if e.Offset >= bound {
			came++
		}
	}
	if uint64(came) != op.Count || cut.Entries() != l.Stats().Next {
		t.Errorf("%d entries came meanwhile, want %d; %d of %d are in it", came, op.Count, cut.Entries(), l.Stats().Next)
	}
}

func TestCutNamesWhatIsNotHeld(t *testing.T) {
	c := newCords(t, 3, 9, 0)
	ahead, behind := c.open(), newCords(t, 3, 9, 0).open()
	c.grow(ahead, 60)
	_, err := behind.Cut(t.Context(), ahead.Frontier())
	lacking, ok := errors.AsType[*NotHeldError](err)
	if !ok || !lacking.Heads.Equal(ahead.Frontier()) || len(err.Error()) > 1<<10 {
		t.Fatalf("%v", err)
	}
	for a, heads := range ahead.Frontier() {
		made := crdt.Frontier{a: {{Next: heads[0].Next + 1, ID: heads[0].ID}}}
		if _, ok := errors.AsType[*NotHeldError](func() error { _, err := ahead.Cut(t.Context(), made); return err }()); !ok {
			t.Errorf("a head that never was is taken: %v", made)
		}
	}
}
