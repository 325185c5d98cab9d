package crdt

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// descent is what it cost to find out what a peer has that differs.
type descent struct {
	found  map[Author]bool // whose heads the peer sent
	rounds int
	bytes  int // of probes and nodes, and of heads as they stand in vectors
	probes int
}

// The sizes of the parts of the messages, in bytes.
const (
	sizeOfRange = 2*len(Author{}) + 2        // around the heads that answer a probe
	sizeOfHeads = len(Author{}) + 2 + 8 + 32 // an author with one head
)

// descend runs the comparison of asker with answerer to its end.
func descend(t tb, asker, answerer Digest) descent {
	t.Helper()
	d := descent{found: make(map[Author]bool)}
	if asker.Root() == answerer.Root() {
		return d
	}
	for probes := []Probe{{}}; len(probes) > 0; d.rounds++ {
		if d.rounds > MaxPath {
			t.Fatalf("%d rounds", d.rounds)
		}
		var next []Probe
		for _, p := range probes {
			d.probes++
			d.bytes += 1 + (p.Path.Len()+1)/2 + 1
			n, heads := answerer.Answer(p)
			if heads {
				d.take(answerer, p.Path)
				continue
			}
			d.bytes += n.size()
			more := asker.compare(n)
			if len(more) > 16 {
				t.Fatalf("%d probes after one node", len(more))
			}
			next = append(next, more...)
		}
		probes = next
	}
	return d
}

func (d *descent) take(answerer Digest, p Path) {
	d.bytes += sizeOfRange
	for a := range answerer.Under(p) {
		d.found[a] = true
		d.bytes += sizeOfHeads
	}
}

// size is that of a node in a message: a map of the children says which there are.
func (n Node) size() int {
	size := 1 + (n.Path.Len()+1)/2 + 4 + 2
	for _, p := range n.Children {
		if !p.IsZero() {
			size += len(p)
		}
	}
	return size
}

// differing returns the authors whose heads in theirs are not those in mine.
func differing(mine, theirs Frontier) []Author {
	var authors []Author
	for a, heads := range theirs.All() {
		if !slices.Equal(heads, mine[a]) {
			authors = append(authors, a)
		}
	}
	return authors
}

func drawFrontier(t *rapid.T) Frontier {
	f := make(Frontier)
	for range rapid.IntRange(0, 60).Draw(t, "authors") {
		a := drawAuthor(t)
		a[1] = rapid.SampledFrom([]byte{0, 0, 0x70, 0x71, 0x81, 0x92, 0xa3, 0xb4, 0xc5}).Draw(t, "second byte")
		setHeads(f, a, drawHeads(t))
	}
	return f
}

// A descent finds every author that a comparison of the frontiers finds, and nobody that the peer does
// not have.
func TestLawDescent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		theirs := drawFrontier(t)
		mine := theirs.Clone()
		if rapid.Bool().Draw(t, "unrelated") {
			mine = drawFrontier(t)
		}
		for a, heads := range drawFrontier(t).All() {
			setHeads(mine, a, heads)
		}
		d := descend(t, DigestOf(mine), DigestOf(theirs))
		for _, a := range differing(mine, theirs) {
			if !d.found[a] {
				t.Fatalf("author %s differs and was not found", a)
			}
		}
		for a := range d.found {
			if len(theirs[a]) == 0 {
				t.Fatalf("author %s was found and is not there", a)
			}
		}
	})
}

// changed returns f with d of its authors put ahead.
func changed(f Frontier, authors []Author, d int) Frontier {
	g := maps.Clone(f)
	for _, a := range authors[:d] {
		h := f[a][0]
		g[a] = []Head{{Next: h.Next + 1, ID: OpID{1}}}
	}
	return g
}

// manyFrontier returns the frontier of [manyAuthors].
func manyFrontier(n int) (Frontier, []Author) {
	authors, heads := manyAuthors(n)
	f := make(Frontier, n)
	for i, a := range authors {
		f[a] = heads[i : i+1]
	}
	return f, authors
}

// What d differing authors of 100,000 cost is bounded by d·log16(n); nothing but the roots when there
// are none.
func TestDescentCost(t *testing.T) {
	const n = 100_000
	mine, authors := manyFrontier(n)
	ours := DigestOf(mine)
	if d := descend(t, ours, DigestOf(mine.Clone())); d.bytes > 0 || d.rounds > 0 {
		t.Errorf("equal: %d bytes in %d rounds", d.bytes, d.rounds)
	}
	for _, differ := range []int{1, 10, 100, 1_000, 10_000} {
		d := descend(t, ours, DigestOf(changed(mine, authors, differ)))
		t.Logf("%5d differ: %8d bytes, %6.0f an author, %d rounds, %d probes, heads of %d", differ, d.bytes,
			float64(d.bytes)/float64(differ), d.rounds, d.probes, len(d.found))
		// A node with 16 children has about 265 bytes.
		if most := 400 * float64(differ) * math.Log(n) / math.Log(16); float64(d.bytes) > most {
			t.Errorf("%d differ: %d bytes, expected at most %.0f", differ, d.bytes, most)
		}
		if differ == 1 && d.bytes > 4<<10 {
			t.Errorf("one differs: %d bytes", d.bytes)
		}
		if d.rounds > 7 {
			t.Errorf("%d differ: %d rounds", differ, d.rounds)
		}
		for _, a := range authors[:differ] {
			if !d.found[a] {
				t.Fatalf("author %s was not found", a)
			}
		}
	}
}

// Who has nothing asks for everything at once.
func TestDescentOfANewcomer(t *testing.T) {
	theirs, authors := manyFrontier(5_000)
	d := descend(t, Digest{}, DigestOf(theirs))
	if len(d.found) != len(authors) || d.rounds != 2 || d.probes != 2 {
		t.Errorf("found %d of %d in %d rounds with %d probes", len(d.found), len(authors), d.rounds, d.probes)
	}
	if d := descend(t, DigestOf(theirs), Digest{}); len(d.found) != 0 || d.rounds != 1 {
		t.Errorf("of nothing, found %d in %d rounds", len(d.found), d.rounds)
	}
}

// Whatever a node claims, compare asks for what is below its path or at it, in 16 probes at most.
func TestHostileNodes(t *testing.T) {
	f, authors := manyFrontier(300)
	rapid.Check(t, func(t *rapid.T) {
		d := DigestOf(f)
		if rapid.Bool().Draw(t, "empty") {
			d = Digest{}
		}
		a := rapid.OneOf(rapid.SampledFrom(authors), rapid.Custom(drawAnyAuthor)).Draw(t, "author")
		n := Node{Path: PathTo(a, rapid.IntRange(0, MaxPath).Draw(t, "depth")), Count: rapid.Uint32().Draw(t, "count")}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "prints"), 1))
		for i := range n.Children {
			if random.IntN(3) > 0 {
				n.Children[i] = Print{byte(random.Uint32()), 1}
			}
		}
		probes := d.compare(n)
		if len(probes) > 16 || n.Path.Len() == MaxPath && len(probes) > 0 {
			t.Fatalf("%d probes after a node at %s", len(probes), n.Path)
		}
		for i, p := range probes {
			whole := len(probes) == 1 && p == Probe{Path: n.Path, Heads: true}
			if !whole && (p.Path.Len() != n.Path.Len()+1 || PathTo(p.Path.nibbles, n.Path.Len()) != n.Path) {
				t.Fatalf("probe %s after a node at %s", p.Path, n.Path)
			}
			if i > 0 && probes[i-1].Path.Compare(p.Path) >= 0 {
				t.Fatalf("probe %s after probe %s", p.Path, probes[i-1].Path)
			}
			d.Answer(p)
		}
	})
}

func TestAnswer(t *testing.T) {
	f, authors := manyFrontier(smallSubtree)
	d := DigestOf(f)
	if _, heads := d.Answer(Probe{}); !heads {
		t.Error("a small frontier is not sent itself")
	}
	d = d.With(Author{0x1f}, []Head{{Next: 1}})
	n, heads := d.Answer(Probe{})
	if heads || n.Count != smallSubtree+1 || n.Path != (Path{}) {
		t.Errorf("top: %d authors, heads %t", n.Count, heads)
	}
	if _, heads := d.Answer(Probe{Heads: true}); !heads {
		t.Error("heads were asked for")
	}
	for _, a := range authors {
		for depth := range MaxPath {
			if _, heads := d.Answer(Probe{Path: PathTo(a, depth+1)}); !heads {
				t.Errorf("%d nibbles down: no heads", depth+1)
			}
		}
	}
}

// BenchmarkDescend measures both sides of a comparison of 100,000 authors of whom some differ.
func BenchmarkDescend(b *testing.B) {
	mine, authors := manyFrontier(100_000)
	ours := DigestOf(mine)
	for _, differ := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("differ=%d", differ), func(b *testing.B) {
			theirs := DigestOf(changed(mine, authors, differ))
			var d descent
			for b.Loop() {
				d = descend(b, ours, theirs)
			}
			b.ReportMetric(float64(d.bytes)/float64(differ), "B/author")
		})
	}
}
