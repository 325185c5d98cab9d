package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// pull brings to everything that from holds and it does not, as two nodes do, and returns the bytes of
// the ops that were sent.
func pull(t *testing.T, from, to *Log, maxBytes func() int) (sent int) {
	t.Helper()
	wants, err := to.Wants(t.Context(), from.Frontier(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range wants {
		segments, err := from.Plan(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		for _, seg := range segments {
			for _, r := range readSegment(t, from, seg, maxBytes) {
				outcomes, err := to.Apply(t.Context(), []crdt.Run{r})
				if err != nil || outcomes[0].Err != nil {
					t.Fatalf("apply run of %d ops from %d on: %+v, %v", len(r.Ops), r.Ops[0].First, outcomes, err)
				}
				sent += r.Size()
			}
		}
	}
	return sent
}

// readSegment returns the runs of a segment and checks what is promised of each.
func readSegment(t *testing.T, l *Log, seg crdt.Segment, maxBytes func() int) (runs []crdt.Run) {
	t.Helper()
	for {
		before, most := seg.After, maxBytes()
		r, err := l.Read(t.Context(), &seg, most)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Ops) == 0 {
			if seg.After != seg.To {
				t.Fatalf("the segment ends at %d, not at %d", seg.After.Next, seg.To.Next)
			}
			return runs
		}
		if n, err := r.Verify(l.ID()); n != len(r.Ops) {
			t.Fatalf("%d of %d ops are authorised: %v", n, len(r.Ops), err)
		}
		if r.Ops[0].Prev != before.ID || seg.After != r.Ops[len(r.Ops)-1].Head() {
			t.Fatalf("the run does not lie between %+v and %+v", before, seg.After)
		}
		if size := r.Size() - len(r.Leave.Bytes()); len(r.Ops) > 1 && size > most {
			t.Fatalf("a run of %d ops has %d bytes, at most %d were asked for", len(r.Ops), size, most)
		}
		runs = append(runs, r)
	}
}

func TestPullMakesFrontiersEqual(t *testing.T) {
	for seed := range seeds(15) {
		c := newCords(t, 500+seed, 4, []int{0, 3, 12}[seed%3])
		a, b := c.open(), c.open()
		c.grow(a, 40) // both hold these
		pull(t, a, b, func() int { return 1 << 20 })
		c.grow(a, 30)
		// The ops that only b holds are of two authors of its own.
		own := newCords(t, 600+seed, 2, 3)
		own.genesis = c.genesis
		own.grow(b, 30)
		maxBytes := func() int { return c.rng.IntN(2000) }
		pull(t, a, b, maxBytes)
		pull(t, b, a, maxBytes)
		if !a.Frontier().Equal(b.Frontier()) || a.Root() != b.Root() {
			t.Fatalf("seed %d: the frontiers differ", seed)
		}
		if wants, err := a.Wants(t.Context(), b.Frontier(), 0); err != nil || len(wants) > 0 {
			t.Fatalf("seed %d: equal frontiers, but %d wants, %v", seed, len(wants), err)
		}
		if diff := diffPlaces(collect(t, a.Entries(t.Context(), Query{})), collect(t, b.Entries(t.Context(), Query{}))); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

// diffPlaces compares entries of two nodes, whose offsets differ.
func diffPlaces(a, b []Entry) string {
	for _, entries := range [][]Entry{a, b} {
		for i := range entries {
			entries[i].Offset = 0
		}
	}
	return diffEntries(a, b)
}

func TestWantsAreLimited(t *testing.T) {
	c := newCords(t, 520, 1, 0)
	theirs := make(crdt.Frontier)
	for i := range 3 * wantsPerTx {
		theirs[crdt.AuthorOf(testKey(fmt.Sprint("stranger ", i)))] = []crdt.Head{{Next: 1, ID: crdt.OpID{1}}}
	}
	l := c.open()
	for _, limit := range []int{0, 1, wantsPerTx, wantsPerTx + 1, 5 * wantsPerTx} {
		wants, err := l.Wants(t.Context(), theirs, limit)
		if err != nil {
			t.Fatal(err)
		}
		want := len(theirs)
		if limit > 0 {
			want = min(want, limit)
		}
		if len(wants) != want {
			t.Errorf("limit %d: %d wants, expected %d", limit, len(wants), want)
		}
	}
}

// unsigned returns op with a signature that does not verify, as a liar would make it.
func unsigned(t *testing.T, op crdt.Op) crdt.Op {
	t.Helper()
	raw := bytes.Clone(op.Bytes())
	raw[len(op.Signed.Bytes())-1] ^= 1
	bad, err := crdt.ParseOp(raw)
	if err != nil {
		t.Fatal(err)
	}
	return bad
}

// chain makes consecutive ops of one entry each; those for which covered says so have no signature of
// their own that verifies.
func (c *cords) chain(n int, covered func(i int) bool, floor func(i int) uint64) []crdt.Op {
	ops := make([]crdt.Op, n)
	h := crdt.Header{Log: c.genesis.Log(), Clock: crdt.ClockAt(c.epoch)}
	for i := range ops {
		h.Clock++
		if floor != nil {
			h.Floor = floor(i)
		}
		op, err := crdt.NewOp(c.keys[0], h, c.epoch, crdt.Event{Kind: "link"})
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

func TestRunsEndAtAnchors(t *testing.T) {
	// Only each 150th op is an anchor: further apart than anybody looks back.
	c := newCords(t, 530, 1, 0)
	l := c.open()
	ops := c.chain(450, func(i int) bool { return i%150 != 149 }, nil)
	if _, err := l.Apply(t.Context(), []crdt.Run{{Ops: ops}}); err != nil {
		t.Fatal(err)
	}
	size := ops[0].Size()
	segments, err := l.Plan(t.Context(), crdt.Want{Author: ops[0].Author})
	if err != nil || len(segments) != 1 {
		t.Fatalf("%d segments, %v", len(segments), err)
	}
	for _, test := range []struct {
		maxBytes int
		ops      []int // in each run
	}{
		{1, []int{150, 150, 150}},          // goes on to the next anchor
		{160 * size, []int{150, 150, 150}}, // goes back to the last one
		{1 << 20, []int{450}},
	} {
		seg := segments[0]
		var got []int
		for {
			r, err := l.Read(t.Context(), &seg, test.maxBytes)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Ops) == 0 {
				break
			}
			if n, err := r.Verify(l.ID()); n != len(r.Ops) {
				t.Fatalf("%d of %d ops are authorised: %v", n, len(r.Ops), err)
			}
			got = append(got, len(r.Ops))
		}
		if fmt.Sprint(got) != fmt.Sprint(test.ops) {
			t.Errorf("at most %d bytes: runs of %v ops, want %v", test.maxBytes, got, test.ops)
		}
	}
}

// The next anchor is an op larger than anything that is read at a time.
func TestRunGoesOnToALargeAnchor(t *testing.T) {
	c := newCords(t, 531, 1, 0)
	l := c.open()
	ops := c.chain(2, func(i int) bool { return i == 1 }, nil)
	h := crdt.Header{Log: l.ID(), First: 2, Prev: ops[1].ID, Clock: ops[1].Clock + 1}
	large, err := crdt.NewOp(c.keys[0], h, c.epoch, crdt.Event{Kind: "large", ContentType: "application/octet-stream", Payload: make([]byte, 1<<20)})
	if err != nil {
		t.Fatal(err)
	}
	c.apply(l, []crdt.Run{{Ops: append(ops, large)}})
	seg := crdt.Segment{Author: ops[0].Author, Start: ops[0].Key(), After: ops[0].Head(), To: large.Head()}
	r, err := l.Read(t.Context(), &seg, 1)
	if err != nil || len(r.Ops) != 2 || seg.After != seg.To {
		t.Fatalf("a run of %d ops, %v", len(r.Ops), err)
	}
}

func TestRunFromAFloorBringsItsLeave(t *testing.T) {
	c := newCords(t, 540, 1, 0)
	ops := c.chain(10, func(int) bool { return false }, func(i int) uint64 {
		if i < 6 {
			return 0
		}
		return 6
	})
	a, b := c.open(), c.open()
	outcomes, err := a.Apply(t.Context(), []crdt.Run{{Leave: ops[6].Signed, Ops: ops[6:]}})
	if err != nil || outcomes[0].Ops != 4 {
		t.Fatalf("apply at a floor: %+v, %v", outcomes, err)
	}
	pull(t, a, b, func() int { return 1 })
	if !a.Frontier().Equal(b.Frontier()) {
		t.Error("the frontiers differ")
	}
	for _, order := range []Order{ByAuthor, Causal, Arrival} {
		for _, reverse := range []bool{false, true} {
			var seqs []uint64
			for _, e := range collect(t, b.Entries(t.Context(), Query{Order: order, Reverse: reverse})) {
				seqs = append(seqs, e.Seq)
			}
			want := []uint64{6, 7, 8, 9}
			if reverse {
				slices.Reverse(want)
			}
			if !slices.Equal(seqs, want) {
				t.Errorf("%s, reverse %t: seqs %v, want %v", order, reverse, seqs, want)
			}
		}
	}
}

func TestDamageLimitsWhatIsServed(t *testing.T) {
	c := newCords(t, 550, 1, 0)
	ops := c.chain(10, func(int) bool { return false }, nil)
	l := c.open()
	c.apply(l, []crdt.Run{{Ops: ops}})
	key := record.OpKey(ops[5].Key())
	if err := Bolt(l).Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketOps).Bucket(ops[5].Author[:])
		v := bytes.Clone(b.Get(key[:]))
		at := bytes.LastIndex(v, []byte("link"))
		v[at] ^= 1
		return b.Put(key[:], v)
	}); err != nil {
		t.Fatal(err)
	}
	l.store.durable++ // the transaction of the test is one
	segments, err := l.Plan(t.Context(), crdt.Want{Author: ops[0].Author})
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Read(t.Context(), &segments[0], 1<<20)
	if err != nil || len(r.Ops) != 5 {
		t.Fatalf("a run of %d ops, %v", len(r.Ops), err)
	}
	if _, err = l.Read(t.Context(), &segments[0], 1<<20); !isDamaged(err) {
		t.Errorf("what is damaged: %v", err)
	}
	if _, err := l.Lookup(t.Context(), crdt.Place{Author: ops[5].Author, Seq: 5}); !isDamaged(err) {
		t.Errorf("look up what is damaged: %v", err)
	}
	segments[0].After = ops[5].Head()
	if r, err = l.Read(t.Context(), &segments[0], 1<<20); err != nil || len(r.Ops) != 4 {
		t.Errorf("what follows: %d ops, %v", len(r.Ops), err)
	}
}

func isDamaged(err error) bool {
	damaged, ok := errors.AsType[*DamagedError](err)
	return ok && damaged.Path != ""
}
