package eventlog

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// TestWhatIsGivenUpIsCounted: of the end of our own feed some ops cannot be read, some are missing, and of any of them the
// arrival may be, too, as after a salvage; some had lost their bodies. Given up, the feed and its record say the same.
func TestWhatIsGivenUpIsCounted(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := newCords(t, 2970+seed, 1, 0)
			l := c.as("who reads")
			a := l.Author()
			for i := range 12 {
				batch := slices.Repeat([]crdt.Event{{Kind: "k", Retention: crdt.Retention(c.rng.IntN(2))}}, 1+c.rng.IntN(3))
				_, err := l.AppendBatch(t.Context(), batch)
				if must(t, err); i%4 == 1 {
					c.grow(l, 2)
				}
			}
			policy := TrimPolicy{MinAge: -1, MinCount: 1}
			_, err := l.Trim(t.Context(), TrimOptions{Policy: &policy})
			must(t, err)
			var keys []crdt.Key
			must(t, l.store.view(func(tx *readTx) error {
				for s, err := range tx.Ops(a, 0) {
					must(t, err)
					keys = append(keys, s.Key())
				}
				return nil
			}))
			left := 4 + c.rng.IntN(8)
			l = c.reopened(l, func(s spoiler) (all error) {
				s.arrivals = make(map[crdt.OpID]bool)
				ops := s.tx.Bucket(bucketOps).Bucket(a[:])
				for i, key := range keys[left:] {
					k := record.OpKey(key)
					last := left+i == len(keys)-1 // nothing is known behind what is not known at all
					switch at := record.Offset(record.Op(ops.Get(k[:])).Offset()); {
					case !last && c.rng.IntN(2) == 0:
						all = errors.Join(all, s.lose(a, key, ops))
					case !last && c.rng.IntN(2) == 0:
						all = errors.Join(all, s.tx.Bucket(bucketArrivals).Delete(at[:]))
						fallthrough
					default: // its body, or what stands in its place
						v := slices.Clone(ops.Get(k[:]))
						v[len(v)-1] ^= 1
						all = errors.Join(all, ops.Put(k[:], v))
					}
				}
				return all
			})
			defer func() { must(t, l.Close()) }()
			_, err = l.Recover(t.Context(), Recovery{End: crdt.Head{Next: keys[left].First, ID: keys[left-1].ID}, Alone: true})
			must(t, err)
			l = c.reopened(l, func(spoiler) error { return nil })
			if report, err := l.Verify(t.Context()); err != nil || !report.OK() {
				t.Errorf("verify: %v, %v", report.Problems, err)
			}
			if f := l.Feed(a); f.Next() != keys[left].First+1 {
				t.Errorf("it goes on before %d, want %d", f.Next(), keys[left].First+1)
			}
		})
	}
}
