package eventlog

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/arrivals"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/refill"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// late returns how many ops of l's own are late by its file.
func late(t testing.TB, l *Log) (ops uint64) {
	t.Helper()
	must(t, l.store.view(func(tx *readTx) error {
		a := l.Author()
		v := tx.feeds().Get(a[:])
		if v == nil {
			return nil
		}
		found, err := record.LateOf(a, v)
		ops = found.Ops
		return err
	}))
	return ops
}

// own appends n entries of its own to a log, in one op.
func own(t testing.TB, l *Log, n int) {
	t.Helper()
	_, err := l.AppendBatch(t.Context(), slices.Repeat([]crdt.Event{{Kind: "k"}}, n))
	must(t, err)
}

// TestArrivalsAreWrittenLate: of 65 commits that append one writes the arrivals, those of all 65, and so does what stores an
// op of somebody else's. The first that does not makes the file one that older programs do not read.
func TestArrivalsAreWrittenLate(t *testing.T) {
	c := newCords(t, 3000, 1, 0)
	l := c.open()
	look := func() (root uint64, format byte) {
		must(t, Bolt(l).View(func(tx *bbolt.Tx) error {
			root, format = uint64(tx.Bucket(bucketArrivals).Root()), tx.Bucket(bucketMeta).Get(metaFormat)[0]
			return nil
		}))
		return root, format
	}
	c.grow(l, 1)
	root, format := look()
	if format != formatVersion {
		t.Errorf("before anything is late the file is of version %d", format)
	}
	var written []int
	for i := range 200 {
		own(t, l, 1+i%3)
		now, format := look()
		if now != root {
			written = append(written, i+1)
		}
		if root = now; format != schema.LateVersion {
			t.Fatalf("after %d appends the file is of version %d", i+1, format)
		}
	}
	if !slices.Equal(written, []int{65, 130, 195}) {
		t.Errorf("the arrivals were written in the commits %d", written)
	}
	if n := late(t, l); n != 5 {
		t.Errorf("%d ops are late", n)
	}
	c.grow(l, 1)
	if now, _ := look(); now == root || late(t, l) != 0 {
		t.Errorf("an op of somebody else's has left %d ops late", late(t, l))
	}
}

// arrived returns the arrivals as the ops of a log have it, in order.
func arrived(t testing.TB, l *Log, tx *readTx) (all []record.Arrival) {
	t.Helper()
	for a := range l.Frontier() {
		c := tx.opCursor(a)
		for key := range c.from(crdt.Key{}) {
			s, err := c.signed()
			must(t, err)
			all = append(all, record.Arrival{Offset: c.offset(), Author: a, Key: key, Count: s.Count})
		}
		must(t, c.err)
	}
	slices.SortFunc(all, func(a, b record.Arrival) int { return cmp.Compare(a.Offset, b.Offset) })
	return all
}

// checkArrivals holds what the arrivals show, from each place in either direction, against what the ops say.
func checkArrivals(t testing.TB, l *Log) {
	t.Helper()
	must(t, l.store.view(func(tx *readTx) error {
		want, of := arrived(t, l, tx), arrivals.Of(tx.Tx)
		end, err := of.End()
		must(t, err)
		if n := len(want); n > 0 && end != want[n-1].Offset+want[n-1].Count {
			t.Fatalf("they end at %d, the last is %+v", end, want[n-1])
		}
		at := func(k, v []byte) (a record.Arrival) {
			if k != nil {
				a, err = record.ParseArrival(k, v)
				must(t, err)
			}
			return a
		}
		wanted := func(i int) (a record.Arrival) {
			if i >= 0 && i < len(want) {
				a = want[i]
			}
			return a
		}
		c, n := of.Cursor(), len(want)
		k, v := c.First()
		for i := 0; i <= n; i++ {
			if got := at(k, v); got != wanted(i) {
				t.Fatalf("arrival %d from the first: %+v, want %+v", i, got, wanted(i))
			}
			k, v = c.Next()
		}
		k, v = c.Last()
		for i := n - 1; i >= -1; i-- {
			if got := at(k, v); got != wanted(i) {
				t.Fatalf("arrival %d from the last: %+v, want %+v", i, got, wanted(i))
			}
			k, v = c.Prev()
		}
		for offset := range end + 2 {
			key := record.Offset(offset)
			i, exact := slices.BinarySearchFunc(want, offset, func(a record.Arrival, o uint64) int { return cmp.Compare(a.Offset, o) })
			if got := at(c.Seek(key[:])); got != wanted(i) {
				t.Fatalf("the first from %d on: %+v, want %+v", offset, got, wanted(i))
			}
			if i < n {
				if got := at(c.Prev()); got != wanted(i-1) {
					t.Fatalf("the one before %d: %+v, want %+v", offset, got, wanted(i-1))
				}
			}
			got := of.At(offset)
			if exact && got != want[i] || !exact && got != (record.Arrival{}) {
				t.Fatalf("at %d: %+v", offset, got)
			}
		}
		return c.Err()
	}))
}

// TestLawLateArrivalsAreRead: whatever is appended and applied in turn, in one transaction too, and forgotten, and whenever
// the log is opened again, the arrivals are those that the ops say.
func TestLawLateArrivalsAreRead(t *testing.T) {
	most := uint64(0)
	for seed := range uint64(15) {
		c := newCords(t, 3100+seed, 2, 0)
		l := c.as("who reads")
		for range 25 {
			switch c.rng.IntN(8) {
			case 0:
				c.grow(l, 1+c.rng.IntN(3))
			case 1:
				l = c.reopened(l, func(spoiler) error { return nil })
			case 2: // more than may be late, in one transaction
				must(t, l.Update(t.Context(), func(tx *Tx) error {
					for range 50 + c.rng.IntN(40) {
						if _, err := tx.Append(crdt.Event{Kind: "k"}); err != nil {
							return err
						}
						if _, err := tx.Seal(); err != nil {
							return err
						}
					}
					return nil
				}))
			case 3:
				_, err := l.Prune(t.Context(), PruneRequest{Keep: 1 + c.rng.Uint64N(9)})
				if err != nil && !errors.Is(err, ErrNothingToPrune) {
					t.Fatal(err)
				}
				_, err = l.Trim(t.Context(), TrimOptions{})
				must(t, err)
			case 4:
				_, err := l.Compact(t.Context())
				must(t, err)
			default:
				for range 1 + c.rng.IntN(10) {
					own(t, l, 1+c.rng.IntN(4))
				}
			}
			most = max(most, late(t, l))
			checkArrivals(t, l)
		}
		if report, err := l.Verify(t.Context()); err != nil || !report.OK() {
			t.Fatalf("seed %d: %v, %v", seed, report.Problems, err)
		}
		must(t, l.Close())
	}
	if most != record.MaxLate {
		t.Errorf("at most %d ops were late, want %d", most, record.MaxLate)
	}
}

// damagedLate returns a log of which some ops that are late are spoiled or lost, but the last, what it showed before, and a
// peer that holds what it held.
func damagedLate(t testing.TB, c *cords) (l, peer *Log, bad []crdt.Key, before []Entry) {
	t.Helper()
	l, peer = c.as("who reads"), c.as("the peer")
	t.Cleanup(func() { must(t, peer.Close()) })
	c.grow(l, 1+c.rng.IntN(4))
	for range 20 + c.rng.IntN(60) {
		own(t, l, 1+c.rng.IntN(4))
	}
	var runs []crdt.Run
	var keys []crdt.Key
	must(t, l.store.view(func(tx *readTx) error {
		for _, a := range arrived(t, l, tx) {
			op, err := verifiedAt(a.Author, a.Key, slices.Clone(tx.value(a.Author, a.Key)))
			must(t, err)
			runs = append(runs, crdt.Run{Ops: []crdt.Op{op}})
			if a.Author == l.Author() {
				keys = append(keys, a.Key)
			}
		}
		return nil
	}))
	_, err := peer.Apply(t.Context(), runs)
	must(t, err)
	before, _, _ = shown(t, l, ByAuthor, Causal, Arrival)
	keys = keys[len(keys)-int(late(t, l)) : len(keys)-1]
	at := c.rng.IntN(len(keys))
	for range 1 + c.rng.IntN(3) {
		if !slices.Contains(bad, keys[at]) {
			bad = append(bad, keys[at])
		}
		if at = min(at+1, len(keys)-1); c.rng.IntN(2) == 0 {
			at = c.rng.IntN(len(keys))
		}
	}
	author := l.Author()
	l = c.reopened(l, func(s spoiler) error {
		for _, key := range bad {
			do := s.spoil
			if c.rng.IntN(2) == 0 {
				do = s.lose
			}
			if err := do(author, key, s.tx.Bucket(bucketOps).Bucket(author[:])); err != nil {
				return err
			}
		}
		return nil
	})
	return l, peer, bad, before
}

// TestLawDamageOfWhatIsLateIsRepaired: ops that are late and spoiled or lost are told of by their place, whoever reads, and
// with what a peer gives the log becomes what it was, also where their arrivals were written meanwhile.
func TestLawDamageOfWhatIsLateIsRepaired(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := newCords(t, 3200+seed, 1, 0)
			l, peer, bad, before := damagedLate(t, c)
			defer func() { must(t, l.Close()) }()
			for _, order := range []Order{ByAuthor, Causal, Arrival} {
				if n, err := countRead(t, l, Query{Order: order}); !isDamaged(err) {
					t.Errorf("%s: %d entries, %v", order, n, err)
				}
			}
			report, err := l.Verify(t.Context())
			must(t, err)
			for _, key := range bad {
				if !slices.ContainsFunc(report.Holes, func(h crdt.Span) bool { return h.From <= key.First && key.First < h.Upto }) {
					t.Errorf("op %d is not told of: %v", key.First, report.Problems)
				}
			}
			_, err = l.Damaged(t.Context())
			must(t, err)
			if seed%2 == 0 {
				WriteLate(t, l)
			}
			if seed%3 == 0 {
				l = c.reopened(l, func(spoiler) error { return nil })
			}
			for fill(t, l, peer) > 0 {
			}
			if report, err := l.Verify(t.Context()); err != nil || !report.OK() {
				t.Fatalf("verify: %v, %v", report.Problems, err)
			}
			checkArrivals(t, l)
			if after, _, _ := shown(t, l, ByAuthor, Causal, Arrival); !slices.EqualFunc(before, after, func(a, b Entry) bool { return a.Op == b.Op && a.Seq == b.Seq && a.Offset == b.Offset }) {
				t.Error("the entries are not what they were, at the offsets that they had")
			}
		})
	}
}

// TestSalvageKnowsWhatWasLate: what was late and cannot be read is a hole of the new file, whose offsets stay its own.
func TestSalvageKnowsWhatWasLate(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := newCords(t, 3300+seed, 1, 0)
			l, peer, bad, before := damagedLate(t, c)
			dir, cfg := filepath.Dir(l.Path()), l.store.cfg
			_, err := l.Compact(t.Context()) // what was spoiled is on no free page either
			must(t, err)
			must(t, l.Close())
			report, err := Salvage(t.Context(), dir, cfg, nil)
			must(t, err)
			for _, key := range bad {
				if !slices.ContainsFunc(report.Holes, func(h refill.Hole) bool { return h.From <= key.First && key.First < h.To }) {
					t.Errorf("op %d is in none of the holes %v", key.First, report.Holes)
				}
			}
			if want := before[len(before)-1].Offset + 1; report.Next != want || len(report.Lost) > 0 {
				t.Errorf("it ends at offset %d, want %d; lost %q", report.Next, want, report.Lost)
			}
			l, err = Open(dir, cfg)
			must(t, err)
			defer func() { must(t, l.Close()) }()
			for fill(t, l, peer) > 0 {
			}
			if after, _, _ := shown(t, l, ByAuthor, Causal, Arrival); !slices.EqualFunc(before, after, func(a, b Entry) bool { return a.Op == b.Op && a.Seq == b.Seq && a.Offset == b.Offset }) {
				t.Error("the entries are not what they were, at the offsets that they had")
			}
			if report, err := l.Verify(t.Context()); err != nil || !report.OK() {
				t.Fatalf("verify: %v, %v", report.Problems, err)
			}
		})
	}
}
