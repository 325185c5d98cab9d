package eventlog

import (
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/eventlog/internal/record"
)

// TestAPageGoesOnPastNoDamagedOffset spoils the offset of one op after the other, as if it came after a reading began:
// from whichever page on, a reading returns what it did before, or says that the file is damaged.
func TestAPageGoesOnPastNoDamagedOffset(t *testing.T) {
	c := newCords(t, 907, 2, 4)
	l := Unsynced(c.open())
	c.grow(l, 14)
	var queries []Query
	for i := range 12 {
		q := Query{Order: []Order{ByAuthor, Causal}[i%2], Reverse: i/2%2 == 1, Disputed: Disputed(i / 4)}
		for more := true; more; more = q.Page != "" {
			if q.Page != "" {
				queries = append(queries, q)
			}
			var err error
			q.Limit = 7
			if _, q.Page, err = l.Page(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			q.Limit = 0
		}
	}
	want := make([]int, len(queries))
	for i, q := range queries {
		var err error
		if want[i], err = countRead(t, l, q); err != nil {
			t.Fatal(err)
		}
	}
	damaged := 0
	for a, ops := range c.ops {
		for _, op := range ops {
			flip := func(tx *bbolt.Tx) error {
				b, k := tx.Bucket(bucketOps).Bucket(a[:]), record.OpKey(op.Key())
				v := slices.Clone(b.Get(k[:]))
				v[0] ^= 1
				return b.Put(k[:], v)
			}
			mustWriteByHand(t, l, flip)
			for i, q := range queries {
				n, err := countRead(t, l, q)
				if _, found := asDamaged(err); found {
					damaged++
				} else if err != nil || n != want[i] {
					t.Errorf("%s/%d, %s, reverse %t, disputed %d: %d entries, want %d: %v", a.Short(), op.First, q.Order, q.Reverse, q.Disputed, n, want[i], err)
				}
			}
			mustWriteByHand(t, l, flip)
		}
	}
	if damaged < len(queries) {
		t.Errorf("%d readings have met damage", damaged)
	}
}
