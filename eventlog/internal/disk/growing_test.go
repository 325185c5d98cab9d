package disk

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

var growingKeys = []byte("growing")

// grow puts the keys from and up to another into a tree that grows, one a transaction.
func (f *File) grow(t *testing.T, from, to, size int) {
	t.Helper()
	f.db.NoSync = true
	for i := from; i < to; i++ {
		must(t, f.Update(func(tx *Tx) error {
			tree, err := tx.Root().CreateGrowing(growingKeys)
			must(t, err)
			return tree.Put(keyOf(i), make([]byte, size))
		}))
	}
}

// TestAGrowingTreeShowsNoGuards moves cursors about at random, beside an index into the keys: in a tree that has no
// page of its own yet, in one with many, and in its copy, in transactions that read and that write.
func TestAGrowingTreeShowsNoGuards(t *testing.T) {
	f := newFile(t)
	random := rand.New(rand.NewPCG(11, 12))
	held := 0
	for _, n := range []int{0, 1, 2, 8, 30, 300} {
		if n == 0 {
			must(t, f.Update(func(tx *Tx) error { _, err := tx.Root().CreateGrowing(growingKeys); return err }))
		}
		f.grow(t, held, n, 100)
		held = n
		for _, writable := range []bool{false, true} {
			tx := f.begin(t, writable)
			walkAtRandom(t, tx.Tree(growingKeys).Growing().Cursor(), n, random)
			must(t, tx.Err())
			must(t, tx.Rollback())
		}
	}
	copied, err := f.Copy(t.Context())
	must(t, err)
	must(t, f.Swap(copied))
	f.grow(t, held, held+50, 100)
	walkAtRandom(t, f.begin(t, false).Tree(growingKeys).Growing().Cursor(), held+50, random)
}

// walkAtRandom moves a cursor about in a tree with n keys.
func walkAtRandom(t *testing.T, c *Cursor, n int, random *rand.Rand) {
	t.Helper()
	for range 500 {
		at := 0
		var k []byte
		switch random.IntN(4) {
		case 0:
			k, _ = c.First()
		case 1:
			at = n - 1
			k, _ = c.Last()
		default:
			at = random.IntN(n + 1)
			k, _ = c.Seek(fmt.Appendf(nil, "key %04d", 2*at-random.IntN(2)))
		}
		for range random.IntN(5) {
			if at < 0 || at >= n {
				break
			}
			if !bytes.Equal(k, keyOf(at)) {
				t.Fatalf("of %d keys at %q, want %q", n, k, keyOf(at))
			}
			if random.IntN(2) == 0 {
				at++
				k, _ = c.Next()
			} else {
				at--
				k, _ = c.Prev()
			}
		}
		if (at < 0 || at >= n) && k != nil {
			t.Fatalf("beyond %d keys: %q", n, k)
		}
	}
}

// TestAGrowingTreeFillsItsPages: seven values have room on a page, and of large ones no more than two are written again.
func TestAGrowingTreeFillsItsPages(t *testing.T) {
	f := newFile(t)
	const n, size = 700, 550
	f.grow(t, 0, n, size)
	pages := func() (leaves, last int) {
		tx := f.begin(t, false)
		defer func() { must(t, tx.Rollback()) }()
		c := tx.Tree(growingKeys).climb()
		must(t, c.end(firstElement))
		for more := true; more; leaves++ {
			last = c.leaf().count - len(guards)
			var err error
			more, err = c.move(1)
			must(t, err)
		}
		return leaves, last
	}
	if got, _ := pages(); got > n/7+1 {
		t.Errorf("%d values of %d bytes are on %d pages", n, size, got)
	}
	for i := range 20 {
		f.grow(t, n+i, n+i+1, 15<<10)
		if _, last := pages(); i > 7 && last > 2 {
			t.Errorf("%d large values are on the last leaf", last)
		}
	}
}

// TestAGrowingTreeIsCheckedOnce: once a key was put at the end, others are put there though no page can be read.
func TestAGrowingTreeIsCheckedOnce(t *testing.T) {
	f := newFile(t)
	const n = 300
	f.grow(t, 0, n, 100)
	begin := func() (*Tx, *Tree) {
		tx := f.begin(t, true)
		return tx, tx.Tree(growingKeys).Growing()
	}
	tx, tree := begin()
	must(t, tree.Put(keyOf(n), make([]byte, 100)))
	tx.pages.mapped = nil
	for i := range 500 {
		must(t, tree.Put(keyOf(n+1+i), make([]byte, 100)))
	}
	must(t, tx.Commit())
	walkAtRandom(t, f.begin(t, false).Tree(growingKeys).Growing().Cursor(), n+501, rand.New(rand.NewPCG(13, 14)))
	tx, tree = begin()
	must(t, tree.Put(keyOf(n+501), nil))
	tx.pages.mapped = nil
	if err := tx.Do(func() error { return tree.Put(keyOf(0), nil) }); err == nil {
		t.Error("a key elsewhere was put though no page can be read")
	}
}
