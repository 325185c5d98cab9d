package overlay

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
)

// cluster is a number of nodes that choose and do as they chose, in turns.
type cluster struct {
	cfg   Config
	now   time.Time
	alive []crdt.Author
	links map[crdt.Author]map[crdt.Author]cord // from each of the two ends
	made  int                                  // links made and ended since this was last set to 0
	ended int
	// sees returns the members that a node sees. Nil: all.
	sees func(self crdt.Author) []crdt.Author
}

type cord struct {
	dialler crdt.Author
	since   time.Time
}

func newCluster(seed uint64, n int) *cluster {
	c := &cluster{cfg: Config{Rand: rand.New(rand.NewPCG(seed, 0))}, now: begin, links: make(map[crdt.Author]map[crdt.Author]cord)}
	for i := range n {
		c.join(someone(i))
	}
	return c
}

func (c *cluster) join(a crdt.Author) {
	if c.links[a] == nil {
		c.alive = append(c.alive, a)
		c.links[a] = make(map[crdt.Author]cord)
	}
}

func (c *cluster) leave(a crdt.Author) {
	c.alive = slices.DeleteFunc(c.alive, func(b crdt.Author) bool { return a == b })
	for b := range c.links[a] {
		delete(c.links[b], a)
	}
	delete(c.links, a)
}

func (c *cluster) linksOf(self crdt.Author) []Link {
	var links []Link
	for peer, l := range c.links[self] {
		links = append(links, Link{peer, l.dialler == self, l.since})
	}
	return links
}

// total returns the number of links.
func (c *cluster) total() int {
	ends := 0
	for _, links := range c.links {
		ends += len(links)
	}
	return ends / 2
}

// turn lets every node choose once and reports whether anything changed.
func (c *cluster) turn() bool {
	before := c.made + c.ended
	for _, self := range c.alive {
		c.now = c.now.Add(time.Millisecond)
		members := c.alive
		if c.sees != nil {
			members = c.sees(self)
		}
		dial, end := Choose(c.cfg, self, members, c.linksOf(self))
		for _, p := range end {
			delete(c.links[self], p)
			delete(c.links[p], self)
			c.ended++
		}
		for _, p := range dial {
			c.links[self][p] = cord{self, c.now}
			c.links[p][self] = cord{self, c.now}
			c.made++
		}
	}
	return c.made+c.ended > before
}

// settle lets nodes choose until nothing changes.
func (c *cluster) settle(t rapid.TB) {
	t.Helper()
	for range 12 {
		if !c.turn() {
			return
		}
	}
	t.Fatal("the nodes go on choosing")
}

// check verifies that all are connected and that no node has too many links or too few.
func (c *cluster) check(t rapid.TB) {
	t.Helper()
	cfg, n := c.cfg.withDefaults(), len(c.alive)
	if n == 0 {
		return
	}
	seen := map[crdt.Author]bool{c.alive[0]: true}
	for todo := []crdt.Author{c.alive[0]}; len(todo) > 0; todo = todo[1:] {
		links := c.linksOf(todo[0])
		if len(links) > max(cfg.Most, cfg.Small-1) || len(links) < min(n-1, cfg.Few+2) {
			t.Fatalf("%d links at a node of %d", len(links), n)
		}
		for _, l := range links {
			if !seen[l.Peer] {
				seen[l.Peer] = true
				todo = append(todo, l.Peer)
			}
		}
	}
	if len(seen) != n {
		t.Fatalf("%d of %d nodes are connected", len(seen), n)
	}
}

// Whoever joins and leaves in whatever order: once nothing changes, all are connected by a bounded
// number of links each.
func TestMembersComeAndGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCluster(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 40).Draw(t, "members"))
		for range rapid.IntRange(0, 8).Draw(t, "steps") {
			for range rapid.IntRange(0, 12).Draw(t, "joining") {
				c.join(someone(1000 + rapid.IntRange(0, 1<<30).Draw(t, "newcomer")))
			}
			for range min(len(c.alive), rapid.IntRange(0, 12).Draw(t, "leaving")) {
				c.leave(rapid.SampledFrom(c.alive).Draw(t, "leaver"))
			}
			c.turn()
		}
		c.settle(t)
		c.check(t)
	})
}

// Four hundred nodes: as many links as the package says, and a newcomer or a loss changes few of them.
func TestOneMemberMoreOrLessChangesFewLinks(t *testing.T) {
	c := newCluster(1, 400)
	c.settle(t)
	c.check(t)
	if mean := 2 * float64(c.total()) / 400; mean < 7 || mean > 8.5 {
		t.Errorf("%.1f links a node", mean)
	}
	for i := range 20 {
		c.made, c.ended = 0, 0
		c.join(someone(10_000 + 17*i))
		c.settle(t)
		if few := 2 + c.cfg.withDefaults().Few; c.made > few+2 || c.ended > 2 {
			t.Errorf("a newcomer: %d links are made and %d ended", c.made, c.ended)
		}
		leaver := c.alive[c.cfg.Rand.IntN(len(c.alive))]
		had := len(c.linksOf(leaver))
		c.made, c.ended = 0, 0
		c.leave(leaver)
		c.settle(t)
		if c.made > had || c.ended > 2 {
			t.Errorf("one with %d links less: %d are made and %d ended", had, c.made, c.ended)
		}
	}
	c.check(t)
}

// Nodes that see different members settle once they see the same.
func TestDifferentViewsGrowTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		c := newCluster(seed, rapid.IntRange(2, 60).Draw(t, "members"))
		blind := rand.New(rand.NewPCG(seed, 1))
		c.sees = func(crdt.Author) []crdt.Author {
			return slices.DeleteFunc(slices.Clone(c.alive), func(crdt.Author) bool { return blind.IntN(3) == 0 })
		}
		for range 4 {
			c.turn()
		}
		c.sees = nil
		c.settle(t)
		c.check(t)
	})
}

// About the size where not everyone is linked to everyone any more, a member that comes and goes
// moves no links but its own.
func TestNothingFlapsAboutTheLimit(t *testing.T) {
	c := newCluster(1, 8)
	c.settle(t)
	if c.total() != 8*7/2 {
		t.Fatalf("8 members have %d links", c.total())
	}
	for range 10 {
		c.made, c.ended = 0, 0
		c.join(someone(100))
		c.settle(t)
		if c.made < 5 || c.made > 8 || c.ended != 0 {
			t.Errorf("the ninth member: %d links are made and %d ended", c.made, c.ended)
		}
		c.made, c.ended = 0, 0
		c.leave(someone(100))
		c.settle(t)
		if c.made != 0 || c.ended != 0 {
			t.Errorf("back to eight: %d links are made and %d ended", c.made, c.ended)
		}
	}
}

// A cluster that grew one by one from a single node ends no differently from one that began whole.
func TestGrowthLeavesNoCrowd(t *testing.T) {
	c := newCluster(3, 1)
	for i := range 200 {
		c.join(someone(1 + (i*7919)%10007))
		c.turn()
	}
	c.settle(t)
	c.check(t)
	if mean := 2 * float64(c.total()) / float64(len(c.alive)); mean > 8.5 {
		t.Errorf("%.1f links a node", mean)
	}
}
