package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// TestDamageIsNotTakenForWhatWasForgotten spoils what tells readers that something is gone, or that it came after
// they began: they say that the file is damaged, and skip nothing.
func TestDamageIsNotTakenForWhatWasForgotten(t *testing.T) {
	finds := map[string]string{
		"an arrival is gone": "1 offsets have no arrival", "a body went with a sweep that never was": "went with sweep 1099511627776",
		"an op came when nothing has": "has the offset 1099511627776",
	}
	for name, spoil := range map[string]func(tx *bbolt.Tx, a crdt.Author, op crdt.Op) error{
		"an arrival is gone": func(tx *bbolt.Tx, _ crdt.Author, _ crdt.Op) error {
			k := record.Offset(2)
			return tx.Bucket(bucketArrivals).Delete(k[:])
		},
		"a body went with a sweep that never was": func(tx *bbolt.Tx, a crdt.Author, op crdt.Op) error {
			k := record.OpKey(op.Key())
			return tx.Bucket(bucketOps).Bucket(a[:]).Put(k[:], record.NewTrimmed(2, op.Signed, 1<<40))
		},
		"an op came when nothing has": func(tx *bbolt.Tx, a crdt.Author, op crdt.Op) error {
			k := record.OpKey(op.Key())
			return tx.Bucket(bucketOps).Bucket(a[:]).Put(k[:], record.NewOp(nil, 1<<40, op))
		},
	} {
		l := newForgetful(t, 0, 0)
		WriteLate(t, l)
		var op crdt.Op
		err := l.store.view(func(tx *readTx) (err error) {
			op, _, _, err = tx.arrived(2)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		mustWriteByHand(t, l, func(tx *bbolt.Tx) error { return spoil(tx, l.store.author, op) })
		for i := range 6 {
			q := Query{Order: Order(i / 2), Reverse: i%2 == 1}
			if q.Order != Arrival && strings.HasPrefix(name, "an arrival") {
				continue // only readings by arrival look there
			}
			n, err := countRead(t, l, q)
			if _, damaged := asDamaged(err); !damaged {
				t.Errorf("%s: %s, reverse %t: %d entries, %v", name, q.Order, q.Reverse, n, err)
			}
		}
		report, err := l.Verify(t.Context())
		if err != nil || !slices.ContainsFunc(report.Problems, func(p Problem) bool { return strings.Contains(p.String(), finds[name]) }) {
			t.Errorf("%s: verify finds %v, %v", name, report.Problems, err)
		}
	}
}

// TestADamagedOffsetIsNotShown: an op whose offset has become a lower one is damage in every order, and neither a trim
// nor a prune takes it for what lies there.
func TestADamagedOffsetIsNotShown(t *testing.T) {
	l := newForgetful(t, 35, 0)
	mustWriteByHand(t, l, func(tx *bbolt.Tx) error {
		ops := tx.Bucket(bucketOps).Bucket(l.store.author[:])
		c := ops.Cursor()
		k, _ := c.First()
		k, v := c.Seek(slices.Concat(k[:7], []byte{20}))
		v = slices.Clone(v)
		v[7] ^= 16
		return ops.Put(k, v)
	})
	for i := range 6 {
		q := Query{Order: Order(i / 2), Reverse: i%2 == 1}
		n, err := countRead(t, l, q)
		if _, damaged := asDamaged(err); !damaged {
			t.Errorf("%s, reverse %t: %d entries, %v", q.Order, q.Reverse, n, err)
		}
	}
	policy := TrimPolicy{MinAge: -1, MinCount: 10}
	trimmed, err := l.Trim(t.Context(), TrimOptions{Policy: &policy})
	if _, damaged := asDamaged(err); !damaged {
		t.Errorf("trim: %+v, %v", trimmed, err)
	}
	report, err := l.Verify(t.Context())
	if err != nil || report.OK() || report.Problems[0].Author != l.store.author {
		t.Errorf("verify finds %v, %v", report.Problems, err)
	}
}

// TestABodyThatWasExchangedGoesToNoPeer: its sum is right, so readers are shown it; what goes to others is checked
// against the header.
func TestABodyThatWasExchangedGoesToNoPeer(t *testing.T) {
	l := newForgetful(t, 0, 0)
	a := l.store.author
	mustWriteByHand(t, l, func(tx *bbolt.Tx) error {
		ops := tx.Bucket(bucketOps).Bucket(a[:])
		k, v := ops.Cursor().First()
		key, err := record.ParseOpKey(k)
		if err != nil {
			return err
		}
		b := slices.Clone(v[12:])
		b[bytes.LastIndexByte(b, 'k')] = 'x' // the kind of its last entry
		op, err := crdt.ParseOp(b)
		if err != nil || op.Key() != key {
			return fmt.Errorf("op %v at %v: %w", op.Key(), key, err)
		}
		return ops.Put(k, record.NewOp(nil, 0, op))
	})
	place := crdt.Place{Author: a}
	if e, err := l.Lookup(t.Context(), place); err != nil || e.Kind != "x" {
		t.Errorf("look up: %+v, %v", e, err)
	}
	if _, err := l.Prove(t.Context(), place); !errors.Is(err, crdt.ErrBody) {
		t.Errorf("prove: %v", err)
	}
	segments, err := l.Plan(t.Context(), crdt.Want{Author: a})
	if err != nil || len(segments) != 1 {
		t.Fatalf("plan: %v, %v", segments, err)
	}
	if run, err := l.Read(t.Context(), &segments[0], 1<<20); !errors.Is(err, crdt.ErrBody) {
		t.Errorf("read: %d ops, %v", len(run.Ops), err)
	}
}

// TestForksWithADamagedOffset: an op whose offset is damaged is not left out of what its author's branches hold.
func TestForksWithADamagedOffset(t *testing.T) {
	c := newCords(t, 906, 1, 3)
	l := Unsynced(c.open())
	c.grow(l, 20)
	a := l.Forked()[0]
	mustWriteByHand(t, l, func(tx *bbolt.Tx) error {
		ops := tx.Bucket(bucketOps).Bucket(a[:])
		c := ops.Cursor()
		c.Seek([]byte{0xff}) // what stands behind all ops
		k, v := c.Prev()
		v = slices.Clone(v)
		v[0] ^= 1
		return ops.Put(k, v)
	})
	f, err := l.ForkedFeed(t.Context(), a)
	if _, damaged := asDamaged(err); !damaged {
		t.Errorf("%d entries, %v", f.Entries, err)
	}
}

// TestAnArrivalWithADamagedKeyIsNotTakenForPruned: keys are not in order then, and what one hides is told of.
func TestAnArrivalWithADamagedKeyIsNotTakenForPruned(t *testing.T) {
	l := newForgetful(t, 0, 0)
	forget(t, l, true)
	key, author := record.Offset(36), l.Author()
	b, err := os.ReadFile(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(l.Path(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	want, spoiled := append(key[:], author[:]...), 0
	for at := bytes.Index(b, want); at >= 0; at = bytes.Index(b, want) {
		b[at+7] ^= 4
		if _, err := file.WriteAt(b[at+7:at+8], int64(at+7)); err != nil {
			t.Fatal(err)
		}
		spoiled++
	}
	if spoiled == 0 {
		t.Fatal("the arrival is not in the file")
	}
	for _, reverse := range []bool{false, true} {
		n, err := countRead(t, l, Query{Order: Arrival, Reverse: reverse})
		if _, damaged := asDamaged(err); !damaged {
			t.Errorf("reverse %t: %d entries, %v", reverse, n, err)
		}
	}
}

// TestADamagedPageIsNotTakenForWhatWasForgotten spoils one page after the other under a log of which much was
// pruned: each reading returns what it did before, or says that the file is damaged.
func TestADamagedPageIsNotTakenForWhatWasForgotten(t *testing.T) {
	l := newForgetful(t, 35, 0)
	for i := range 300 {
		if _, err := l.Append(t.Context(), crdt.Event{Kind: "k", Subject: []string{"it", "no"}[i%2], Retention: crdt.Trimmable}); err != nil {
			t.Fatal(err)
		}
	}
	forget(t, l, true)
	var queries []Query
	for _, order := range []Order{ByAuthor, Causal, Arrival} {
		for _, reverse := range []bool{false, true} {
			queries = append(queries, Query{Order: order, Reverse: reverse}, Query{Order: order, Reverse: reverse, Subjects: []string{"it"}})
		}
	}
	want := make([]int, len(queries))
	for i, q := range queries {
		n, err := countRead(t, l, q)
		if want[i] = n; n < 100 || err != nil {
			t.Fatalf("%+v: %d entries, %v", q, n, err)
		}
	}
	file, err := os.OpenFile(l.Path(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	page, damaged := int64(Bolt(l).Info().PageSize), 0
	pages, _ := l.store.file.Usage()
	for at := 2 * page; at < pages; at += page {
		header := make([]byte, 8)
		if _, err := file.ReadAt(header, at); err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt([]byte{^header[0]}, at); err != nil {
			t.Fatal(err)
		}
		for i, q := range queries {
			n, err := countRead(t, l, q)
			if _, found := asDamaged(err); found {
				damaged++
			} else if err != nil || n != want[i] {
				t.Errorf("page %d, %+v: %d entries, want %d: %v", at/page, q, n, want[i], err)
			}
		}
		if _, err := file.WriteAt(header, at); err != nil {
			t.Fatal(err)
		}
	}
	if damaged < len(queries) {
		t.Errorf("%d readings have met damage", damaged)
	}
}

func mustAppendOne(t *testing.T, l *Log) {
	t.Helper()
	if _, err := l.Append(t.Context(), crdt.Event{Kind: "k"}); err != nil {
		t.Fatal(err)
	}
}

// TestAKeyThatHasBecomeABucketIsDamage writes and removes a key that a flipped bit makes a bucket.
func TestAKeyThatHasBecomeABucketIsDamage(t *testing.T) {
	l := newForgetful(t, 0, 0)
	err := Bolt(l).Update(func(tx *bbolt.Tx) error {
		b, err := tx.Bucket(bucketState).CreateBucket([]byte("mine"))
		if err == nil {
			_, err = b.CreateBucket([]byte("key"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(b *Bucket) error{
		"put":    func(b *Bucket) error { return b.Put([]byte("key"), nil) },
		"delete": func(b *Bucket) error { return b.Delete([]byte("key")) },
	} {
		err := l.Update(t.Context(), func(tx *Tx) error { return change(tx.Bucket("mine")) })
		if _, damaged := asDamaged(err); !damaged {
			t.Errorf("%s: %v", name, err)
		}
		err = l.Update(t.Context(), func(tx *Tx) error {
			_ = change(tx.Bucket("mine"))
			return errors.New("what comes of it")
		})
		if _, damaged := asDamaged(err); !damaged {
			t.Errorf("%s: %v hides the damage", name, err)
		}
	}
}

// mustWriteByHand changes the file behind the log's back.
func mustWriteByHand(t *testing.T, l *Log, change func(tx *bbolt.Tx) error) {
	t.Helper()
	if err := Bolt(l).Update(change); err != nil {
		t.Fatal(err)
	}
	mustAppendOne(t, l) // what was written by hand is durable then
}

// countRead returns how many entries the query reads, and what has ended it.
func countRead(t *testing.T, l *Log, q Query) (n int, err error) {
	for _, err = range l.Entries(t.Context(), q) {
		if err == nil {
			n++
		}
	}
	return n, err
}
