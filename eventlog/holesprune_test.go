package eventlog

import (
	"errors"
	"fmt"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// TestWhatIsForgottenIsNoHole: a hole below a floor is forgotten with what is beside it. It is asked of nobody then, nobody
// puts it back, and the log is whole. One that ends with the floor, or that a holder has not had, stays, with the op before
// it, and can be put back.
func TestWhatIsForgottenIsNoHole(t *testing.T) {
	for _, test := range []struct {
		lost  []int
		held  uint64 // from this offset on a holder needs what there is
		first uint64 // of the feed, once it is pruned below 12
		left  int    // holes
	}{
		{lost: []int{3, 4}, held: 20, first: 12},
		{lost: []int{0, 1}, held: 20, first: 12},
		{lost: []int{3, 5, 6, 8}, held: 20, first: 12},
		{lost: []int{10, 11}, held: 20, first: 9, left: 1},
		{lost: []int{3, 11, 12, 13}, held: 20, first: 10, left: 1},
		{lost: []int{3, 4}, held: 4, first: 2, left: 1},
		{lost: []int{3, 7, 8}, held: 9, first: 6, left: 1},
	} {
		for _, arrivals := range []bool{true, false} {
			t.Run(fmt.Sprint(test, arrivals), func(t *testing.T) {
				pruneHoles(t, test.lost, test.held, arrivals, test.first, test.left)
			})
		}
	}
}

// pruneHoles prunes a feed below 12 that lacks ops, with their arrivals or without, and then has a peer give them back.
func pruneHoles(t *testing.T, lost []int, held uint64, arrivals bool, first uint64, left int) {
	c := newCords(t, 2950, 1, 0)
	a := crdt.AuthorOf(c.keys[0])
	ops := c.chain(20, func(int) bool { return false }, func(i int) uint64 { return uint64(i) / 19 * 12 })
	l, peer := c.as("who reads"), c.as("the peer")
	defer func() { must(t, errors.Join(l.Close(), peer.Close())) }()
	for _, log := range []*Log{l, peer} {
		_, err := log.Apply(t.Context(), []crdt.Run{{Ops: ops[:19]}})
		must(t, err)
	}
	l = c.reopened(l, func(s spoiler) (all error) {
		for _, i := range lost {
			all = errors.Join(all, s.lose(a, ops[i].Key(), s.tx.Bucket(bucketOps).Bucket(a[:])))
			if at := record.Offset(uint64(i)); !arrivals {
				all = errors.Join(all, s.tx.Bucket(bucketArrivals).Delete(at[:]))
			}
		}
		return all
	})
	_, err := l.Verify(t.Context())
	must(t, err)
	holes, err := l.Damaged(t.Context())
	must(t, err)
	_, err = l.Apply(t.Context(), []crdt.Run{{Ops: ops[19:]}})
	must(t, err)
	_, err = l.Trim(t.Context(), TrimOptions{Holds: []Hold{{Name: "who has not had all", Offset: held}}})
	must(t, err)
	still, err := l.Damaged(t.Context())
	if must(t, err); l.Feed(a).First() != first || len(still) != left {
		t.Fatalf("the feed begins at %d, with the holes %v; want %d, %d holes", l.Feed(a).First(), still, first, left)
	}
	for _, h := range holes {
		seg, _, err := peer.PlanSpan(t.Context(), h)
		must(t, err)
		run, err := peer.Read(t.Context(), &seg, 1<<20)
		must(t, err)
		_, err = l.Apply(t.Context(), []crdt.Run{run})
		must(t, err)
	}
	report, err := l.Verify(t.Context())
	if must(t, err); !report.OK() || l.Feed(a).First() != first {
		t.Errorf("the feed begins at %d: %v", l.Feed(a).First(), report.Problems)
	}
	if still, err = l.Damaged(t.Context()); err != nil || len(still) > 0 {
		t.Errorf("left are %v, %v", still, err)
	}
}

// TestAFeedThatIsDamagedKeepsNoOtherFromBeingTrimmed: what cannot be read of one stays, and is the error.
func TestAFeedThatIsDamagedKeepsNoOtherFromBeingTrimmed(t *testing.T) {
	for which := range 2 {
		c := newCords(t, 2960, 2, 0)
		l := c.as("who reads")
		var feeds [2][]crdt.Op
		for i := range feeds {
			feeds[i] = c.chain(20, func(int) bool { return false }, func(i int) uint64 { return uint64(i) / 19 * 12 })
			_, err := l.Apply(t.Context(), []crdt.Run{{Ops: feeds[i]}})
			must(t, err)
			c.keys[0], c.keys[1] = c.keys[1], c.keys[0]
		}
		damaged, whole := feeds[which][0].Author, feeds[1-which][0].Author
		l = c.reopened(l, func(s spoiler) error {
			k := record.OpKey(feeds[which][5].Key())
			return s.tx.Bucket(bucketOps).Bucket(damaged[:]).Put(k[:], []byte("no op"))
		})
		_, err := l.Trim(t.Context(), TrimOptions{})
		if _, is := asDamaged(err); !is || l.Feed(damaged).First() != 0 || l.Feed(whole).First() != 12 {
			t.Errorf("the feeds begin at %d and %d: %v", l.Feed(damaged).First(), l.Feed(whole).First(), err)
		}
		must(t, l.Close())
	}
}
