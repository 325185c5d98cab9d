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

// Whatever is put in, replaced and taken out in whatever order, one by one or many at once: the digest
// is that of the frontier, and the digests that were there before are what they were.
func TestLawDigest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, d := make(Frontier), Digest{}
		type snapshot struct {
			frontier Frontier
			digest   Digest
		}
		var taken []snapshot
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			taken = append(taken, snapshot{f.Clone(), d})
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				d = d.Without(drawAuthors(t, f))
			case 1:
				some := make(Frontier)
				for _, a := range rapid.SliceOf(rapid.Custom(drawAnyAuthor)).Draw(t, "authors") {
					some[a] = drawHeads(t)
					setHeads(f, a, some[a])
				}
				d = d.WithAll(some)
			default:
				a, heads := drawAuthor(t), drawHeads(t)
				d = d.With(a, heads)
				setHeads(f, a, heads)
			}
		}
		for _, s := range append(taken, snapshot{f, d}, snapshot{f, DigestOf(f)}) {
			checkDigest(t, s.digest, s.frontier)
		}
		if got, want := f.Hash(), d.Root(); got != want {
			t.Fatalf("hash of the frontier %s, want %s", got, want)
		}
	})
}

func setHeads(f Frontier, a Author, heads []Head) {
	if f[a] = heads; len(heads) == 0 {
		delete(f, a)
	}
}

// drawAuthors draws some authors, with repeats, and takes them out of f.
func drawAuthors(t *rapid.T, f Frontier) []Author {
	authors := rapid.SliceOfN(rapid.Custom(drawAnyAuthor), 0, 6).Draw(t, "out")
	for _, a := range authors {
		delete(f, a)
	}
	return authors
}

func drawAnyAuthor(t *rapid.T) Author { return drawAuthor(t) }

// checkDigest holds d against f: the root, the number of authors, and who stands under some path.
func checkDigest(t *rapid.T, d Digest, f Frontier) {
	t.Helper()
	var authors []Author
	for a := range f.All() {
		authors = append(authors, a)
	}
	if got, want := d.Root(), naiveRoot(f, authors, 0); got != want {
		t.Fatalf("root %s, want %s", got, want)
	}
	if d.Len() != len(f) {
		t.Fatalf("%d authors, want %d", d.Len(), len(f))
	}
	path := PathTo(drawAuthor(t), rapid.SampledFrom([]int{0, 1, 2, 5, 62, 63, 64}).Draw(t, "depth"))
	below := slices.DeleteFunc(authors, func(a Author) bool { return !path.contains(a) })
	if got := slices.Collect(d.Under(path)); !slices.Equal(got, below) {
		t.Fatalf("under %s: %v, want %v", path, got, below)
	}
}

func TestDigestOfNoChangeIsTheSame(t *testing.T) {
	authors, heads := manyAuthors(100)
	f := make(Frontier)
	for i, a := range authors[:90] {
		f[a] = heads[i : i+1]
	}
	d := DigestOf(f)
	if d.With(authors[0], heads[:1]) != d || d.WithAll(f) != d || d.Without(authors[90:]) != d || d.Without(nil) != d {
		t.Error("a change that changes nothing makes another digest")
	}
	if d.Without(authors) != (Digest{}) {
		t.Error("something is left without all authors")
	}
	for a := range d.Under(Path{}) {
		if a != slices.MinFunc(authors[:90], Author.Compare) {
			t.Errorf("the first author is %s", a)
		}
		break
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
	f := make(Frontier, n)
	for i, a := range authors {
		f[a] = heads[i : i+1]
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	d := DigestOf(f)
	runtime.GC()
	runtime.ReadMemStats(&after)
	perAuthor := float64(after.HeapAlloc-before.HeapAlloc) / n
	b.Run("with", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i = (i + 7919) % n {
			heads[i].Next++
			d = d.With(authors[i], heads[i:i+1])
			d.Root()
		}
		b.ReportMetric(perAuthor, "B/author")
	})
	b.Run("with 100", func(b *testing.B) {
		b.ReportAllocs()
		some := make(Frontier)
		for i := 0; b.Loop(); {
			clear(some)
			for range 100 {
				heads[i].Next++
				some[authors[i]] = heads[i : i+1]
				i = (i + 7919) % n
			}
			d = d.WithAll(some)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/author")
	})
	b.Run("without 64", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d.Without(authors[:64])
		}
	})
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			DigestOf(f)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/author")
	})
}
