package eventlog

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/restore"
)

// ownRuns returns the ops of a log's own, each as a run.
func ownRuns(t testing.TB, l *Log) (runs []crdt.Run) {
	t.Helper()
	must(t, l.store.view(func(tx *readTx) error {
		c := tx.opCursor(l.Author())
		for key := range c.from(crdt.Key{}) {
			op, err := verifiedAt(l.Author(), key, slices.Clone(c.value))
			must(t, err)
			runs = append(runs, crdt.Run{Ops: []crdt.Op{op}})
		}
		return c.err
	}))
	return runs
}

// TestOwnOpsComeBackBesideOthers has ops of our own come from a peer, in one transaction with somebody else's: those before
// these are late until then, those behind are in the tree, and all have the order in which they came.
func TestOwnOpsComeBackBesideOthers(t *testing.T) {
	c := newCords(t, 3500, 1, 0)
	was := c.as("who reads")
	for i := range 12 {
		own(t, was, 1+i%3)
	}
	runs := ownRuns(t, was)
	must(t, was.Close())
	l, err := Create(t.TempDir(), Birth{Genesis: &c.genesis, UsedKey: true}, Config{Key: testKey("who reads"), Now: func() time.Time { return c.epoch.Add(time.Hour) }})
	must(t, err)
	defer func() { must(t, l.Close()) }()
	taken := func(rs ...crdt.Run) {
		t.Helper()
		outcomes, err := l.Apply(t.Context(), rs)
		must(t, err)
		for _, o := range outcomes {
			if o.Err != nil || o.Ops != 1 {
				t.Fatalf("%+v", o)
			}
		}
		checkArrivals(t, l)
	}
	taken(runs[:5]...)
	if n := late(t, l); n != 5 {
		t.Errorf("of 5 ops that have come back %d are late", n)
	}
	others := []crdt.Run{{Ops: []crdt.Op{c.op()}}, {Ops: []crdt.Op{c.op()}}}
	mixed := slices.Concat(runs[5:8], others[:1], runs[8:10], others[1:])
	id := slices.IndexFunc(mixed, func(r crdt.Run) bool { return r.Author() != l.Author() })
	writes := 0
	must(t, Bolt(l).View(func(tx *bbolt.Tx) error { writes = tx.ID(); return nil }))
	taken(mixed...)
	must(t, Bolt(l).View(func(tx *bbolt.Tx) error { writes = tx.ID() - writes; return nil }))
	if n := late(t, l); n != 0 || id != 3 || writes != 1 {
		t.Errorf("%d ops are late after %d transactions", n, writes)
	}
	taken(runs[10:]...)
	if n := late(t, l); n != 2 {
		t.Errorf("of 2 ops behind those %d are late", n)
	}
	var want, got []crdt.OpID
	for _, r := range slices.Concat(runs[:5], mixed, runs[10:]) {
		want = append(want, r.Ops[0].ID)
	}
	must(t, l.store.view(func(tx *readTx) error {
		for a := range tx.arrivalCursor().from(0, false) {
			got = append(got, a.Key.ID)
		}
		return nil
	}))
	if !slices.Equal(got, want) {
		t.Errorf("they have arrived as %v, want %v", got, want)
	}
	if report, err := l.Verify(t.Context()); err != nil || !report.OK() {
		t.Errorf("verify: %v, %v", report.Problems, err)
	}
}

// TestCopiesOfWhatIsLate compacts, backs up and restores a log of which ops are late: all copies show what it did, by the same
// offsets, a compacted file as it is, and a restored one with all arrivals written, in the version that each program reads.
func TestCopiesOfWhatIsLate(t *testing.T) {
	c := newCords(t, 3600, 1, 0)
	l := c.as("who reads")
	defer func() { must(t, l.Close()) }()
	orders := []Order{ByAuthor, Causal, Arrival}
	var first, second bytes.Buffer
	grow := func(n int) {
		c.grow(l, 2)
		for i := range n {
			own(t, l, 1+i%3)
		}
	}
	grow(30)
	head, err := l.Backup(t.Context(), &first, backup.Options{})
	must(t, err)
	grow(40)
	before, _, _ := shown(t, l, orders...)
	_, err = l.Backup(t.Context(), &second, backup.Options{Since: &head})
	must(t, err)
	_, err = l.Compact(t.Context())
	must(t, err)
	if n := late(t, l); n != 40 {
		t.Errorf("once it is compacted %d ops are late, want 40", n)
	}
	same := func(what string, l *Log) {
		t.Helper()
		checkArrivals(t, l)
		if after, _, _ := shown(t, l, orders...); !slices.EqualFunc(before, after, sameEntry) {
			t.Errorf("%s: it shows something else", what)
		}
		if report, err := l.Verify(t.Context()); err != nil || !report.OK() {
			t.Errorf("%s: %v, %v", what, report.Problems, err)
		}
	}
	same("compacted", l)
	dir, cfg := filepath.Join(t.TempDir(), "restored"), l.store.cfg
	_, err = restore.Into(t.Context(), dir, restore.Options{}, &first, &second)
	must(t, err)
	r, err := Open(dir, cfg)
	must(t, err)
	defer func() { must(t, r.Close()) }()
	same("restored", r)
	must(t, Bolt(r).View(func(tx *bbolt.Tx) error {
		if v := tx.Bucket(bucketMeta).Get(metaFormat); !bytes.Equal(v, []byte{formatVersion}) || late(t, r) != 0 {
			t.Errorf("restored it is of version %x, and %d ops are late", v, late(t, r))
		}
		return nil
	}))
	end := r.Feed(r.Author()).Heads()[0]
	_, err = r.Recover(t.Context(), Recovery{End: end, Alone: true})
	must(t, err)
	own(t, r, 1)
	if n := late(t, r); n == 0 {
		t.Error("it goes on, and nothing is late")
	}
	checkArrivals(t, r)
}
