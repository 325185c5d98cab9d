package eventlog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
)

// layersKey is where the record of the layers stands in the bucket of the index.
var layersKey = []byte("layers")

// indexFan is how many layers of a level the index merges into one of the next.
const indexFan = 16

// change changes the bucket of the index behind the log's back.
func change(t *testing.T, l *Log, fn func(b *bbolt.Bucket) error) {
	t.Helper()
	if err := Bolt(l).Update(func(tx *bbolt.Tx) error { return fn(tx.Bucket(bucketIndex)) }); err != nil {
		t.Fatal(err)
	}
	l.store.durable++ // the transaction of the test is one
}

// indexKeys returns the keys of the index.
func indexKeys(t *testing.T, l *Log) (keys [][]byte) {
	t.Helper()
	if err := Bolt(l).View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketIndex).ForEach(func(k, _ []byte) error {
			keys = append(keys, bytes.Clone(k))
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	return keys
}

// ways are what may happen to a block or to the record of the layers.
var ways = map[string]func(b *bbolt.Bucket, key []byte) error{
	"is gone": func(b *bbolt.Bucket, key []byte) error { return b.Delete(key) },
	"has a flipped bit": func(b *bbolt.Bucket, key []byte) error {
		v := bytes.Clone(b.Get(key))
		v[len(v)-1] ^= 1
		return b.Put(key, v)
	},
	"is empty": func(b *bbolt.Bucket, key []byte) error { return b.Put(key, nil) },
	"is cut": func(b *bbolt.Bucket, key []byte) error {
		v := bytes.Clone(b.Get(key))
		return b.Put(key, v[:len(v)-2])
	},
	"stands elsewhere": func(b *bbolt.Bucket, key []byte) error {
		v := bytes.Clone(b.Get(key))
		if err := b.Delete(key); err != nil {
			return err
		}
		elsewhere := bytes.Clone(key)
		elsewhere[len(elsewhere)-1] ^= 1
		return b.Put(elsewhere, v)
	},
}

// subjectLog is a log whose entries each have a subject of their own, in three layers of several blocks.
func subjectLog(t *testing.T) (l *Log, subjects []string) {
	t.Helper()
	l = Unsynced(newCords(t, 800, 1, 0).open())
	for range 3 {
		var events []crdt.Event
		for range 800 {
			subject := fmt.Sprint("subject ", len(subjects))
			subjects = append(subjects, subject)
			events = append(events, crdt.Event{Kind: "kind", Subject: subject})
		}
		if _, err := l.AppendBatch(t.Context(), events); err != nil {
			t.Fatal(err)
		}
		if err := l.CatchUpIndex(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return l, subjects
}

// wantWhole fails the test unless all is indexed and the log verifies.
func wantWhole(t *testing.T, l *Log, what string) {
	t.Helper()
	report, err := l.Verify(t.Context())
	if err != nil || !report.OK() {
		t.Fatalf("%s: verify: %v, %v", what, report.Problems, err)
	}
	s, err := l.IndexStatus()
	if err != nil || s.Damaged || s.Reached != l.Stats().Next || s.Postings != report.Postings || report.Stale != 0 {
		t.Fatalf("%s: index %+v, report %+v, %v", what, s, report, err)
	}
}

// wantHistories fails the test unless each subject has the one entry that was appended with it.
func wantHistories(t *testing.T, l *Log, subjects []string, what string) {
	t.Helper()
	for i := 0; i < len(subjects); i += 331 {
		got := collect(t, l.Entries(t.Context(), Query{Subjects: subjects[i : i+1], Order: Order(i % 3)}))
		if len(got) != 1 || got[0].Seq != uint64(i) {
			t.Fatalf("%s: %q has the entries %v", what, subjects[i], got)
		}
	}
}

// A damaged index is made anew without being told to, by the step that meets it: here a merge.
func TestDamagedIndexIsMadeAnew(t *testing.T) {
	for way, damage := range ways {
		l, subjects := subjectLog(t)
		change(t, l, func(b *bbolt.Bucket) error {
			k, _ := b.Cursor().First() // the first block of all
			return damage(b, k)
		})
		for range indexFan {
			if _, err := l.Append(t.Context(), crdt.Event{Kind: "kind"}); err != nil {
				t.Fatal(err)
			}
			if err := l.CatchUpIndex(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		wantWhole(t, l, way)
		wantHistories(t, l, subjects, way)
	}
}

// An index of other arrivals, of another form or of more than the log has is never used, and made anew.
func TestIndexThatDoesNotFitIsMadeAnew(t *testing.T) {
	l, subjects := subjectLog(t)
	var fits []byte
	change(t, l, func(b *bbolt.Bucket) error {
		fits = bytes.Clone(b.Get(layersKey))
		return nil
	})
	const head = 4 + 1 + 16 // checksum, form, incarnation
	// with returns the record that fits with something else in it, under a right checksum.
	with := func(change func(b []byte) []byte) []byte {
		b := change(bytes.Clone(fits))
		binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], crc32.MakeTable(crc32.Castagnoli)))
		return b
	}
	// layer returns an empty layer's part of it.
	layer := func(level byte, from, to uint64) []byte {
		b := binary.BigEndian.AppendUint64([]byte{level}, from)
		return append(binary.BigEndian.AppendUint64(b, to), make([]byte, 3*8)...)
	}
	for what, record := range map[string][]byte{
		"of another incarnation": with(func(b []byte) []byte { b[5]++; return b }),
		"of another form":        with(func(b []byte) []byte { b[4]++; return b }),
		"of a longer log":        with(func(b []byte) []byte { return append(b[:head], layer(0, 0, 1<<40)...) }),
		"with a hole":            with(func(b []byte) []byte { return slices.Concat(b[:head], layer(0, 0, 10), layer(0, 11, 12)) }),
		"of another level":       with(func(b []byte) []byte { return append(b[:head], layer(4, 0, 10)...) }),
	} {
		change(t, l, func(b *bbolt.Bucket) error { return b.Put(layersKey, record) })
		wantHistories(t, l, subjects, what)
		if err := l.CatchUpIndex(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantWhole(t, l, what)
	}
}

// What an interrupted merge or removal has left is no part of the index, and removed.
func TestStrayBlocksAreSweptUp(t *testing.T) {
	l, subjects := subjectLog(t)
	keys := indexKeys(t, l)
	change(t, l, func(b *bbolt.Bucket) error {
		for _, key := range keys {
			stray := bytes.Clone(key)
			stray[0]++ // of the layer that these would have become
			if err := b.Put(stray, b.Get(key)); err != nil {
				return err
			}
		}
		return nil
	})
	wantHistories(t, l, subjects, "with stray blocks")
	l.index = newIndexer(l.store) // as when it was opened
	if err := l.CatchUpIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(keys, indexKeys(t, l)); diff != "" {
		t.Errorf("keys of the index (-before +after):\n%s", diff)
	}
	wantWhole(t, l, "removed")
}

// endsAfter is a context that ends when it has been asked so often.
type endsAfter struct {
	context.Context
	left int
}

func (c *endsAfter) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// Wherever indexing stops, between any two of its transactions, queries show what the log has, and it
// goes on from there.
func TestIndexingGoesOnWhereItStopped(t *testing.T) {
	l, subjects := subjectLog(t)
	for range indexFan {
		if _, err := l.Append(t.Context(), crdt.Event{Kind: "kind"}); err != nil {
			t.Fatal(err)
		}
		if err := l.CatchUpIndex(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stops := 0
	for n := 0; ; n += 1 + n/8 {
		err := l.RebuildIndex(&endsAfter{Context: t.Context(), left: n})
		if err == nil {
			break
		}
		stops++
		what := fmt.Sprintf("after %d looks at the context", n)
		wantHistories(t, l, subjects, what)
		l.index = newIndexer(l.store) // as after a kill
		for range indexFan + 1 {
			if _, err := l.Append(t.Context(), crdt.Event{Kind: "kind"}); err != nil {
				t.Fatal(err)
			}
			if err := l.CatchUpIndex(&endsAfter{Context: t.Context(), left: n}); err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		wantHistories(t, l, subjects, what)
		if err := l.CatchUpIndex(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantWhole(t, l, what)
	}
	if stops < 5 {
		t.Errorf("it was stopped at %d places only", stops)
	}
}

// Whatever part of the index is damaged, no query shows less than the log has; Verify finds it, and the
// index is made anew when told to.
func TestDamagedIndexHidesNothing(t *testing.T) {
	l, subjects := subjectLog(t)
	if err := l.RebuildIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(indexKeys(t, l)); n < 5 {
		t.Fatalf("%d keys: the layer is to have several blocks", n)
	}
	for way, damage := range ways {
		for _, key := range indexKeys(t, l) {
			what := fmt.Sprintf("%x %s", key, way)
			change(t, l, func(b *bbolt.Bucket) error { return damage(b, key) })
			wantHistories(t, l, subjects, what)
			report, err := l.Verify(t.Context())
			none := bytes.Equal(key, layersKey) && (way == "is gone" || way == "stands elsewhere")
			if err != nil || report.OK() != none {
				t.Fatalf("%s: verify: %s, %v", what, &report, err)
			}
			if err := l.RebuildIndex(t.Context()); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			wantWhole(t, l, what)
		}
	}
}

// A damaged log is told from a damaged index: what the index finds and the log cannot give is damage, in
// every order.
func TestDamagedOpThatTheIndexFindsIsDamage(t *testing.T) {
	for what, damage := range map[string]func(b *bbolt.Bucket, key, value []byte) error{
		"is gone":            func(b *bbolt.Bucket, key, _ []byte) error { return b.Delete(key) },
		"has a flipped bit":  func(b *bbolt.Bucket, key, v []byte) error { v[len(v)-1] ^= 1; return b.Put(key, v) },
		"has another offset": func(b *bbolt.Bucket, key, v []byte) error { v[4] ^= 8; return b.Put(key, v) },
	} {
		l, subjects := subjectLog(t)
		author := l.Author()
		if err := Bolt(l).Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucketOps).Bucket(author[:])
			k, v := b.Cursor().First()
			return damage(b, bytes.Clone(k), bytes.Clone(v))
		}); err != nil {
			t.Fatal(err)
		}
		l.store.durable++
		for order := range Arrival + 1 {
			if err := first(l.Entries(t.Context(), Query{Subjects: subjects[:1], Order: order})); !isDamaged(err) {
				t.Errorf("the op %s, %s: %v", what, order, err)
			}
		}
	}
}
