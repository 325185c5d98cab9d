package scalemodel

import (
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/plumtree"
)

// stretch is consecutive ops of one feed, sent together.
type stretch struct {
	writer      int
	first, next uint32 // seqs, next excluded
	hops        int
}

// way says how a stretch came.
type way int

const (
	pushed  way = iota
	grafted     // an answer to a Graft: news, to be pushed on
	asked       // an answer to an ask: only announced to others
)

// home returns the node that writes feed w.
func (m *model) home(w int) int { return w * m.cfg.Nodes / m.cfg.Writers }

// write lets writer w write its next op.
func (m *model) write(w int) {
	n := m.nodes[m.home(w)]
	if n.dead {
		return
	}
	m.commit(n, func() {
		s := stretch{writer: w, first: m.written[w], next: m.written[w] + 1}
		m.written[w]++
		n.held[w]++
		m.moved(n)
		m.reach.written(w, s.first, m.now)
		m.advertise(n)
		m.spread(n, s, n.index, pushed)
	})
}

// commit does something when what has come by now is stored: with the commit that has not begun yet.
func (m *model) commit(n *node, do func()) {
	switch {
	case m.now >= n.stored:
		n.begins, n.stored = m.now, m.now+m.cfg.Store
	case m.now >= n.begins:
		n.begins, n.stored = n.stored, n.stored+m.cfg.Store
	}
	m.queue.push(n.stored, do)
}

// arrived takes in a stretch that peer has sent to n.
func (m *model) arrived(n *node, peer int, s stretch, by way) {
	m.traffic.Delivered += int(s.next - s.first)
	m.commit(n, func() {
		if !n.dead {
			m.apply(n, peer, s, by)
		}
	})
}

// apply stores a stretch.
func (m *model) apply(n *node, peer int, s stretch, by way) {
	held := n.held[s.writer]
	if s.first > held {
		m.ask(n, peer, []int{s.writer}, false)
		return
	}
	fresh := s.next > held
	if fresh {
		n.held[s.writer] = s.next
		m.moved(n)
		m.traffic.New += int(s.next - held)
		m.reach.reached(s.writer, held, s.next, m.now)
	}
	author := m.keys[m.home(s.writer)]
	if by == pushed {
		m.act(n, n.tree.Pushed(m.keys[peer], author, crdt.Head{Next: uint64(s.next)}, s.hops, fresh, m.clock()))
	}
	if fresh {
		n.tree.Has(author, func(h crdt.Head) bool { return h.Next <= uint64(s.next) })
		m.spread(n, stretch{s.writer, held, s.next, s.hops}, peer, by)
	}
}

// spread pushes a stretch that is new to n to the eager peers and announces it to the others.
func (m *model) spread(n *node, s stretch, from int, by way) {
	s.hops++
	for _, p := range n.order {
		l := n.links[p]
		if p == from || p == m.home(s.writer) {
			continue
		}
		if by != asked && n.tree.Eager(m.keys[p]) {
			l.forget(s.writer)
			m.sendOps(n, l, s, pushed)
			continue
		}
		if l.announce(have{s.writer, s.next, s.hops}) {
			m.after(m.cfg.Pace.Lazy, func() { m.announce(n, l) })
		}
	}
}

func (m *model) sendOps(n *node, l *link, s stretch, by way) {
	z := &m.members.sizes
	m.traffic.Payload += z.opsBase + float64(s.next-s.first)*(z.opsEach+float64(m.cfg.OpBytes))
	m.send(n, l, func() { m.arrived(m.nodes[l.peer], n.index, s, by) })
}

// announce sends what is gathered for l.
func (m *model) announce(n *node, l *link) {
	if l.ended || n.dead || len(l.haves) == 0 {
		return
	}
	haves := l.haves
	l.haves = nil
	z := &m.members.sizes
	m.traffic.Tree += z.ihaveBase + float64(len(haves))*z.ihaveEach
	m.send(n, l, func() {
		peer := m.nodes[l.peer]
		for _, h := range haves {
			if peer.held[h.writer] < h.next {
				peer.tree.IHave(m.keys[n.index], m.keys[m.home(h.writer)], crdt.Head{Next: uint64(h.next)}, h.hops, m.clock())
			}
		}
		m.wake(peer)
	})
}

// wake sees to it that the tree of n ticks when its next timer ends.
func (m *model) wake(n *node) {
	next := n.tree.Next()
	if next.IsZero() {
		return
	}
	at := max(next.Sub(epoch), m.now)
	if n.ticks != 0 && n.ticks <= at {
		return
	}
	n.ticks = at
	m.queue.push(at, func() {
		if n.ticks == m.now {
			n.ticks = 0
		}
		if !n.dead {
			m.act(n, n.tree.Tick(m.clock()))
			m.wake(n)
		}
	})
}

// act sends what the tree decided, one Graft a peer.
func (m *model) act(n *node, actions []plumtree.Action) {
	grafts := make(map[int][]int)
	for _, a := range actions {
		p := indexOf(a.Peer)
		if a.Kind == plumtree.Detach {
			l := n.links[p]
			m.traffic.Tree += m.members.sizes.detach
			m.send(n, l, func() { m.nodes[p].tree.Detached(m.keys[n.index]) })
			continue
		}
		grafts[p] = append(grafts[p], m.writerOf(indexOf(a.Author)))
	}
	for _, p := range slices.Sorted(maps.Keys(grafts)) {
		m.ask(n, p, grafts[p], true)
	}
}

// writerOf returns the feed that a node writes.
func (m *model) writerOf(i int) int {
	w := (i*m.cfg.Writers + m.cfg.Nodes - 1) / m.cfg.Nodes
	return min(w, m.cfg.Writers-1)
}

// ask asks a peer for what it has of some feeds; with graft, to be pushed to from now on.
func (m *model) ask(n *node, p int, writers []int, graft bool) {
	l := n.links[p]
	if l == nil {
		return
	}
	from := make([]uint32, len(writers))
	for i, w := range writers {
		from[i] = n.held[w]
	}
	z := &m.members.sizes
	m.traffic.Tree += z.graftBase + float64(len(writers))*z.wantEach
	m.send(n, l, func() {
		peer, by := m.nodes[p], asked
		back := peer.links[n.index]
		if graft {
			peer.tree.Grafted(m.keys[n.index])
			by = grafted
		}
		for i, w := range writers {
			m.traffic.Tree += z.done
			if peer.held[w] > from[i] {
				m.sendOps(peer, back, stretch{writer: w, first: from[i], next: peer.held[w], hops: 1}, by)
			}
		}
	})
}

// reach is how fast ops get around.
type reach struct {
	on        bool
	whole     int // nodes that an op is to reach
	under     map[[2]uint32]*op
	latencies []time.Duration // of every op on every node
	lasts     []time.Duration // of every op on the last node
}

// op is an op under way.
type op struct {
	born    time.Duration
	reached int
}

func (r *reach) written(w int, seq uint32, now time.Duration) {
	if r.on && r.whole > 0 {
		r.under[[2]uint32{uint32(w), seq}] = &op{born: now}
	}
}

func (r *reach) reached(w int, first, next uint32, now time.Duration) {
	for seq := first; seq < next && len(r.under) > 0; seq++ {
		key := [2]uint32{uint32(w), seq}
		o := r.under[key]
		if o == nil {
			continue
		}
		r.latencies = append(r.latencies, now-o.born)
		if o.reached++; o.reached == r.whole {
			r.lasts = append(r.lasts, now-o.born)
			delete(r.under, key)
		}
	}
}
