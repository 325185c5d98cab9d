package eventlog

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// ownOps returns the ops of our own feed.
func ownOps(t *testing.T, l *Log) (ops []crdt.Op) {
	t.Helper()
	must(t, l.store.view(func(tx *readTx) error {
		c := tx.opCursor(l.Author())
		for key := range c.from(crdt.Key{}) {
			op, err := slices.Clone(c.value).Verify(l.Author(), key)
			must(t, err)
			ops = append(ops, op)
		}
		return c.err
	}))
	return ops
}

// after makes n ops of one key's after another.
func (c *cords) after(key string, prev crdt.Signed, counts ...int) (ops []crdt.Op) {
	for _, n := range counts {
		h := crdt.Header{Log: prev.Log, First: prev.Next(), Prev: prev.ID, Clock: prev.Clock + 1}
		e := crdt.Event{Kind: "other", Payload: []byte(fmt.Sprint(c.rng.Uint32()))}
		op, err := crdt.NewOp(testKey(key), h, c.epoch, slices.Repeat([]crdt.Event{e}, n)...)
		must(c.t, err)
		ops, prev = append(ops, op), op.Signed
	}
	return ops
}

// wantSecond checks whether a second writer is told of, and nothing else is.
func wantSecond(t *testing.T, l *Log, want bool) {
	t.Helper()
	mute := l.Health().Mute
	if state := l.Recovering(); errors.Is(mute, ErrSecondWriter) != want || state != nil && state.Why != WhyHead {
		t.Errorf("a second writer is told of: %v, want %v; %v", mute, want, state)
	}
}

// TestASecondWriterIsToldOfWhereOurEndCannotBeRead: as soon as it is known what stood where its op stands, by a header that can
// be read or by key and arrival. It is stored beside what was written here, which has its place when it comes back, after a
// restart, too, or is given up. One of the two alone may be damaged: then nothing is told before the other op has come.
func TestASecondWriterIsToldOfWhereOurEndCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		header, arrival, op bool // are lost
		told                bool
	}{
		"body":            {told: true},
		"header":          {header: true, told: true},
		"body, arrival":   {arrival: true, told: true},
		"all of it":       {op: true, arrival: true},
		"all but arrival": {op: true},
	} {
		for _, end := range []string{"comes back", "comes back after a restart", "is given up"} {
			t.Run(name+" "+end, func(t *testing.T) {
				c := newCords(t, 2980, 1, 0)
				l := c.as("who reads")
				a := l.Author()
				for range 6 {
					_, err := l.Append(t.Context(), crdt.Event{Kind: "k"})
					must(t, err)
				}
				ours := ownOps(t, l)
				counts := []int{1, 2, 1}
				if !test.told {
					counts = []int{1, 1} // what takes the place of what was here may be that
				}
				theirs := c.after("who reads", ours[3].Signed, counts...)
				l = c.reopened(l, func(s spoiler) (all error) {
					ops, arrivals := s.tx.Bucket(bucketOps).Bucket(a[:]), s.tx.Bucket(bucketArrivals)
					for _, op := range ours[4:] {
						k := record.OpKey(op.Key())
						v := slices.Clone(ops.Get(k[:]))
						at := record.Offset(record.Op(v).Offset())
						if v[len(v)-1] ^= 1; test.header {
							clear(v[12:])
						}
						if all = errors.Join(all, ops.Put(k[:], v)); test.op {
							all = errors.Join(all, s.lose(a, op.Key(), ops))
						}
						if test.arrival && op.ID != ours[5].ID { // else the arrivals end before it
							all = errors.Join(all, arrivals.Delete(at[:]))
						}
					}
					return all
				})
				defer func() { must(t, l.Close()) }()
				outcomes, err := l.Apply(t.Context(), []crdt.Run{{Ops: theirs}})
				if must(t, err); outcomes[0].Err != nil || outcomes[0].Ops != len(theirs) || outcomes[0].Forked != test.told {
					t.Errorf("the other's ops: %+v", outcomes[0])
				}
				wantSecond(t, l, test.told)
				if end == "comes back after a restart" {
					l = c.reopened(l, func(spoiler) error { return nil })
					wantSecond(t, l, test.told)
				}
				if end == "is given up" {
					if test.told {
						giveUpByNewKey(t, c, &l)
					}
					return
				}
				outcomes, err = l.Apply(t.Context(), []crdt.Run{{Ops: ours}})
				if must(t, err); outcomes[0].Err != nil || !outcomes[0].Forked {
					t.Errorf("ours: %+v", outcomes[0])
				}
				wantSecond(t, l, true)
				f := l.Feed(a)
				report, err := l.Verify(t.Context())
				if must(t, err); !report.OK() || len(f.Branches) != 2 || report.Entries != theirs[len(theirs)-1].Next()+2 {
					t.Errorf("%d branches, %d entries: %v", len(f.Branches), report.Entries, report.Problems)
				}
			})
		}
	}
}

// giveUpByNewKey gives up what cannot be read, as whoever goes on with a new key does: what the second writer wrote stays.
func giveUpByNewKey(t *testing.T, c *cords, l **Log) {
	t.Helper()
	was := (*l).Feed((*l).Author())
	must(t, (*l).store.exclusively(t.Context(), func(tx *writeTx) error { return tx.store.ours.giveUp(tx) }))
	_, err := (*l).Apply(t.Context(), []crdt.Run{{Ops: []crdt.Op{c.op()}}}) // the last arrival says which offset is next
	must(t, err)
	*l = c.reopened(*l, func(spoiler) error { return nil })
	report, err := (*l).Verify(t.Context())
	if must(t, err); !report.OK() || (*l).Feed((*l).Author()).Next() != was.Next() || was.Next() != 8 {
		t.Errorf("the feed ends before %d: %v", (*l).Feed((*l).Author()).Next(), report.Problems)
	}
}

// TestAForkInsideAHole: what contradicts an op whose header can be read, or the last one of a hole, is told of and stored though
// the hole is there; what may be a part of the hole waits. Filled, the feed is what it is where nothing was damaged.
func TestAForkInsideAHole(t *testing.T) {
	for name, test := range map[string]struct {
		bodies bool  // alone are spoiled
		counts []int // of the other branch's ops, the first of which names op 4
		own    bool  // the feed is ours
		stored bool  // at once
		told   bool  // of our own feed
	}{
		"header":         {bodies: true, counts: []int{1, 1}, stored: true, told: true},
		"header, own":    {bodies: true, counts: []int{1, 1}, own: true, stored: true, told: true},
		"across":         {counts: []int{5, 1}, stored: true, told: true},
		"across, own":    {counts: []int{5, 1}, own: true, stored: true, told: true},
		"later":          {counts: []int{1, 4}},
		"later, own":     {counts: []int{1, 4}, own: true, told: true},
		"may be it":      {counts: []int{1, 1}},
		"may be it, own": {counts: []int{1, 1}, own: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCords(t, 2981, 1, 0)
			l, peer, key := c.as("who reads"), c.as("the peer"), "cords 2981 author 0"
			if test.own {
				key = "who reads"
			}
			defer func() { must(t, errors.Join(l.Close(), peer.Close())) }()
			var ours []crdt.Op
			if h := (crdt.Header{Log: c.genesis.Log(), Clock: crdt.ClockAt(c.epoch)}); test.own {
				for range 12 {
					_, err := l.Append(t.Context(), crdt.Event{Kind: "k"})
					must(t, err)
				}
				ours = ownOps(t, l)
			} else {
				first, err := crdt.NewOp(testKey(key), h, c.epoch, crdt.Event{Kind: "k"})
				must(t, err)
				ours = append([]crdt.Op{first}, c.after(key, first.Signed, slices.Repeat([]int{1}, 11)...)...)
				_, err = l.Apply(t.Context(), []crdt.Run{{Ops: ours}})
				must(t, err)
			}
			a, theirs := ours[0].Author, c.after(key, ours[4].Signed, test.counts...)
			_, err := peer.Apply(t.Context(), []crdt.Run{{Ops: ours}, {Ops: theirs}})
			must(t, err)
			l = c.reopened(l, func(s spoiler) (all error) {
				ops := s.tx.Bucket(bucketOps).Bucket(a[:])
				for _, op := range ours[5:9] {
					k := record.OpKey(op.Key())
					if v := slices.Clone(ops.Get(k[:])); test.bodies {
						v[len(v)-1] ^= 1
						all = errors.Join(all, ops.Put(k[:], v))
					} else {
						all = errors.Join(all, s.lose(a, op.Key(), ops))
					}
				}
				return all
			})
			_, err = l.Verify(t.Context())
			must(t, err)
			if holes, err := l.Damaged(t.Context()); err != nil || len(holes) == 0 {
				t.Fatalf("holes: %v, %v", holes, err)
			}
			for _, part := range [][]crdt.Op{ours[6:8], ours[5:6]} { // damage alone is no fork
				if test.bodies { // it comes back so
					break
				}
				outcomes, err := l.Apply(t.Context(), []crdt.Run{{Ops: part}})
				if must(t, err); outcomes[0].Forked || outcomes[0].Err != nil {
					t.Errorf("a part of the hole: %+v", outcomes[0])
				}
				if l.Health().Mute != nil {
					t.Fatalf("told of damage alone: %v", l.Health().Mute)
				}
			}
			outcomes, err := l.Apply(t.Context(), []crdt.Run{{Ops: theirs}})
			if must(t, err); outcomes[0].Err != nil || outcomes[0].Forked != test.stored || (outcomes[0].Ops == 2) != test.stored {
				t.Errorf("the other branch: %+v", outcomes[0])
			}
			if test.own {
				wantSecond(t, l, test.told)
			}
			for fill(t, l, peer) > 0 {
			}
			outcomes, err = l.Apply(t.Context(), []crdt.Run{{Ops: theirs}})
			if must(t, err); outcomes[0].Err != nil || l.Root() != peer.Root() {
				t.Errorf("the other branch, then: %+v, %v", outcomes[0], l.Feed(a))
			}
			if report, err := l.Verify(t.Context()); err != nil || !report.OK() {
				t.Errorf("verify: %v, %v", report.Problems, err)
			}
		})
	}
}
