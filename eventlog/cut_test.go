package eventlog

import (
	"errors"
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
