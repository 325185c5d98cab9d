package eventlogtest

import (
	"sync"
	"sync/atomic"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/elsewhere"
)

// Nodes is the other nodes as a test makes them up, for eventlog.Config.Receipts. In the zero Nodes there are none.
// Its methods may be called from any goroutine.
type Nodes struct {
	Asked   atomic.Int64 // how often it was asked where the nodes stand
	Hurried atomic.Int64 // how often somebody was in a hurry

	mu sync.Mutex
	// The fields below are guarded by mu.

	standings map[crdt.Author][]elsewhere.Standing // by feed
	changed   chan struct{}
}

// Say has a node stand with a feed.
func (n *Nodes) Say(feed crdt.Author, s elsewhere.Standing) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.standings == nil {
		n.standings = make(map[crdt.Author][]elsewhere.Standing)
	}
	var all []elsewhere.Standing
	for _, old := range n.standings[feed] {
		if old.Author != s.Author {
			all = append(all, old)
		}
	}
	n.standings[feed] = append(all, s)
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
}

// Of returns where the nodes stand with a feed.
func (n *Nodes) Of(feed crdt.Author) []elsewhere.Standing {
	n.Asked.Add(1)
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.standings[feed]
}

// Changed returns a channel that is closed when a node says something.
func (n *Nodes) Changed() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.changed == nil {
		n.changed = make(chan struct{})
	}
	return n.changed
}

// Hurry counts.
func (n *Nodes) Hurry() { n.Hurried.Add(1) }
