package plumtree

import (
	"math"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Pushed takes in that p has pushed a run of author's feed which ends in head, and whether something
// in it was new. Hops is what stood beside it: over how many links it had come. It is called for
// pushed runs only, not for answers, and before the [Tree.Has] that the run leads to. It may make p
// eager or lazy: see [Tree.Eager] afterwards, whether there are actions or not.
func (t *Tree) Pushed(p, author crdt.Author, head crdt.Head, hops int, fresh bool, now time.Time) []Action {
	m := t.missing.find(author, head)
	if m != nil {
		t.missing.remove(m)
		if now.Sub(m.since) > t.cfg.IHaveTimeout/2 {
			t.troubled = now
		}
	}
	if fresh {
		t.crowd.saw(author, now)
	}
	n := t.peers[p]
	switch {
	case n == nil:
		return nil
	case !fresh:
		return t.duplicate(p, n, now)
	case !n.eager && t.parting(n, now):
		return nil
	}
	n.eager = true
	if m == nil {
		return nil
	}
	return t.optimize(p, n, m, hops, now)
}

// parting reports whether what n pushes may have been on its way when it was sent a Detach.
func (t *Tree) parting(n *peer, now time.Time) bool { return now.Sub(n.detached) < t.cfg.GraftTimeout }

// duplicate decides whether to detach p, which has pushed what was held.
//
// A circle of eager links must lose one link. The paper detaches at the first duplicate. But each of
// the runs that are under way at the time has a duplicate of its own in another place of the circle,
// and if all of those links went, the circle would fall apart. So each goes with a chance that leaves
// about one; and the last eager link of a node always stays. While the tree is torn, runs wait for
// grafts, so more are under way: without regard to that, a large tree that was torn in many places
// tears on forever.
func (t *Tree) duplicate(p crdt.Author, n *peer, now time.Time) []Action {
	if !n.eager {
		if t.parting(n, now) {
			return nil
		}
		return t.detach(p, n, now)
	}
	torn := now.Sub(t.troubled) < 4*t.cfg.IHaveTimeout
	if !t.hasOtherEager(n) || t.cfg.Rand.Float64()*t.crowd.odds(torn, now) > 1 {
		return nil
	}
	return t.detach(p, n, now)
}

func (t *Tree) hasOtherEager(n *peer) bool {
	for _, other := range t.peers {
		if other != n && other.eager {
			return true
		}
	}
	return false
}

func (t *Tree) detach(p crdt.Author, n *peer, now time.Time) []Action {
	n.eager, n.detached = false, now
	return []Action{{Kind: Detach, Peer: p}}
}

// optimizePause is the least time between two optimizations, in IHaveTimeouts, so that several authors
// do not turn the open place in a circle of links round and round.
const optimizePause = 20

// optimize puts a lazy peer in the place of p if it named m after so many fewer hops than those that m
// had made when it came from p.
func (t *Tree) optimize(p crdt.Author, n *peer, m *absent, hops int, now time.Time) []Action {
	best, found := m.closest()
	if !found || t.cfg.HopsThreshold <= 0 || hops-best.hops < t.cfg.HopsThreshold || best.peer == p || t.Eager(best.peer) {
		return nil
	}
	if now.Sub(t.optimized) < optimizePause*t.cfg.IHaveTimeout {
		return nil
	}
	t.optimized = now
	t.Grafted(best.peer)
	return append([]Action{{Kind: Graft, Peer: best.peer}}, t.detach(p, n, now)...)
}

// crowd estimates of how many authors runs are under way at the same time.
type crowd struct {
	whole, torn fading      // while the tree is whole, and while it is torn and runs take longer
	author      crdt.Author // of the last run
}

// fading counts how often the author has changed, each time fading within the span.
type fading struct {
	span  time.Duration // how long a run may be under way
	level float64
	at    time.Time
}

// saw takes in a new run.
func (c *crowd) saw(author crdt.Author, now time.Time) {
	if author == c.author {
		return
	}
	c.author = author
	c.whole.add(now)
	c.torn.add(now)
}

func (f *fading) add(now time.Time) { f.level, f.at = f.faded(now)+1, now }

func (f *fading) faded(now time.Time) float64 {
	return f.level * math.Exp(-float64(now.Sub(f.at))/float64(f.span))
}

// odds returns in how many duplicates a link is to be detached once: in four times as many as there
// are other authors. Measured with 60 writers, 13 runs under way at a time: detached at each
// duplicate, and grafted as the paper has it, the tree never settles and each run comes 1.5 times;
// as it is here, it settles within some hundred runs, after which each comes once.
func (c *crowd) odds(torn bool, now time.Time) float64 {
	if torn {
		return 4 * (c.torn.faded(now) - 1)
	}
	return 4 * (c.whole.faded(now) - 1)
}
