package ownend

import (
	"crypto/ed25519"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// newFile makes a file with a tree called meta.
func newFile(t *testing.T) *disk.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	err := disk.Create(path, func(tx *disk.Tx) error {
		_, err := tx.Root().Create([]byte("meta"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := disk.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// anOp returns the first op of a feed.
func anOp(t *testing.T) crdt.Op {
	t.Helper()
	now := time.UnixMilli(1)
	h := crdt.Header{Clock: crdt.NextClock(now, 0, 0)}
	op, err := crdt.NewOp(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), h, now, crdt.Event{Kind: "k", Payload: []byte("1")})
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func TestMeta(t *testing.T) {
	f, op := newFile(t), anOp(t)
	why := record.Recovering{Why: 1, Since: time.UnixMilli(1_700_000_000_000), Detail: "what was"}
	want := Meta{}
	for _, step := range []struct {
		do   func(meta *disk.Tree) error
		want func()
	}{
		{func(*disk.Tree) error { return nil }, func() {}},
		{Tell, func() { want.Told = true }},
		{
			func(meta *disk.Tree) error { return Begin(meta, why, nil, crdt.Head{}) },
			func() { want.Why = &why },
		},
		{
			func(meta *disk.Tree) error { return Begin(meta, why, &op.Signed, op.Head()) },
			func() { want.Older, want.End = &op.Signed, op.Head() },
		},
		{
			func(meta *disk.Tree) error { return Fork(meta, op.Signed, crdt.Head{}) },
			func() { want.Second = &op.Signed },
		},
		{Forget, func() { want = Meta{Told: true} }},
	} {
		var got Meta
		err := f.Update(func(tx *disk.Tx) (err error) {
			meta := tx.Tree([]byte("meta"))
			if err := step.do(meta); err != nil {
				return err
			}
			got, err = Read(meta)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		step.want()
		same := cmp.Comparer(func(a, b crdt.Signed) bool { return a.ID == b.ID })
		if diff := cmp.Diff(want, got, same); diff != "" {
			t.Errorf("meta (-want +got):\n%s", diff)
		}
	}
	for _, key := range [][]byte{keyWhy, keyOlder, keyEnd, keySecond} {
		spoilt := errors.New("rolled back")
		err := f.Update(func(tx *disk.Tx) error {
			meta := tx.Tree([]byte("meta"))
			if err := meta.Put(key, []byte{1}); err != nil {
				return err
			}
			if _, err := Read(meta); err == nil {
				t.Errorf("a spoilt %q is read", key)
			}
			return spoilt
		})
		if !errors.Is(err, spoilt) {
			t.Fatal(err)
		}
	}
}

func TestText(t *testing.T) {
	for want, got := range map[string]string{
		"the end of this node's own feed cannot be read":                                     Text(5, "", nil),
		"this folder is not where it was when it was last written to (another host)":         Text(6, "another host", nil),
		"the end of this node's own feed cannot be read; not asked yet: 01000000, 02000000":  Text(5, "", []crdt.Author{{1}, {2}}),
		"reason 9 (x); not asked yet: 00000000, 00000000, 00000000, 00000000 and 3 others":   Text(9, "x", make([]crdt.Author, 7)),
		"its own entry 3b6a27bc/0 came from elsewhere, and none was here":                    Beyond(anOp(t).Signed, crdt.Head{}),
		"its own entry 3b6a27bc/0 came from elsewhere, and the last one here was 3b6a27bc/6": Beyond(anOp(t).Signed, crdt.Head{Next: 7}),
	} {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
