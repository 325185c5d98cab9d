package disk

import (
	"bytes"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/quipulog/quipu/eventlog/internal/sys"
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
		if info, err := f.file.Stat(); err != nil || f.size > info.Size() {
			t.Fatalf("commit %d: the file is taken to have %d bytes of %d, %v", i, f.size, info.Size(), err)
		}
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

// TestTheSizeIsAskedForOnceInMany has small commits come where nothing is left to be written ahead: as long as bbolt does not
// make the file longer nobody asks how long it is. What was asked for last is made a little less here, and stays so.
func TestTheSizeIsAskedForOnceInMany(t *testing.T) {
	f := newFile(t)
	f.db.NoSync = true
	put := func(i int) {
		must(t, f.Update(func(tx *Tx) error {
			tree, err := tx.Root().Create([]byte("ahead"))
			must(t, err)
			return tree.Put(keyOf(0), bytes.Repeat([]byte{byte(i)}, 3000))
		}))
	}
	for i := range 4 {
		put(i)
	}
	f.size -= 1
	f.ahead = f.size
	shorter := f.size
	for i := range 100 {
		put(i)
	}
	if f.size != shorter {
		t.Errorf("the size was asked for, and is %d, not %d", f.size, shorter)
	}
	// Once bbolt has made the file longer it is asked for.
	must(t, f.Update(func(tx *Tx) error {
		return tx.Root().Child([]byte("ahead")).Put(keyOf(1), make([]byte, shorter))
	}))
	put(1)
	if info, err := f.file.Stat(); err != nil || f.size != info.Size() || f.size <= shorter {
		t.Errorf("the file has %d bytes, and is taken to have %d: %v", info.Size(), f.size, err)
	}
}

// TestNothingIsWrittenAheadWithoutRoom fails what is written ahead, once: the commit is not held up by it, and until the file
// has been made longer nothing more is tried.
func TestNothingIsWrittenAheadWithoutRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	tried, full := 0, false
	defer sys.Watch(path, func(c *sys.Call, do func() error) error {
		if c.Do == sys.ToWrite && c.Part == "" {
			if tried++; full {
				return syscall.ENOSPC
			}
		}
		return do()
	})()
	must(t, Create(path, func(tx *Tx) error {
		_, err := tx.Root().Create([]byte("ahead"))
		return err
	}))
	f, err := Open(path)
	must(t, err)
	defer f.Close()
	put := func(i, size int) {
		must(t, f.Update(func(tx *Tx) error {
			return tx.Root().Child([]byte("ahead")).Put(keyOf(i), make([]byte, size))
		}))
	}
	tried, full = 0, true
	for i := range 10 {
		put(i, 100)
	}
	if tried != 1 || f.ahead > f.used(t) {
		t.Errorf("it was tried %d times to write ahead of 10 commits, and is done up to %d", tried, f.ahead)
	}
	full = false
	before := f.ahead
	put(10, 10*aheadSize) // which makes the file longer, and writes nothing ahead
	put(11, 100)
	if tried != 2 || f.ahead <= before {
		t.Errorf("once the file was longer it was tried %d times, and is done up to %d", tried-1, f.ahead)
	}
}
