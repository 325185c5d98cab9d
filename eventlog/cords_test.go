package eventlog

import (
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// cords are feeds that a test makes up, forks included, beside the naive view of them that a log
// which holds them must show.
type cords struct {
	t       testing.TB
	rng     *rand.Rand
	genesis crdt.Genesis
	keys    []ed25519.PrivateKey
	ops     map[crdt.Author][]crdt.Op
	epoch   time.Time
	next    uint64 // offset of the next entry that is applied
	applied []Entry
	// disputedOps is what disputed returned when that many entries were applied.
	disputedOps map[crdt.OpID]bool
	disputedAt  int
	// fork is one in how many ops begins a branch; 0 is none.
	fork int
	// payload is how many bytes a payload has at most.
	payload int
}

func newCords(t testing.TB, seed uint64, authors, fork int) *cords {
	c := &cords{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), fork: fork, payload: 40,
		ops: make(map[crdt.Author][]crdt.Op), epoch: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	c.genesis.Random[0] = byte(seed)
	for i := range authors {
		c.keys = append(c.keys, testKey(fmt.Sprintf("cords %d author %d", seed, i)))
	}
	return c
}

// testKey returns the private key that belongs to a name.
func testKey(name string) ed25519.PrivateKey {
	var seed [ed25519.SeedSize]byte
	copy(seed[:], name)
	return ed25519.NewKeyFromSeed(seed[:])
}

// as creates a log for the cords in a folder of its own, whose key belongs to a name.
func (c *cords) as(name string) *Log {
	c.t.Helper()
	l, err := Create(c.t.TempDir(), Birth{Genesis: &c.genesis}, Config{
		Key: testKey(name), Now: func() time.Time { return c.epoch.Add(time.Hour) }, MaxBranches: 1000,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return l
}

// open creates a log for the cords, and closes it in the end.
func (c *cords) open() *Log {
	c.t.Helper()
	l := c.as("who reads")
	c.t.Cleanup(func() {
		if err := l.Close(); err != nil {
			c.t.Error(err)
		}
	})
	return l
}

// op makes the next op of a random feed: most often after its last op, sometimes beside another.
func (c *cords) op() crdt.Op {
	key := c.keys[c.rng.IntN(len(c.keys))]
	author := crdt.AuthorOf(key)
	h := crdt.Header{Log: c.genesis.Log()}
	ops := c.ops[author]
	at := len(ops) - 1
	if c.fork > 0 && c.rng.IntN(c.fork) == 0 {
		at = c.rng.IntN(len(ops)+1) - 1
	} else if c.fork > 0 && len(ops) > 2 {
		at -= c.rng.IntN(2) // branches grow side by side
		if slices.ContainsFunc(ops, func(o crdt.Op) bool { return at >= 0 && o.Prev == ops[at].ID }) {
			at = len(ops) - 1
		}
	}
	clock := crdt.ClockAt(c.epoch)
	if at >= 0 {
		prev := ops[at]
		h.First, h.Prev, clock = prev.Next(), prev.ID, prev.Clock
	}
	h.Clock = clock + 1 + crdt.Clock(c.rng.IntN(3)) // equal clocks on several branches and feeds
	events := make([]crdt.Event, 1+c.rng.IntN(6))
	for i := range events {
		events[i] = crdt.Event{
			Kind: fmt.Sprintf("kind-%d", c.rng.IntN(3)), Module: fmt.Sprintf("module-%d", c.rng.IntN(2)),
			Subject: fmt.Sprintf("subject-%d", c.rng.IntN(20)), ContentType: "application/octet-stream",
			Time: c.epoch.Add(time.Duration(c.rng.IntN(1000)) * time.Second), Payload: make([]byte, c.rng.IntN(c.payload+1)),
		}
		for j := range events[i].Payload {
			events[i].Payload[j] = byte(c.rng.Uint32())
		}
	}
	op, err := crdt.NewOp(key, h, c.epoch, events...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.ops[author] = append(ops, op)
	return op
}

// grow makes n ops and applies them, each after the one it names but otherwise shuffled.
func (c *cords) grow(l *Log, n int) {
	c.t.Helper()
	ops := make([]crdt.Op, n)
	for i := range ops {
		ops[i] = c.op()
	}
	held := make(map[crdt.OpID]bool)
	for _, e := range c.applied {
		held[e.Op] = true
	}
	var runs []crdt.Run
	for len(ops) > 0 {
		var ready []int
		for i, op := range ops {
			if op.First == 0 || held[op.Prev] {
				ready = append(ready, i)
			}
		}
		i := ready[c.rng.IntN(len(ready))]
		runs = append(runs, crdt.Run{Ops: []crdt.Op{ops[i]}})
		held[ops[i].ID] = true
		ops = slices.Delete(ops, i, i+1)
	}
	c.apply(l, runs)
}

// apply stores runs in the log and in the naive view.
func (c *cords) apply(l *Log, runs []crdt.Run) {
	c.t.Helper()
	outcomes, err := l.Apply(c.t.Context(), runs)
	if err != nil {
		c.t.Fatal(err)
	}
	for i, r := range runs {
		if outcomes[i].Err != nil || outcomes[i].Ops != len(r.Ops) {
			c.t.Fatalf("apply %s/%d: %+v", r.Author().Short(), r.Ops[0].First, outcomes[i])
		}
		for _, op := range r.Ops {
			for e, err := range op.Entries() {
				if err != nil {
					c.t.Fatal(err)
				}
				c.applied = append(c.applied, Entry{Entry: e, Offset: c.next})
				c.next++
			}
		}
	}
}

// view returns what the query yields, from the definitions: all entries, less those that a filter does
// not take, sorted, cut.
func (c *cords) view(q Query) []Entry {
	if c.disputedAt != len(c.applied) {
		c.disputedOps, c.disputedAt = c.disputed(), len(c.applied)
	}
	var view []Entry
	for _, e := range c.applied {
		e.Disputed = c.disputedOps[e.Op]
		if naiveTakes(&q, e) {
			view = append(view, e)
		}
	}
	slices.SortFunc(view, func(a, b Entry) int { return compareIn(q.Order, &a, &b) })
	if q.Reverse {
		slices.Reverse(view)
	}
	if q.Limit > 0 && len(view) > q.Limit {
		view = view[:q.Limit]
	}
	return view
}

func naiveTakes(q *Query, e Entry) bool {
	if q.Disputed == HideDisputed && e.Disputed || q.Disputed == OnlyDisputed && !e.Disputed {
		return false
	}
	in := func(texts []string, text string) bool { return len(texts) == 0 || slices.Contains(texts, text) }
	if len(q.Authors) > 0 && !slices.Contains(q.Authors, e.Author) {
		return false
	}
	if q.From != nil {
		from := crdt.Entry{Author: q.From.Author, Seq: q.From.Seq}
		copy(from.Op[:], q.From.Branch[:])
		if crdt.CompareEntries(e.Entry, from) < 0 {
			return false
		}
	}
	return in(q.Kinds, e.Kind) && in(q.Modules, e.Module) && in(q.Subjects, e.Subject) && e.Offset >= q.FromOffset && e.Clock >= q.FromClock &&
		(q.Since.IsZero() || e.Time.Compare(q.Since) >= 0) && (q.Until.IsZero() || e.Time.Compare(q.Until) < 0)
}

// disputed returns the ops that are not on every way from a head of their feed down to its beginning.
func (c *cords) disputed() map[crdt.OpID]bool {
	held := make(map[crdt.OpID]bool)
	for _, e := range c.applied {
		held[e.Op] = true
	}
	disputed := make(map[crdt.OpID]bool)
	for _, ops := range c.ops {
		byID := make(map[crdt.OpID]crdt.Op)
		named := make(map[crdt.OpID]bool)
		for _, op := range ops {
			if held[op.ID] {
				byID[op.ID] = op
				named[op.Prev] = true
			}
		}
		ways, heads := make(map[crdt.OpID]int), 0
		for id := range byID {
			if named[id] {
				continue
			}
			heads++
			for at, found := byID[id]; found; at, found = byID[at.Prev] {
				ways[at.ID]++
			}
		}
		for id := range byID {
			disputed[id] = ways[id] < heads
		}
	}
	return disputed
}

// query makes up a query.
func (c *cords) query() Query {
	q := Query{Order: Order(c.rng.IntN(3)), Reverse: c.rng.IntN(2) == 0}
	half := func() bool { return c.rng.IntN(3) == 0 }
	if half() {
		q.Limit = 1 + c.rng.IntN(40)
	}
	if half() {
		q.Disputed = Disputed(1 + c.rng.IntN(2))
	}
	if half() {
		q.Kinds = []string{"kind-0", "kind-2", "kind-9"}
	}
	if half() {
		q.Modules = []string{"module-1"}
	}
	if half() {
		q.Subjects = []string{"subject-1", "subject-2", "subject-3", "subject-4", "subject-5", "subject-6"}
	}
	for range c.rng.IntN(3) {
		q.Authors = append(q.Authors, crdt.AuthorOf(c.keys[c.rng.IntN(len(c.keys))]))
	}
	if half() {
		q.Since = c.epoch.Add(time.Duration(c.rng.IntN(500)) * time.Second)
	}
	if half() {
		q.Until = c.epoch.Add(time.Duration(500+c.rng.IntN(500)) * time.Second)
	}
	if half() && len(c.applied) > 0 {
		e := c.applied[c.rng.IntN(len(c.applied))]
		switch q.Order {
		case ByAuthor:
			q.From = &crdt.Place{Author: e.Author, Seq: e.Seq, Branch: e.Op.Branch()}
			if half() {
				q.From.Branch = crdt.BranchID{}
			}
		case Causal:
			q.FromClock = e.Clock + crdt.Clock(c.rng.IntN(2))
		case Arrival:
			q.FromOffset = e.Offset
		}
	}
	return q
}
