package scalemodel

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/plumtree"
)

// epoch is when the simulation begins, for those who want a [time.Time].
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// model is a cluster.
type model struct {
	cfg     Config
	rand    *rand.Rand
	now     time.Duration
	queue   queue
	nodes   []*node
	keys    []crdt.Author // of the nodes
	written []uint32      // by writer: how long its feed is
	costs   *costs
	members members
	traffic Traffic
	reach   reach
	side    func(i int) int // which part of a partition a node is in; nil: there is none
}

// node is one node.
type node struct {
	index  int
	tree   *plumtree.Tree
	links  map[int]*link // by peer
	order  []int         // the linked peers, ascending
	held   []uint32      // by writer: the seq after the last op held
	begins time.Duration // when the last commit that is planned begins
	stored time.Duration // when it ends
	ticks  time.Duration // when the tree is looked at next; 0: never
	dead   bool
	// relinked says that links have changed since the node last looked at them.
	relinked bool
	suspicions
	gossiper
}

// link is one end of a link.
type link struct {
	peer    int
	dialled bool
	since   time.Duration
	arrives time.Duration // when the last frame sent over it arrives: the next does not before
	haves   []have        // to be announced, one a writer
	ended   bool

	plans int           // of offers, made so far: the last one counts
	quick time.Duration // when the next offer would be due if the link did not rest
	rests bool          // both ends were equal, and this one has not moved since
}

// have names the last op of a run.
type have struct {
	writer int
	next   uint32
	hops   int
}

// announce puts h among what is to be announced, and reports whether it is the first of it.
func (l *link) announce(h have) (first bool) {
	l.forget(h.writer)
	l.haves = append(l.haves, h)
	return len(l.haves) == 1
}

// forget takes out what is to be announced of a writer.
func (l *link) forget(writer int) {
	l.haves = slices.DeleteFunc(l.haves, func(h have) bool { return h.writer == writer })
}

func newModel(cfg Config) *model {
	m := &model{
		cfg: cfg, rand: rand.New(rand.NewPCG(cfg.Seed, 1)), written: make([]uint32, cfg.Writers),
		costs: measure(cfg.Nodes), members: newMembers(cfg.Nodes),
	}
	for i := range cfg.Nodes {
		m.keys = append(m.keys, keyOf(i))
		m.nodes = append(m.nodes, &node{
			index: i, links: make(map[int]*link), relinked: true, held: make([]uint32, cfg.Writers), suspicions: make(suspicions),
			tree: plumtree.New(plumtree.Config{IHaveTimeout: cfg.Pace.IHave, GraftTimeout: cfg.Pace.Graft, Rand: rand.New(rand.NewPCG(cfg.Seed, uint64(i)))}),
		})
	}
	m.linkAll()
	for _, n := range m.nodes {
		m.startProbing(n)
	}
	return m
}

// keyOf returns the author of node i: a random key with i in its last bytes.
func keyOf(i int) crdt.Author {
	a := crdt.Author(sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(i))))
	binary.BigEndian.PutUint32(a[28:], uint32(i))
	return a
}

// indexOf returns the node whose author a is.
func indexOf(a crdt.Author) int { return int(binary.BigEndian.Uint32(a[28:])) }

// clock returns the time as the tree has it.
func (m *model) clock() time.Time { return epoch.Add(m.now) }

// run lets time pass.
func (m *model) run(d time.Duration) {
	end := m.now + d
	for {
		e, ok := m.queue.pop(end)
		if !ok {
			break
		}
		m.now = e.at
		e.do()
	}
	m.now = end
}

func (m *model) after(d time.Duration, do func()) { m.queue.push(m.now+d, do) }

// delay draws how long something is on its way.
func (m *model) delay() time.Duration {
	return m.cfg.DelayMin + time.Duration(m.rand.Int64N(int64(m.cfg.DelayMax-m.cfg.DelayMin)+1))
}

// apart reports whether nothing gets from i to j.
func (m *model) apart(i, j int) bool {
	return m.nodes[i].dead || m.nodes[j].dead || m.side != nil && m.side(i) != m.side(j)
}

// send delivers a frame over l, which belongs to n, in order with the others.
func (m *model) send(n *node, l *link, deliver func()) {
	l.arrives = max(l.arrives, m.now+m.delay())
	m.queue.push(l.arrives, func() {
		if !l.ended && !m.apart(n.index, l.peer) {
			deliver()
		}
	})
}
