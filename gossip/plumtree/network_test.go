package plumtree

import (
	"cmp"
	"container/heap"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// network is a number of trees joined by links with delay and jitter, each of which keeps its order.
// Time passes only from event to event, so that a seed tells the whole story.
type network struct {
	t       *testing.T
	rand    *rand.Rand
	now     time.Time
	events  events
	nodes   []*node
	lasts   map[[2]int]time.Time // when the last frame of a direction arrives
	pushes  int                  // runs that were pushed over a link and arrived
	planned int
}

// node is one tree with what it holds: by author, the seqs.
type node struct {
	tree  *Tree
	links map[int]bool
	holds map[crdt.Author]map[uint64]int // seq → hops
	wakes time.Time                      // the next time it ticks, zero for never
	dead  bool
}

func newNetwork(t *testing.T, seed uint64, nodes, degree int) *network {
	n := &network{t: t, rand: rand.New(rand.NewPCG(seed, 1)), now: begin, lasts: make(map[[2]int]time.Time)}
	for range nodes {
		n.nodes = append(n.nodes, &node{
			tree:  New(Config{IHaveTimeout: 300 * time.Millisecond, GraftTimeout: 100 * time.Millisecond, Rand: n.rand}),
			links: make(map[int]bool),
			holds: make(map[crdt.Author]map[uint64]int),
		})
	}
	for i := range nodes {
		n.link(i, (i+1)%nodes)
		for range degree {
			n.link(i, n.rand.IntN(nodes))
		}
	}
	return n
}

func (n *network) link(i, j int) {
	if i == j || n.nodes[i].links[j] {
		return
	}
	for _, d := range [][2]int{{i, j}, {j, i}} {
		n.nodes[d[0]].links[d[1]] = true
		n.nodes[d[0]].tree.Up(someone(d[1]))
	}
}

func (n *network) unlink(i, j int) {
	for _, d := range [][2]int{{i, j}, {j, i}} {
		delete(n.nodes[d[0]].links, d[1])
		n.nodes[d[0]].tree.Down(someone(d[1]))
	}
}

func (n *network) kill(i int) {
	for _, j := range n.nodes[i].peers() {
		n.unlink(i, j)
	}
	n.nodes[i].dead = true
}

// peers returns the linked nodes in ascending order, so that a seed replays.
func (n *node) peers() []int {
	var peers []int
	for j := range n.links {
		peers = append(peers, j)
	}
	slices.Sort(peers)
	return peers
}

// send delivers a frame after the link's delay, unless the link is gone by then.
func (n *network) send(from, to int, deliver func()) {
	direction := [2]int{from, to}
	at := n.now.Add(time.Millisecond + time.Duration(n.rand.IntN(8000))*time.Microsecond)
	if last := n.lasts[direction]; at.Before(last) {
		at = last
	}
	n.lasts[direction] = at
	n.at(at, func() {
		if n.nodes[from].links[to] {
			deliver()
		}
	})
}

// broadcast lets node i write the next entry of its feed.
func (n *network) broadcast(i int) {
	seq := uint64(len(n.nodes[i].holds[someone(i)]))
	n.take(i, someone(i), seq, 0, -1)
}

// take stores an entry and spreads it; it reports whether it was new.
func (n *network) take(i int, author crdt.Author, seq uint64, hops, from int) bool {
	node := n.nodes[i]
	if node.holds[author] == nil {
		node.holds[author] = make(map[uint64]int)
	}
	if _, held := node.holds[author][seq]; held {
		return false
	}
	node.holds[author][seq] = hops
	for _, j := range node.peers() {
		switch {
		case j == from:
		case node.tree.Eager(someone(j)):
			n.send(i, j, func() { n.pushed(i, j, author, seq, hops+1) })
		default:
			n.send(i, j, func() {
				if _, held := n.nodes[j].holds[author][seq]; !held {
					n.nodes[j].tree.IHave(someone(i), author, headAt(seq+1), hops+1, n.now)
					n.wake(j)
				}
			})
		}
	}
	return true
}

func (n *network) pushed(from, to int, author crdt.Author, seq uint64, hops int) {
	n.pushes++
	fresh := n.take(to, author, seq, hops, from)
	n.do(to, n.nodes[to].tree.Pushed(someone(from), author, headAt(seq+1), hops, fresh, n.now))
	n.arrived(to, author)
}

func (n *network) arrived(i int, author crdt.Author) {
	n.nodes[i].tree.Has(author, func(h crdt.Head) bool { _, held := n.nodes[i].holds[author][h.Next-1]; return held })
}

// wake lets a node tick when its next timer ends.
func (n *network) wake(i int) {
	node := n.nodes[i]
	next := node.tree.Next()
	if next.IsZero() || !node.wakes.IsZero() && !next.Before(node.wakes) {
		return
	}
	node.wakes = next
	n.at(next, func() {
		if node.wakes.Equal(n.now) {
			node.wakes = time.Time{}
		}
		n.do(i, node.tree.Tick(n.now))
		n.wake(i)
	})
}

func (n *network) do(i int, actions []Action) {
	for _, a := range actions {
		j := int(binary.BigEndian.Uint64(a.Peer[24:]))
		if !n.nodes[i].links[j] {
			n.t.Fatalf("node %d: %v of a peer that is not linked", i, a)
		}
		if a.Kind == Detach {
			n.send(i, j, func() { n.nodes[j].tree.Detached(someone(i)) })
			continue
		}
		n.send(i, j, func() {
			n.nodes[j].tree.Grafted(someone(i))
			for _, seq := range slices.Sorted(maps.Keys(n.nodes[j].holds[a.Author])) {
				n.send(j, i, func() {
					n.take(i, a.Author, seq, n.nodes[j].holds[a.Author][seq]+1, j)
					n.arrived(i, a.Author)
				})
			}
		})
	}
}

// run lets time pass for d.
func (n *network) run(d time.Duration) {
	end := n.now.Add(d)
	for len(n.events) > 0 && !n.events[0].at.After(end) {
		e := heap.Pop(&n.events).(event)
		n.now = e.at
		e.do()
	}
	n.now = end
}

// round lets authors of the living nodes write one after the other, and returns how often an entry
// was pushed for each place that it had to reach. Every living node must have every entry.
func (n *network) round(entries int, pause time.Duration) float64 {
	n.t.Helper()
	before, living := n.pushes, 0
	for _, node := range n.nodes {
		if !node.dead {
			living++
		}
	}
	for range entries {
		i := n.rand.IntN(len(n.nodes))
		for n.nodes[i].dead {
			i = n.rand.IntN(len(n.nodes))
		}
		n.broadcast(i)
		n.run(pause)
	}
	n.run(3 * time.Second)
	n.checkEqual()
	return float64(n.pushes-before) / float64(entries*(living-1))
}

// checkEqual verifies that all living nodes hold what any of them does, and that nothing is missing.
func (n *network) checkEqual() {
	n.t.Helper()
	all := make(map[string]int)
	living := 0
	for _, node := range n.nodes {
		if node.dead {
			continue
		}
		living++
		for author, seqs := range node.holds {
			for seq := range seqs {
				all[fmt.Sprint(author.Short(), author[31], seq)]++
			}
		}
		if node.tree.Missing() != 0 {
			n.t.Error("a message is missing still")
		}
	}
	for entry, holders := range all {
		if holders != living {
			n.t.Fatalf("entry %s is held by %d of %d nodes", entry, holders, living)
		}
	}
}

// event is something that happens at a time; of two at one time, the one first planned.
type event struct {
	at    time.Time
	order int
	do    func()
}

func (n *network) at(at time.Time, do func()) {
	n.planned++
	heap.Push(&n.events, event{at, n.planned, do})
}

type events []event

func (h events) Len() int { return len(h) }
func (h events) Less(i, j int) bool {
	return cmp.Or(h[i].at.Compare(h[j].at), cmp.Compare(h[i].order, h[j].order)) < 0
}
func (h events) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *events) Push(x any)   { *h = append(*h, x.(event)) }
func (h *events) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}
