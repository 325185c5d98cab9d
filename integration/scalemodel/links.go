package scalemodel

import (
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/overlay"
)

// linkAll lets nodes choose their links until nothing changes, taking no time, as if all had long known
// each other.
func (m *model) linkAll() {
	for changed := true; changed; {
		changed = false
		for _, n := range m.nodes {
			if n.relinked {
				n.relinked = false
				changed = m.choose(n, 0) || changed
				m.now++ // so that links have an age
			}
		}
	}
}

// choose looks at the links of n: those to be ended end, and those to be dialled stand after wait. It
// reports whether there were any.
func (m *model) choose(n *node, wait time.Duration) bool {
	if n.dead {
		return false
	}
	links := make([]overlay.Link, 0, len(n.order))
	for _, p := range n.order {
		l := n.links[p]
		links = append(links, overlay.Link{Peer: m.keys[p], Dialled: l.dialled, Since: epoch.Add(l.since)})
	}
	dial, end := overlay.Choose(overlay.Config{Rand: m.rand}, m.keys[n.index], m.alive(n), links)
	for _, a := range end {
		m.unlink(n, m.nodes[indexOf(a)])
	}
	for _, a := range dial {
		peer := m.nodes[indexOf(a)]
		if wait == 0 {
			m.link(n, peer)
			continue
		}
		m.after(wait, func() { m.link(n, peer) })
	}
	return len(dial)+len(end) > 0
}

// alive returns the members that n takes for alive; n itself may be among them.
func (m *model) alive(n *node) []crdt.Author {
	if len(n.suspicions) == 0 && m.side == nil {
		return m.keys
	}
	alive := make([]crdt.Author, 0, len(m.nodes))
	for i, key := range m.keys {
		if !n.believesDead(i) && (m.side == nil || m.side(i) == m.side(n.index)) {
			alive = append(alive, key)
		}
	}
	return alive
}

// link makes a link, which i has dialled.
func (m *model) link(i, j *node) {
	if i.links[j.index] != nil || m.apart(i.index, j.index) {
		return
	}
	for _, ends := range [][2]*node{{i, j}, {j, i}} {
		n, peer := ends[0], ends[1].index
		l := &link{peer: peer, dialled: n == i, since: m.now}
		n.links[peer], n.relinked = l, true
		at, _ := slices.BinarySearch(n.order, peer)
		n.order = slices.Insert(n.order, at, peer)
		n.tree.Up(m.keys[peer])
		m.plan(n, l, m.now)
	}
}

// unlink ends a link on both sides.
func (m *model) unlink(i, j *node) {
	for _, ends := range [][2]*node{{i, j}, {j, i}} {
		n, peer := ends[0], ends[1].index
		l := n.links[peer]
		if l == nil {
			return
		}
		l.ended, n.relinked = true, true
		delete(n.links, peer)
		n.order = slices.DeleteFunc(n.order, func(p int) bool { return p == peer })
		n.tree.Down(m.keys[peer])
	}
}

// dialTime is how long it takes from a dial to the first frames: TCP, TLS and the hellos, a round trip
// each.
func (m *model) dialTime() time.Duration { return 3 * (m.cfg.DelayMin + m.cfg.DelayMax) }

// cut ends the links of n that a partition or a death has cut.
func (m *model) cut(n *node) {
	for _, p := range slices.Clone(n.order) {
		if m.apart(n.index, p) {
			m.unlink(n, m.nodes[p])
		}
	}
}
