package plumtree

import (
	"math/rand/v2"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Config sets the timers and bounds of a tree. The zero value means the defaults.
type Config struct {
	// IHaveTimeout is the least time that something named by a lazy peer has to come over the tree
	// before it is asked for, timeout1 of the paper; up to twice as long, at random. It should cover
	// the way over the longest branch and the time in which names are gathered. Default: 500 ms.
	IHaveTimeout time.Duration

	// GraftTimeout is how long the answer to a Graft may take before the next announcer is asked:
	// timeout2 of the paper, about a round trip and the time to read a run from disk. Default: 500 ms.
	GraftTimeout time.Duration

	// HopsThreshold is by how many hops a lazy peer must have been closer to the author for it to take
	// the place of the eager one (section 3.8). It serves a log in which one author or a few write at a
	// time, as in the paper, where it is 7. What is shorter for one author is longer for another: with
	// 100 authors among 1,000 nodes, thresholds of 4 and 7 kept the tree from ever coming to rest, and
	// half of the runs were on the last node five times as late. Default: 0, never.
	HopsThreshold int

	// MaxMissing bounds the messages that are known by name only; a quarter of them may have been
	// named first by one peer. What is above is left to anti-entropy. Default: 4096.
	MaxMissing int

	// Rand decides where chance does. Default: a source of its own.
	Rand *rand.Rand
}

func (c Config) withDefaults() Config {
	if c.IHaveTimeout <= 0 {
		c.IHaveTimeout = 500 * time.Millisecond
	}
	if c.GraftTimeout <= 0 {
		c.GraftTimeout = 500 * time.Millisecond
	}
	if c.MaxMissing <= 0 {
		c.MaxMissing = 4096
	}
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return c
}

// Kind says what an [Action] sends.
type Kind uint8

// The kinds of actions.
const (
	// Graft makes the link eager on the peer's side, and asks for what lies beyond our end of the
	// author's feed, if there is an author.
	Graft Kind = 1 + iota
	// Detach makes the link lazy on the peer's side.
	Detach
)

// String returns the kind as a word.
func (k Kind) String() string {
	switch k {
	case Graft:
		return "graft"
	case Detach:
		return "detach"
	}
	return "none"
}

// Action is something to be sent to a peer.
type Action struct {
	Kind   Kind
	Peer   crdt.Author
	Author crdt.Author // of a Graft: whose feed is missing something; zero for none
	Head   crdt.Head   // what Peer has named of it
}

// Tree is a node's part in the broadcast tree. It is not safe for concurrent use.
//
// Invariant: a peer is in peers exactly while it is up, and is eager or lazy; every announcement in
// missing is of such a peer.
type Tree struct {
	cfg       Config
	peers     map[crdt.Author]*peer
	missing   missing
	crowd     crowd
	troubled  time.Time // when something last came late, or had to be grafted
	optimized time.Time // when a lazy peer last took the place of an eager one
}

// peer is a neighbour: in eagerPushPeers of the paper, or else in lazyPushPeers.
type peer struct {
	eager    bool
	detached time.Time // when it was last sent a Detach, zero if it has been grafted since
	began    int       // missing messages that it was the first to name
}

// New returns a tree without peers.
func New(cfg Config) *Tree {
	cfg = cfg.withDefaults()
	return &Tree{
		cfg:     cfg,
		peers:   make(map[crdt.Author]*peer),
		missing: missing{feeds: make(map[crdt.Author][]*absent)},
		crowd:   crowd{whole: fading{span: cfg.IHaveTimeout / 4}, torn: fading{span: 2 * cfg.IHaveTimeout}},
	}
}

// Up takes in a new neighbour, which is eager. Of one that is up already, what it has announced is
// forgotten: it is a new link.
func (t *Tree) Up(p crdt.Author) {
	t.Down(p)
	t.peers[p] = &peer{eager: true}
}

// Down takes a neighbour out, with all that it has announced.
func (t *Tree) Down(p crdt.Author) {
	if t.peers[p] == nil {
		return
	}
	delete(t.peers, p)
	for _, feed := range t.missing.feeds {
		for _, m := range feed {
			m.retract(p)
		}
	}
}

// Eager reports whether p is a neighbour that runs are pushed to. To any other neighbour they are
// named.
func (t *Tree) Eager(p crdt.Author) bool {
	n := t.peers[p]
	return n != nil && n.eager
}

// Detached takes in a Detach from p.
func (t *Tree) Detached(p crdt.Author) {
	if n := t.peers[p]; n != nil {
		n.eager = false
	}
}

// Grafted takes in a Graft from p. What p asks for with it, the caller answers.
func (t *Tree) Grafted(p crdt.Author) {
	if n := t.peers[p]; n != nil {
		n.eager, n.detached = true, time.Time{}
	}
}
