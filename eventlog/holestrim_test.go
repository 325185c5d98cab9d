package eventlog

import (
	"errors"
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// TestATrimmedOpIsRepairedAsOne: it had no body here, and has none again, though the peer has it; one that had its body has
// it again, and is not taken without it from a peer that has trimmed it.
func TestATrimmedOpIsRepairedAsOne(t *testing.T) {
	c := newCords(t, 2901, 1, 0)
	a := crdt.AuthorOf(c.keys[0])
	h := crdt.Header{Log: c.genesis.Log(), Clock: crdt.ClockAt(c.epoch)}
	for range 20 {
		h.Clock++
		op, err := crdt.NewOp(c.keys[0], h, c.epoch, crdt.Event{Kind: "k", Payload: []byte(`"a body"`), Retention: crdt.Trimmable})
		must(t, err)
		c.ops[a] = append(c.ops[a], op)
		h.First, h.Prev = op.Next(), op.ID
	}
	run := []crdt.Run{{Ops: c.ops[a]}}
	l, peer := c.as("who reads"), c.as("the peer")
	defer func() { must(t, l.Close()) }()
	c.apply(l, run)
	_, err := peer.Apply(t.Context(), run)
	must(t, err)
	trim := func(l *Log) {
		policy := TrimPolicy{MinAge: -1, MinCount: 5}
		report, err := l.Trim(t.Context(), TrimOptions{Policy: &policy})
		if must(t, err); report.Trimmed.Entries != 15 {
			t.Fatalf("trimmed %+v", report)
		}
	}
	trim(l)
	before, root, stats := shown(t, l, ByAuthor, Arrival)
	l = c.reopened(l, func(s spoiler) error {
		var all error
		for _, i := range []int{3, 4, 14, 15, 18} {
			all = errors.Join(all, s.spoil(a, c.ops[a][i].Key(), s.tx.Bucket(bucketOps).Bucket(a[:])))
		}
		return all
	})
	_, err = l.Verify(t.Context())
	must(t, err)
	for fill(t, l, peer) > 0 {
	}
	if report, err := l.Verify(t.Context()); err != nil || !report.OK() {
		t.Fatalf("verify: %v, %v", report.Problems, err)
	}
	after, rootAfter, statsAfter := shown(t, l, ByAuthor, Arrival)
	if root != rootAfter || stats != statsAfter || len(before) != len(after) {
		t.Errorf("it was %v, %d entries, and is %v, %d entries", stats, len(before), statsAfter, len(after))
	}

	// The peer has lost a body, by its own policy, which this node keeps.
	trim(peer)
	strict := c.as("who keeps bodies")
	defer func() { must(t, strict.Close()) }()
	_, err = strict.Apply(t.Context(), run)
	must(t, err)
	strict = c.reopened(strict, func(s spoiler) error {
		return s.spoil(a, c.ops[a][14].Key(), s.tx.Bucket(bucketOps).Bucket(a[:]))
	})
	_, err = strict.Verify(t.Context())
	must(t, err)
	holes, err := strict.Damaged(t.Context())
	if must(t, err); len(holes) != 1 {
		t.Fatalf("holes: %v", holes)
	}
	seg, _, err := peer.PlanSpan(t.Context(), holes[0])
	must(t, err)
	stripped, err := peer.Read(t.Context(), &seg, 1<<20)
	must(t, err)
	outcomes, err := strict.Apply(t.Context(), []crdt.Run{stripped})
	if must(t, err); !errors.Is(outcomes[0].Err, crdt.ErrStripped) || outcomes[0].Repaired > 0 {
		t.Errorf("a body that this node keeps is replaced by none: %+v", outcomes[0])
	}
	must(t, peer.Close())
}
