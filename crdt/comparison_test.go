package crdt

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// comparisonTwin is what a comparison finds, by looking at both frontiers: heads of theirs that are not
// ours, and what they have where we have something else.
func comparisonTwin(ours, theirs Frontier) (differ, behind Frontier) {
	differ, behind = make(Frontier), make(Frontier)
	for _, a := range differing(ours, theirs) {
		differ[a] = theirs[a]
	}
	for _, a := range differing(theirs, ours) {
		behind[a] = theirs[a]
	}
	return differ, behind
}

// part is a part of the answer to a probe: heads of the authors of a range.
type part struct {
	after, upto Author
	heads       Frontier
}

// parts returns the heads of f under a path, at most so many authors together.
func parts(f Frontier, d Digest, p Path, most int) []part {
	after, upto := p.AuthorRange()
	var all []part
	for some := range slices.Chunk(slices.Collect(d.Under(p)), most) {
		next := part{after: after, upto: some[len(some)-1], heads: make(Frontier)}
		for _, a := range some {
			next.heads[a] = f[a]
		}
		all, after = append(all, next), next.upto
	}
	if after != upto || len(all) == 0 {
		all = append(all, part{after: after, upto: upto})
	}
	return all
}

// A comparison finds exactly what its twin does, whatever comes twice or unasked, in steps whose paths ascend,
// none of them below another.
func TestLawComparison(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ours, theirs := drawTwoFrontiers(t)
		asked, peer := DigestOf(ours), DigestOf(theirs)
		most := rapid.IntRange(1, 20).Draw(t, "probes a step")
		c, differ := NewComparison(asked), make(Frontier)
		steps := 0
		for probes := []Probe{{Heads: rapid.Bool().Draw(t, "all at once")}}; len(probes) > 0; probes = c.Next(most) {
			if steps++; steps > 5000 {
				t.Fatal("it does not end")
			}
			checkStep(t, probes, most)
			for _, p := range probes {
				if stray := drawPath(t); !c.probing[stray] {
					c.Nodes([]Node{{Path: stray, Count: 9, Children: [16]Print{{1}, {2}}}})
				}
				n, heads := peer.Answer(p)
				if !heads {
					c.Nodes([]Node{n, n})
					continue
				}
				for _, part := range parts(theirs, peer, p.Path, rapid.IntRange(1, 5).Draw(t, "authors a part")) {
					got, expected := c.Heads(part.after, part.upto, part.heads)
					if !expected {
						t.Fatalf("what %s and below was asked for, above %s up to %s, is not expected", p.Path, part.after, part.upto)
					}
					if _, again := c.Heads(part.after, part.upto, part.heads); again {
						t.Fatalf("above %s up to %s, it is expected twice", part.after, part.upto)
					}
					maps.Copy(differ, got)
				}
			}
		}
		wantDiffer, wantBehind := comparisonTwin(ours, theirs)
		if diff := cmp.Diff(wantDiffer, differ); diff != "" {
			t.Fatalf("heads of the peer that are not ours (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(wantBehind, c.Behind()); diff != "" {
			t.Fatalf("where the peer is behind (-want +got):\n%s", diff)
		}
	})
}

// drawTwoFrontiers draws two frontiers, mostly alike.
func drawTwoFrontiers(t *rapid.T) (ours, theirs Frontier) {
	theirs = drawFrontier(t)
	ours = theirs.Clone()
	if rapid.Bool().Draw(t, "unrelated") {
		ours = drawFrontier(t)
	}
	for a, heads := range drawFrontier(t).All() {
		setHeads(ours, a, heads)
	}
	delete(ours, Author{}) // who is none
	delete(theirs, Author{})
	return ours, theirs
}

func drawPath(t *rapid.T) Path {
	return PathTo(drawAuthor(t), rapid.IntRange(0, MaxPath).Draw(t, "depth"))
}

// checkStep checks the bound and the order of what is probed together.
func checkStep(t tb, probes []Probe, most int) {
	t.Helper()
	if len(probes) > most {
		t.Fatalf("%d probes in a step, expected at most %d", len(probes), most)
	}
	last := Author{}
	for i, p := range probes {
		after, upto := p.Path.AuthorRange()
		if i > 0 && last.Compare(after) > 0 {
			t.Fatalf("probe of %s after one of %s", p.Path, probes[i-1].Path)
		}
		last = upto
	}
}

// What nobody asked for is not looked at, and what was asked for once.
func TestHeadsAreExpectedOnce(t *testing.T) {
	c := NewComparison(Digest{})
	expects := func(p Path) bool {
		after, upto := p.AuthorRange()
		_, expected := c.Heads(after, upto, nil)
		return expected
	}
	if !expects(Path{}) {
		t.Error("the answer to an offer is not expected")
	}
	if expects(Path{}) {
		t.Error("it is expected twice")
	}
	c.queue = []Probe{{Path: Path{}.Child(3)}}
	c.Next(1)
	if expects(Path{}) {
		t.Error("everything is expected where one path was probed")
	}
	if !expects(Path{}.Child(3)) {
		t.Error("what was probed is not expected")
	}
}

// What is compared leaves out the authors that either side has shut.
func TestComparisonLeavesOutTheShut(t *testing.T) {
	a, b := Author{1}, Author{2}
	f := Frontier{a: {{1, OpID{1}}}, b: {{2, OpID{2}}}}
	ours := DigestOf(f).Without([]Author{b})
	if want := DigestOf(Frontier{a: f[a]}); ours.Root() != want.Root() {
		t.Errorf("root %s, want %s", ours.Root(), want.Root())
	}
	if len(f) != 2 {
		t.Error("the digest took the author out of the frontier itself")
	}
	c := NewComparison(ours)
	after, upto := Path{}.AuthorRange()
	if differ, _ := c.Heads(after, upto, Frontier{a: f[a]}); len(differ) > 0 || len(c.Behind()) > 0 {
		t.Errorf("%v differ, behind in %v", differ, c.Behind())
	}
}

// A peer that answers with nodes that are made up has so much probed, and no more.
func TestComparisonWithALiar(t *testing.T) {
	f, _ := manyFrontier(20_000)
	c := NewComparison(DigestOf(f))
	random := rand.New(rand.NewPCG(1, 1))
	most, steps := 0, 0
	for probes := []Probe{{}}; len(probes) > 0 && steps < 40; probes = c.Next(256) {
		steps++
		checkStep(t, probes, 256)
		for _, p := range probes {
			n := Node{Path: p.Path, Count: random.Uint32()}
			for i := range n.Children {
				n.Children[i] = Print{byte(random.Uint32()), 1}
			}
			if !p.Heads {
				c.Nodes([]Node{n})
			}
		}
		if most = max(most, len(c.queue)); most > maxProbing {
			t.Fatalf("%d probes wait, expected at most %d", most, maxProbing)
		}
	}
	if most != maxProbing {
		t.Errorf("at most %d probes waited: the bound of %d was not reached", most, maxProbing)
	}
}

// Where a peer is behind in more than is kept, some is kept: of those it has nothing of, and of the others.
func TestComparisonWithAPeerFarBehind(t *testing.T) {
	ours, _ := manyFrontier(MaxDiffer + 100)
	after, upto := Path{}.AuthorRange()
	c := NewComparison(DigestOf(ours))
	if differ, _ := c.Heads(after, upto, nil); len(differ) > 0 || len(c.Behind()) != MaxDiffer {
		t.Errorf("of who has nothing, %d differ, behind in %d", len(differ), len(c.Behind()))
	}
	c = NewComparison(DigestOf(ours))
	c.Nodes([]Node{{Count: 1}})
	if len(c.Behind()) != MaxDiffer {
		t.Errorf("of whose top is empty, behind in %d", len(c.Behind()))
	}
	a := Author{1}
	var many []Head
	for i := range 2 * DefaultMaxBranches {
		many = append(many, Head{Next: uint64(i + 1)})
	}
	c = NewComparison(DigestOf(Frontier{a: {{1, OpID{1}}}}))
	differ, _ := c.Heads(after, upto, Frontier{a: many})
	if got := c.Behind()[a]; len(differ[a]) != len(many) || !slices.Equal(got, many[DefaultMaxBranches:]) {
		t.Errorf("of %d heads, %d differ, and kept are %v", len(many), len(differ[a]), got)
	}
}
