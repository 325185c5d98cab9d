package eventlog

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/quipulog/quipu/crdt"
)

func TestLookupFindsEveryEntry(t *testing.T) {
	for seed := range uint64(6) {
		c := newCords(t, 400+seed, 3, []int{0, 4}[seed%2])
		l := c.open()
		c.grow(l, 80)
		for _, want := range c.view(Query{}) {
			places := []crdt.Place{want.Place()}
			if !want.Disputed {
				// An undisputed entry is found under the name of its branch as well: it may have been
				// disputed where that was written down.
				places = append(places, crdt.Place{Author: want.Author, Seq: want.Seq, Branch: want.Op.Branch()})
			}
			for _, p := range places {
				got, err := l.Lookup(t.Context(), p)
				if err != nil {
					t.Fatalf("%s: %v", p, err)
				}
				if diff := diffEntries([]Entry{want}, []Entry{got}); diff != "" {
					t.Fatalf("%s: %s", p, diff)
				}
			}
		}
	}
}

func TestLookupOfWhatIsNotThere(t *testing.T) {
	c := newCords(t, 410, 1, 0)
	l := c.open()
	c.grow(l, 5)
	last := c.applied[len(c.applied)-1]
	for name, p := range map[string]crdt.Place{
		"stranger":      {Author: l.Author()},
		"after the end": {Author: last.Author, Seq: last.Seq + 1},
		"far after":     {Author: last.Author, Seq: crdt.MaxSeq},
		"other branch":  {Author: last.Author, Seq: last.Seq, Branch: crdt.BranchID{1}},
	} {
		if _, err := l.Lookup(t.Context(), p); !errors.Is(err, ErrNotFound) {
			t.Errorf("look up %s: %v", name, err)
		}
		if _, err := l.Prove(t.Context(), p); !errors.Is(err, ErrNotFound) {
			t.Errorf("prove %s: %v", name, err)
		}
	}
}

// A feed that forks after its first op:
//
//	a ─ b
//	  └ x
func TestLookupOfADisputedPlaceNamesTheBranches(t *testing.T) {
	c := newCords(t, 411, 1, 0)
	l := c.open()
	key := c.keys[0]
	h := crdt.Header{Log: c.genesis.Log(), Clock: crdt.ClockAt(c.epoch)}
	op := func(h crdt.Header, kind string) crdt.Op {
		op, err := crdt.NewOp(key, h, c.epoch, crdt.Event{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		return op
	}
	a := op(h, "a")
	h.First, h.Prev, h.Clock = 1, a.ID, h.Clock+1
	b, x := op(h, "b"), op(h, "x")
	c.apply(l, []crdt.Run{{Ops: []crdt.Op{a, b}}, {Ops: []crdt.Op{x}}})
	_, err := l.Lookup(t.Context(), crdt.Place{Author: a.Author, Seq: 1})
	ambiguous, ok := errors.AsType[*AmbiguousError](err)
	if !ok || len(ambiguous.Places) != 2 {
		t.Fatalf("look up: %v", err)
	}
	for _, p := range ambiguous.Places {
		if _, err := l.Lookup(t.Context(), p); err != nil {
			t.Errorf("look up %s: %v", p, err)
		}
	}
	if e, err := l.Lookup(t.Context(), crdt.Place{Author: a.Author, Seq: 0}); err != nil || e.Disputed {
		t.Errorf("look up what all branches share: %+v, %v", e, err)
	}
}

func TestProveEveryEntry(t *testing.T) {
	c := newCords(t, 412, 2, 5)
	l := c.open()
	c.grow(l, 30)
	for _, want := range c.view(Query{}) {
		proof, err := l.Prove(t.Context(), want.Place())
		if err != nil {
			t.Fatalf("%s: %v", want.Place(), err)
		}
		b, err := json.Marshal(proof)
		if err != nil {
			t.Fatal(err)
		}
		var read crdt.EntryProof
		if err := json.Unmarshal(b, &read); err != nil {
			t.Fatal(err)
		}
		got, err := read.Verify()
		if err != nil {
			t.Fatalf("%s: %v", want.Place(), err)
		}
		got.Disputed = want.Disputed // a proof does not tell
		if diff := diffEntries([]Entry{want}, []Entry{{Entry: got, Offset: want.Offset}}); diff != "" {
			t.Fatal(diff)
		}
	}
}
