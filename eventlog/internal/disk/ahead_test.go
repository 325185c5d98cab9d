package disk

import (
	"bytes"
	"testing"
)

// used returns where the pages in use end.
func (f *File) used(t *testing.T) int64 {
	t.Helper()
	tx := f.begin(t, false)
	size := tx.bolt.Size()
	must(t, tx.Rollback())
	return size
}

// TestSmallCommitsComeWhereTheFileIsWritten makes a file grow by small commits: but for one that has the file made longer,
// each finds its pages written, and one in many writes ahead. A commit of many bytes does not.
func TestSmallCommitsComeWhereTheFileIsWritten(t *testing.T) {
	f := newFile(t)
	f.db.NoSync = true
	value := bytes.Repeat([]byte{7}, 3000)
	put := func(i int, value []byte) {
		must(t, f.Update(func(tx *Tx) error {
			tree, err := tx.Root().Create([]byte("ahead"))
			must(t, err)
			return tree.Put(keyOf(i), value)
		}))
	}
	const n = 600
	first := 0
	for ; ; first++ { // until bbolt has made the file longer than all that follows
		put(first, value)
		info, err := f.file.Stat()
		must(t, err)
		if info.Size() > 8<<20 {
			break
		}
	}
	begun, wrote := f.used(t), 0
	for i := first + 1; i < n; i++ {
		before := f.ahead
		put(i, value)
		if f.used(t) > f.ahead {
			t.Fatalf("commit %d used %d bytes of the file, of which %d were written ahead", i, f.used(t), f.ahead)
		}
		if f.ahead != before {
			wrote++
		}
	}
	grown := f.used(t) - begun
	if most := int(grown/aheadSize) + 2; grown < 4*aheadSize || wrote > most {
		t.Errorf("wrote ahead %d times while the file grew by %d bytes, want %d times at most", wrote, grown, most)
	}
	before := f.ahead
	put(n, make([]byte, 10*aheadSize))
	if f.ahead != before {
		t.Errorf("a commit of %d bytes wrote ahead, from %d to %d", 10*aheadSize, before, f.ahead)
	}
	put(n, value)
	tx := f.begin(t, false)
	for i := range n + 1 {
		if got := tx.Tree([]byte("ahead")).Get(keyOf(i)); !bytes.Equal(got, value) {
			t.Fatalf("value %d has %d bytes, or other ones", i, len(got))
		}
	}
}
