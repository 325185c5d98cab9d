package eventlog

import (
	"path/filepath"
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// TestAnOnlookerTellsNoHoleThatIsNotThere: what the process that writes has put back, or pruned, since it was met, or since the
// log was opened.
func TestAnOnlookerTellsNoHoleThatIsNotThere(t *testing.T) {
	c := newCords(t, 2990, 1, 0)
	a := crdt.AuthorOf(c.keys[0])
	ops := c.chain(22, func(int) bool { return false }, func(i int) uint64 { return uint64(i) / 20 * 12 })
	l, peer := c.as("who reads"), c.as("the peer")
	defer func() { must(t, peer.Close()) }()
	for _, log := range []*Log{l, peer} {
		_, err := log.Apply(t.Context(), []crdt.Run{{Ops: ops[:20]}})
		must(t, err)
	}
	l = c.reopened(l, func(s spoiler) error { return s.spoil(a, ops[15].Key(), s.tx.Bucket(bucketOps).Bucket(a[:])) })
	defer func() { must(t, l.Close()) }()
	_, err := l.Verify(t.Context())
	must(t, err)
	_, err = l.Damaged(t.Context()) // which is on record now
	must(t, err)
	cfg := l.store.cfg
	cfg.ReadOnly, cfg.Key = true, nil
	onlooker, err := Open(filepath.Dir(l.Path()), cfg)
	must(t, err)
	defer func() { must(t, onlooker.Close()) }()
	want := func(n int) {
		t.Helper()
		holes, err := onlooker.Damaged(t.Context())
		if must(t, err); len(holes) != n || n > 0 && (holes[0].From != 15 || holes[0].Upto != 16) {
			t.Errorf("the holes are %v, want %d", holes, n)
		}
	}
	_, err = l.Apply(t.Context(), []crdt.Run{{Ops: ops[20:]}})
	must(t, err)
	_, err = l.Trim(t.Context(), TrimOptions{})
	if must(t, err); l.Feed(a).First() != 12 {
		t.Fatalf("the feed begins at %d", l.Feed(a).First())
	}
	want(1)
	if fill(t, l, peer) != 1 {
		t.Fatal("nothing is put back")
	}
	want(0)
}
