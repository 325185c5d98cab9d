package disk

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
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
			must(t, tree.Put(keyOf(i), make([]byte, size)))
			return tree.Grown()
		}))
	}
}

// TestAGrowingTreeShowsNoGuards moves cursors about at random, beside an index into the keys: in a tree that has no
// page of its own yet, in one with many, and in its copy, in transactions that read and that write.
func TestAGrowingTreeShowsNoGuards(t *testing.T) {
	f := newFile(t)
	random := rand.New(rand.NewPCG(11, 12))
	held := 0
	for _, n := range []int{0, 1, 2, 4, 6, 30, 300, 303} {
		if n == 0 {
			must(t, f.Update(func(tx *Tx) error { _, err := tx.Root().CreateGrowing(growingKeys); return err }))
		}
		f.grow(t, held, n, 100)
		if n%3 == 0 && n > 0 {
			f.grow(t, n-1, n, 5000) // again, as a long one that a spacer follows
		}
		held = n
		for _, writable := range []bool{false, true} {
			tx := f.begin(t, writable)
			walkAtRandom(t, tx.Tree(growingKeys).Growing().Cursor(), n, random)
			must(t, tx.Err())
			must(t, tx.Rollback())
		}
	}
	copied, err := f.Copy(t.Context(), asItIs)
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

// TestAGrowingTreeIsLikeAnother has a tree that grows hold what a map does, forwards and backwards, whatever is put
// before its end or removed, in one transaction or many, and whether its last values are long.
func TestAGrowingTreeIsLikeAnother(t *testing.T) {
	f := newFile(t)
	f.db.NoSync = true
	random := rand.New(rand.NewPCG(17, 18))
	want := make(map[string]int) // length of a value by key
	end := 0
	for range 400 {
		must(t, f.Update(func(tx *Tx) error {
			tree, err := tx.Root().CreateGrowing(growingKeys)
			must(t, err)
			for range random.IntN(4) {
				size := []int{1, 300, 5000, 9000}[random.IntN(4)]
				key := keyOf(end)
				switch random.IntN(8) {
				case 0: // as an op of another branch does, it goes between the last ones
					key = append(keyOf(max(0, end-1-random.IntN(3))), byte(random.IntN(256)), 'x')
				case 1:
					if held := slices.Sorted(maps.Keys(want)); len(held) > 0 {
						key := held[random.IntN(len(held))]
						must(t, tree.Remove([]byte(key)))
						delete(want, key)
					}
				default:
					end++
				}
				must(t, tree.Put(key, make([]byte, size)))
				want[string(key)] = size
			}
			return tree.Grown()
		}))
		c := f.begin(t, random.IntN(2) == 0).Tree(growingKeys).Growing().Cursor()
		var got []string
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if got = append(got, string(k)); len(v) != want[string(k)] {
				t.Fatalf("%q has %d bytes, want %d", k, len(v), want[string(k)])
			}
		}
		if keys := slices.Sorted(maps.Keys(want)); !slices.Equal(got, keys) {
			t.Fatalf("holds %q, want %q", got, keys)
		}
		for k, _ := c.Last(); k != nil; k, _ = c.Prev() {
			if last := len(got) - 1; last < 0 || got[last] != string(k) {
				t.Fatalf("backwards at %q, want the last of %q", k, got)
			}
			got = got[:len(got)-1]
		}
		if len(got) > 0 || c.Err() != nil {
			t.Fatalf("backwards %q are missing: %v", got, c.Err())
		}
		must(t, c.tx.Rollback())
	}
}

// TestALongValueIsWrittenOnce: where two long values come at a time each is written once, and where one does each
// second one twice. The rest of what a commit writes is a few pages.
func TestALongValueIsWrittenOnce(t *testing.T) {
	for at, most := range map[int]float64{1: 1.5, 2: 1, 3: 1.17, 4: 1} {
		f := newFile(t)
		f.db.NoSync = true
		const commits, size = 60, 60 << 10
		written := int64(0)
		for i := range commits {
			tx := f.begin(t, true)
			tree, err := tx.Root().CreateGrowing(growingKeys)
			must(t, err)
			for j := range at {
				must(t, tree.Put(keyOf(i*at+j), make([]byte, size)))
			}
			must(t, tree.Grown())
			must(t, tx.Commit())
			stats := tx.bolt.Stats()
			written += stats.GetPageAlloc()
		}
		pages := 8.0 * float64(f.pageSize) // the leaf of the end, those above it, the root, what is free, and the ends of long ones
		if got := float64(written)/commits - pages; got > most*float64(at)*size {
			t.Errorf("%d at a time: a commit has written %.0f bytes, want at most %.0f and %.0f for %d of %d bytes", at, got+pages, most*float64(at)*size, pages, at, size)
		}
	}
}

// TestAGrowingTreeFillsItsPages: seven values have room on a page, and of large ones no more than one is written again.
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
		if _, last := pages(); last > 2 { // the spacer is one
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
	must(t, tree.Put(keyOf(n+501), make([]byte, 100)))
	tx.pages.mapped = nil
	if err := tx.Do(func() error { return tree.Put(keyOf(0), nil) }); err == nil {
		t.Error("a key elsewhere was put though no page can be read")
	}
}
