package eventlog

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/elsewhere"
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

// said is what other nodes said of every feed.
type said []elsewhere.Standing

func (s said) Of(crdt.Author) []elsewhere.Standing { return s }
func (s said) Changed() <-chan struct{}            { return nil }
func (s said) Hurry()                              {}

// TestWhatNobodyCanGiveBackIsForgotten: what cannot be read below a floor, in its place or missing, goes once it was known
// before, and every other node holds the leave and keeps nothing for longer. It is told by place. Before that it stays, and
// what a holder has not had, and what lies above the floor.
func TestWhatNobodyCanGiveBackIsForgotten(t *testing.T) {
	told := func(author byte, change func(s *elsewhere.Standing)) elsewhere.Standing {
		s := elsewhere.Standing{Author: crdt.Author{author}, Member: true, Heard: time.Unix(1, 0), Below: 1000, Keeps: &elsewhere.Keeps{}}
		if change != nil {
			change(&s)
		}
		return s
	}
	all := []elsewhere.Standing{told(1, nil), told(2, nil)}
	for name, test := range map[string]struct {
		spoiled, lost []int
		offset        bool // it is the offset that is spoiled
		nodes         []elsewhere.Standing
		held          uint64 // from this offset on a holder needs what there is
		first         uint64 // of the feed, in the end
		told          []uint64
	}{
		"spoiled":                  {spoiled: []int{4, 5}, nodes: all, held: 20, first: 12, told: []uint64{4, 6}},
		"spoiled offset":           {spoiled: []int{4}, offset: true, nodes: all, held: 20, first: 12, told: []uint64{4, 5}},
		"the first":                {spoiled: []int{0}, nodes: all, held: 20, first: 12, told: []uint64{0, 1}},
		"the last below the floor": {spoiled: []int{11}, nodes: all, held: 20, first: 12, told: []uint64{11, 12}},
		"missing up to the floor":  {lost: []int{9, 10, 11}, nodes: all, held: 20, first: 12, told: []uint64{9, 12}},
		"both":                     {lost: []int{2, 10}, spoiled: []int{3, 7, 11}, nodes: all, held: 20, first: 12, told: []uint64{2, 4, 7, 8, 10, 12}},
		"all":                      {lost: []int{0, 1, 2, 3, 4, 5}, spoiled: []int{6, 7, 8, 9, 10, 11}, nodes: all, held: 20, first: 12, told: []uint64{0, 12}},
		"across the floor":         {lost: []int{11, 12}, spoiled: []int{3}, nodes: all, held: 20, first: 10, told: []uint64{3, 4}},
		"a holder":                 {spoiled: []int{4, 11}, nodes: all, held: 11, first: 10, told: []uint64{4, 5}},
		"a holder before it":       {spoiled: []int{4}, nodes: all, held: 4, first: 3},
		"nobody is known":          {spoiled: []int{4}, held: 20},
		"one keeps it":             {spoiled: []int{4}, nodes: append(all[:1:1], told(2, func(s *elsewhere.Standing) { s.Keeps.Forgotten = true })), held: 20},
		"one does not say":         {spoiled: []int{4}, nodes: append(all[:1:1], told(2, func(s *elsewhere.Standing) { s.Keeps = nil })), held: 20},
		"one was not heard":        {spoiled: []int{4}, nodes: append(all[:1:1], told(2, func(s *elsewhere.Standing) { s.Below, s.Heard = 0, time.Time{} })), held: 20},
		"one has no leave":         {spoiled: []int{4}, nodes: append(all[:1:1], told(2, func(s *elsewhere.Standing) { s.Below = 19 })), held: 20},
		"a guest that left":        {spoiled: []int{4}, nodes: append(all[:1:1], told(2, func(s *elsewhere.Standing) { s.Member, s.Below = false, 0 })), held: 20, first: 12, told: []uint64{4, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCords(t, 2970, 1, 0)
			a := crdt.AuthorOf(c.keys[0])
			ops := c.chain(22, func(int) bool { return false }, func(i int) uint64 { return uint64(i) / 19 * 12 })
			l := c.as("who reads")
			_, err := l.Apply(t.Context(), []crdt.Run{{Ops: ops}})
			must(t, err)
			l.store.cfg.Receipts = said(test.nodes)
			l = c.reopened(l, func(s spoiler) (all error) {
				b := s.tx.Bucket(bucketOps).Bucket(a[:])
				for _, i := range test.lost {
					all = errors.Join(all, s.lose(a, ops[i].Key(), b))
				}
				for _, i := range test.spoiled {
					k := record.OpKey(ops[i].Key())
					v := slices.Clone(b.Get(k[:]))
					switch at := len(v) - 1; {
					case test.offset:
						v[0] = 1
					case i%3 == 0:
						feeds := s.tx.Bucket(bucketFeeds)
						f, err := record.ParseFeed(a, feeds.Get(a[:]))
						must(t, err)
						f.Grow(5 - len(v))
						v, all = v[:5], errors.Join(all, feeds.Put(a[:], f.Encode(a)))
					default:
						v[at] ^= 1 // only a sum shows that
						v[12+60*(i%3-1)] ^= 1
					}
					all = errors.Join(all, b.Put(k[:], v))
				}
				return all
			})
			defer func() { must(t, l.Close()) }()
			options := TrimOptions{Holds: []Hold{{Name: "who has not had all", Offset: test.held}}}
			if len(test.lost) == 0 {
				report, err := l.Trim(t.Context(), options)
				if _, damaged := asDamaged(err); test.held > uint64(test.spoiled[0]) && (!damaged || report.Pruned.Ops > 0) {
					t.Fatalf("what was not known before is forgotten: %+v, %v", report.Pruned, err)
				}
			}
			_, err = l.Verify(t.Context())
			must(t, err)
			_, err = l.Damaged(t.Context())
			must(t, err)
			report, err := l.Trim(t.Context(), options)
			if _, damaged := asDamaged(err); damaged != (test.first == 0) || err != nil && !damaged {
				t.Errorf("trim: %v", err)
			}
			var told []uint64
			for _, h := range report.Pruned.Lost {
				told = append(told, h.From, h.Upto)
			}
			if l.Feed(a).First() != test.first || !slices.Equal(told, test.told) {
				t.Errorf("the feed begins at %d, told is %v; want %d, %v", l.Feed(a).First(), told, test.first, test.told)
			}
			left, err := l.Damaged(t.Context())
			verified, failed := l.Verify(t.Context())
			if must(t, errors.Join(err, failed)); verified.OK() != (len(left) == 0) || (len(left) == 0) != (test.first == 12) {
				t.Errorf("left are %v, verify: %v", left, verified.Problems)
			}
			if s := l.Stats(); s.Entries+s.Pruned != s.Next || test.first == 12 && s.Entries != 10 {
				t.Errorf("counted: %+v", s)
			}
		})
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
