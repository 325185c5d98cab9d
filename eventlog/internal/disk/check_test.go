package disk

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// TestCheckPagesFinds spoils pages under an open file, one thing at a time.
func TestCheckPagesFinds(t *testing.T) {
	other := []byte("other")
	for name, test := range map[string]struct {
		// spoil is given the page that lists the trees, the top page of one of them and the meta that counts, and
		// returns what to write where.
		spoil func(trees, top *page, m boltMeta) (b []byte, at uint64)
		want  string
	}{
		"two trees have one root": {func(trees, top *page, m boltMeta) ([]byte, uint64) {
			from, keySize, _ := trees.element(2)
			return native.AppendUint64(nil, top.id), trees.id*m.pageSize + from + keySize
		}, "is used twice"},
		"a page names another's child": {func(_, top *page, m boltMeta) ([]byte, uint64) {
			return native.AppendUint64(nil, top.child(1)), top.id*m.pageSize + pageHeader + 8
		}, "belong elsewhere"},
		"a page names itself": {func(_, top *page, m boltMeta) ([]byte, uint64) {
			return native.AppendUint64(nil, top.id), top.id*m.pageSize + pageHeader + 8
		}, "belong elsewhere"},
		"a page beyond the end": {func(_, top *page, m boltMeta) ([]byte, uint64) {
			return native.AppendUint64(nil, m.highWater), top.id*m.pageSize + pageHeader + 8
		}, "damaged page: "},
		"a used page is free": {func(_, top *page, m boltMeta) ([]byte, uint64) {
			b := native.AppendUint16(nil, 1) // count
			b = native.AppendUint32(b, 0)    // overflow
			return native.AppendUint64(b, top.id), m.freelist*m.pageSize + 10
		}, "is used and called free"},
		"a key out of order": {func(_, top *page, m boltMeta) ([]byte, uint64) {
			from, _, _ := top.element(1)
			return []byte("zzz"), top.id*m.pageSize + from
		}, "belong elsewhere"},
	} {
		f := newFile(t)
		must(t, f.Update(func(tx *Tx) error {
			b, err := tx.Root().Create(other)
			for i := range many {
				must(t, b.Put(keyOf(i), nil))
			}
			return err
		}))
		tx := f.begin(t, false)
		if pages, err := tx.CheckPages(t.Context(), nil); err != nil || pages < 10 {
			t.Fatalf("%d pages, %v", pages, err)
		}
		trees, tree := tx.Root().climb(), tx.Tree(manyKeys).climb()
		must(t, errors.Join(trees.seek(other), tree.seek(keyOf(0))))
		m, err := readMetaPage(f.file, (tx.ID()%2)*int64(f.pageSize))
		must(t, err)
		b, at := test.spoil(trees.leaf(), tree.steps[0].page, m)
		_, err = f.file.WriteAt(b, int64(at))
		must(t, err)
		if _, err = tx.CheckPages(t.Context(), nil); !isDamage(err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckPagesEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newFile(t).begin(t, false).CheckPages(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
