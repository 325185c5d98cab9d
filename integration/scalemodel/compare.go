package scalemodel

import (
	"encoding/binary"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// smallFrontier is up to how many authors a whole frontier answers an offer, as in package gossip.
const smallFrontier = 100

// jittered draws a pause, d ± a quarter.
func (m *model) jittered(d time.Duration) time.Duration {
	return d*3/4 + time.Duration(m.rand.Int64N(int64(d/2)+1))
}

// plan has n offer at a moment, in place of what was planned before.
func (m *model) plan(n *node, l *link, at time.Duration) {
	l.plans++
	plan := l.plans
	m.queue.push(max(at, m.now), func() {
		if l.plans == plan {
			m.offer(n, l)
		}
	})
}

// rest puts off the next offer of n on a link whose ends are equal.
func (m *model) rest(n *node, l *link, pause time.Duration) {
	l.rests = true
	m.plan(n, l, m.now+pause)
}

// stir ends the rest of a link: the next offer is due when it would have been without it, or after a pause.
func (m *model) stir(n *node, l *link, pause time.Duration) {
	if !l.rests {
		return
	}
	l.rests = false
	due := l.quick
	if due < m.now {
		due = m.now + pause
	}
	m.plan(n, l, due)
}

// moved ends the rest of all links of n, which holds more than it did.
func (m *model) moved(n *node) {
	for _, p := range n.order {
		m.stir(n, n.links[p], time.Duration(m.rand.Int64N(int64(m.cfg.Pace.Offer))))
	}
}

// offer begins a comparison of n with a peer, and plans the next.
func (m *model) offer(n *node, l *link) {
	if l.ended || n.dead {
		return
	}
	l.rests, l.quick = false, m.now+m.jittered(m.cfg.Pace.Offer)
	m.plan(n, l, l.quick)
	m.send(n, l, func() {
		peer := m.nodes[l.peer]
		differ, seen := 0, []have(nil)
		for w, held := range peer.held {
			if held == n.held[w] {
				continue
			}
			differ++
			if held > n.held[w] {
				seen = append(seen, have{writer: w, next: held})
			}
		}
		bytes, rounds := m.costs.of(differ)
		m.traffic.Compare += bytes
		back := peer.links[n.index]
		switch {
		case back == nil:
		case differ > 0:
			m.stir(peer, back, 0)
		default: // The one that was asked asks next.
			m.rest(n, l, m.jittered(m.cfg.Pace.Rest)+m.cfg.Pace.Rest/2)
			m.rest(peer, back, m.jittered(m.cfg.Pace.Rest))
		}
		if len(seen) == 0 {
			return
		}
		took := time.Duration(rounds) * (m.cfg.DelayMin + m.cfg.DelayMax)
		m.after(took+m.cfg.Pace.Patience, func() { m.lacking(n, l, seen) })
	})
}

// lacking asks a peer for what a comparison has shown and nobody has pushed since.
func (m *model) lacking(n *node, l *link, seen []have) {
	if l.ended || n.dead {
		return
	}
	var writers []int
	for _, h := range seen {
		if n.held[h.writer] < h.next {
			writers = append(writers, h.writer)
		}
	}
	if len(writers) > 0 {
		m.ask(n, l.peer, writers, false)
	}
}

// costs is what a comparison costs, by the number of authors that differ.
type costs struct {
	differ []int // ascending, from 0
	bytes  []float64
	rounds []int // round trips
}

// of returns what it costs when so many differ, between two measured numbers in proportion.
func (c *costs) of(differ int) (bytes float64, rounds int) {
	i := sort.SearchInts(c.differ, differ)
	if i == len(c.differ) {
		i--
	}
	if c.differ[i] <= differ || i == 0 {
		return c.bytes[i], c.rounds[i]
	}
	part := float64(differ-c.differ[i-1]) / float64(c.differ[i]-c.differ[i-1])
	return c.bytes[i-1] + part*(c.bytes[i]-c.bytes[i-1]), c.rounds[i]
}

// measure compares digests of so many authors, of which ever more differ.
func measure(authors int) *costs {
	ours := make(crdt.Frontier, authors)
	for i := range authors {
		ours[keyOf(i)] = []crdt.Head{{Next: 1000, ID: crdt.OpID{1}}}
	}
	mine, theirs, changed := crdt.DigestOf(ours), crdt.DigestOf(ours), 0
	c := new(costs)
	for differ := 0; ; differ = max(1, 2*differ) {
		differ = min(differ, authors)
		for ; changed < differ; changed++ {
			theirs = theirs.With(keyOf(changed*authors/differ%authors), []crdt.Head{{Next: 1001, ID: crdt.OpID{byte(differ), 2}}})
		}
		bytes, rounds := exchange(mine, theirs)
		c.differ, c.bytes, c.rounds = append(c.differ, differ), append(c.bytes, bytes), append(c.rounds, rounds)
		if differ == authors {
			return c
		}
	}
}

// exchange lets one digest be compared with another and returns the bytes of all frames and the number
// of round trips.
func exchange(asker, peer crdt.Digest) (bytes float64, rounds int) {
	bytes, rounds = frame(wire.Offer{Root: asker.Root()})+float64(len(wire.Append(nil, wire.Time{}))), 1
	if asker.Root() == peer.Root() {
		return bytes + frame(wire.Same{}), 1
	}
	if peer.Len() <= smallFrontier {
		return bytes + vector(peer, crdt.Path{}), 1
	}
	c := crdt.NewComparison(asker)
	for probes := []crdt.Probe{{}}; len(probes) > 0; rounds++ {
		if rounds > 1 {
			for part := range slices.Chunk(probes, wire.MaxProbes) {
				bytes += frame(wire.Probe{Probes: part})
			}
		}
		var nodes []crdt.Node
		for _, p := range probes {
			if n, heads := peer.Answer(p); heads {
				bytes += vector(peer, p.Path)
			} else {
				nodes = append(nodes, n)
			}
		}
		for part := range slices.Chunk(nodes, wire.MaxNodes) {
			bytes += frame(wire.Nodes{Nodes: part})
			c.Nodes(part)
		}
		probes = c.Next(math.MaxInt)
	}
	return bytes, rounds - 1
}

// vector returns the bytes of the heads of all authors under a path: one head each.
func vector(d crdt.Digest, p crdt.Path) float64 {
	heads := make(crdt.Frontier)
	for a := range d.Under(p) {
		heads[a] = []crdt.Head{{Next: 1, ID: crdt.OpID(binary.BigEndian.AppendUint64(make([]byte, 24), 1))}}
	}
	after, upto := p.AuthorRange()
	return frame(wire.Vector{After: after, Upto: upto, Heads: heads})
}
