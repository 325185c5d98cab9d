package node

import (
	"sync"

	"github.com/quipulog/quipu/node/api"
)

// gate lets in those who append, and tells whoever shuts it when the last of them has left: what they have
// appended by then is all there is to wait for. The zero gate is open. Any goroutine may use it.
type gate struct {
	mu     sync.Mutex // guards what follows
	shuts  int        // how many keep it shut
	inside int
	empty  chan struct{} // closed when nobody is inside any more; nil where nobody waits for that
}

// enter lets somebody in, who calls leave once. A shut gate is an error.
func (g *gate) enter() (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shuts > 0 {
		return nil, &api.Error{Code: api.Stopping, Message: "the node is stopping and appends nothing any more; it only waits until other nodes hold what it has: append again after the next start"}
	}
	g.inside++
	return g.leave, nil
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// shut lets nobody in until [gate.open] was called as often. The channel is closed when nobody is inside.
func (g *gate) shut() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shuts++
	if g.inside == 0 {
		closed := make(chan struct{})
		close(closed)
		return closed
	}
	if g.empty == nil {
		g.empty = make(chan struct{})
	}
	return g.empty
}

func (g *gate) isShut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shuts > 0
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shuts--
}
