package eventlog

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
)

// TestAMissingOpOfAForkedFeedIsTold: whichever op of a feed with branches is gone from the file, whoever opens that and
// reads is told where it was, in each order, and in that of the log is given all that stands before it. Who hides what is
// disputed is told of what is not, and is given all of that otherwise.
func TestAMissingOpOfAForkedFeedIsTold(t *testing.T) {
	for seed := range uint64(3) {
		c := newCords(t, 4200+seed, 1, 5)
		l := c.as("who reads")
		c.grow(l, 24)
		path, a, disputed := l.Path(), crdt.AuthorOf(c.keys[0]), c.disputed()
		_, err := l.Compact(t.Context()) // to a file that is soon copied
		must(t, err)
		must(t, l.Close())
		whole, err := os.ReadFile(path)
		must(t, err)
		for _, lost := range c.ops[a] {
			t.Run(fmt.Sprintf("seed=%d/%d@%.8s", seed, lost.First, lost.ID), func(t *testing.T) {
				dir := t.TempDir()
				hurt := filepath.Join(dir, filepath.Base(path))
				must(t, os.WriteFile(hurt, whole, 0o600))
				db, err := bbolt.Open(hurt, 0o600, nil)
				must(t, err)
				must(t, db.Update(func(tx *bbolt.Tx) error {
					return spoiler{cords: c, tx: tx}.lose(a, lost.Key(), tx.Bucket(bucketOps).Bucket(a[:]))
				}))
				must(t, db.Close())
				reader, err := Open(dir, Config{ReadOnly: true})
				must(t, err)
				defer func() { must(t, reader.Close()) }()
				for _, order := range []Order{ByAuthor, Causal} {
					for _, show := range []Disputed{ShowDisputed, HideDisputed, OnlyDisputed} {
						q := Query{Order: order, Disputed: show}
						wantToldOf(t, reader, q, c.view(q), lost, show.Takes(disputed[lost.ID]))
					}
				}
			})
		}
	}
}

// wantToldOf wants a reading to name the op that is lost if the query takes it, and to have shown of the whole view what
// stands before it; else to be whole, or to name it all the same where it shows what is disputed, which is below.
func wantToldOf(t *testing.T, l *Log, q Query, whole []Entry, lost crdt.Op, takes bool) {
	t.Helper()
	places := func(all []Entry) (places []string) {
		for _, e := range all {
			places = append(places, e.Place().String())
		}
		return places
	}
	var got []Entry
	var reading error
	for e, err := range l.Entries(t.Context(), q) {
		if reading = err; err == nil {
			got = append(got, e.Clone())
		}
	}
	if !takes && (reading == nil || q.Disputed == HideDisputed) {
		if diff := cmp.Diff(places(whole), places(got)); diff != "" || reading != nil {
			t.Errorf("%s, %d: %v; -want +got\n%s", q.Order, q.Disputed, reading, diff)
		}
		return
	}
	damaged, is := asDamaged(reading)
	if !is || damaged.op == nil || damaged.op.Seq < lost.First || damaged.op.Seq >= lost.Next() {
		t.Errorf("%s, %d: %d of %d entries, and then %v, want that %d to %d are missing", q.Order, q.Disputed, len(got), len(whole), reading, lost.First, lost.Next()-1)
	}
	before := slices.IndexFunc(whole, func(e Entry) bool { return e.Op == lost.ID })
	if q.Order == ByAuthor && before >= 0 && !slices.Equal(places(whole[:before]), places(got[:min(before, len(got))])) {
		t.Errorf("%d: %v are read before %d, want %v", q.Disputed, places(got), lost.First, places(whole[:before]))
	}
}
