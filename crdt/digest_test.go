package crdt

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// naiveRoot is the digest's definition once more: the hash over authors, which are sorted and share
// depth nibbles.
func naiveRoot(f Frontier, authors []Author, depth int) Hash {
	switch len(authors) {
	case 0:
		return Hash{}
	case 1:
		b := append([]byte{0}, authors[0][:]...)
		for _, h := range f[authors[0]] {
			b = binary.BigEndian.AppendUint64(b, h.Next)
			b = append(b, h.ID[:]...)
		}
		return sha256.Sum256(b)
	}
	b := []byte{1}
	for n := range 16 {
		var below []Author
		for _, a := range authors {
			if naiveNibble(a, depth) == n {
				below = append(below, a)
			}
		}
		child := naiveRoot(f, below, depth+1)
		b = append(b, child[:]...)
	}
	return sha256.Sum256(b)
}

// naiveNibble reads one hex digit of the author's text form.
func naiveNibble(a Author, depth int) int {
	return slices.Index([]byte("0123456789abcdef"), a.String()[depth])
}

// drawAuthor draws one of few authors, many of which share most of their digits.
func drawAuthor(t *rapid.T) Author {
	var a Author
	a[0] = rapid.SampledFrom([]byte{0, 1, 0x10, 0xff}).Draw(t, "first byte")
	a[31] = rapid.SampledFrom([]byte{0, 1, 0x10, 0x11, 0xff}).Draw(t, "last byte")
	return a
}

func drawHeads(t *rapid.T) []Head {
	var heads []Head
	for i := range rapid.IntRange(0, 2).Draw(t, "heads") {
		heads = append(heads, Head{Next: rapid.Uint64Range(1, 3).Draw(t, "next"), ID: OpID{byte(i)}})
	}
	slices.SortFunc(heads, Head.Compare)
	return heads
}

// Whatever is set, replaced and removed in whatever order, with roots asked for in between: the
// digest is that of the frontier.
func TestLawDigest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, d := make(Frontier), NewDigest()
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			a, heads := drawAuthor(t), drawHeads(t)
			d.Set(a, heads)
			if f[a] = heads; len(heads) == 0 {
				delete(f, a)
			}
			if rapid.Bool().Draw(t, "look") {
				d.Root()
			}
		}
		var authors []Author
		for a := range f.All() {
			authors = append(authors, a)
		}
		if got, want := d.Root(), naiveRoot(f, authors, 0); got != want || f.Hash() != want {
			t.Fatalf("root %s, hash of the frontier %s, want %s", got, f.Hash(), want)
		}
		if d.Len() != len(f) {
			t.Fatalf("%d authors, want %d", d.Len(), len(f))
		}
		path := rapid.SliceOfN(rapid.ByteRange(0, 15), 0, 3).Draw(t, "path")
		below := slices.DeleteFunc(authors, func(a Author) bool {
			for depth, n := range path {
				if naiveNibble(a, depth) != int(n) {
					return true
				}
			}
			return false
		})
		checkChildren(t, d, f, path, below)
	})
}

// checkChildren holds the children at path against the authors below it.
func checkChildren(t *rapid.T, d *Digest, f Frontier, path []byte, below []Author) {
	hashes, ok := d.Children(path)
	if ok != (len(below) > 1) {
		t.Fatalf("Children(%v) answers %t with %d authors below", path, ok, len(below))
	}
	for n, got := range hashes {
		var child []Author
		for _, a := range below {
			if naiveNibble(a, len(path)) == n {
				child = append(child, a)
			}
		}
		if want := naiveRoot(f, child, len(path)+1); ok && got != want {
			t.Fatalf("child %x of %v is %s, want %s", n, path, got, want)
		}
	}
}

func TestDigestChildrenOfNonsense(t *testing.T) {
	d := NewDigest()
	for _, path := range [][]byte{nil, {0}, {16}, make([]byte, 100)} {
		if _, ok := d.Children(path); ok {
			t.Errorf("the empty digest has children at %v", path)
		}
	}
	d.Set(Author{}, []Head{{Next: 1}})
	d.Set(Author{31: 1}, []Head{{Next: 1}})
	for _, path := range [][]byte{{16}, {255}, make([]byte, 64), make([]byte, 100)} {
		if _, ok := d.Children(path); ok {
			t.Errorf("two authors who differ in the last digit have children at %v", path)
		}
	}
	if _, ok := d.Children(make([]byte, 63)); !ok {
		t.Error("no children where the two authors part")
	}
}

// manyAuthors returns n authors whose keys are as good as random, with a head each.
func manyAuthors(n int) ([]Author, []Head) {
	random := rand.NewChaCha8([32]byte{1})
	authors, heads := make([]Author, n), make([]Head, n)
	for i := range n {
		random.Read(authors[i][:])
		random.Read(heads[i].ID[:])
		heads[i].Next = uint64(i) + 1
	}
	return authors, heads
}

// BenchmarkDigest keeps 100,000 authors up to date; its cost is that of one update and the root after
// it. B/author is what the digest keeps in memory for each.
func BenchmarkDigest(b *testing.B) {
	const n = 100_000
	authors, heads := manyAuthors(n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	d := NewDigest()
	for i := range n {
		d.Set(authors[i], heads[i:i+1])
	}
	d.Root()
	runtime.GC()
	runtime.ReadMemStats(&after)
	i := 0
	for b.Loop() {
		i = (i + 7919) % n
		heads[i].Next++
		d.Set(authors[i], heads[i:i+1])
		d.Root()
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/author")
	runtime.KeepAlive(d)
}
