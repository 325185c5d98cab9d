package gossip

import (
	"context"
	"errors"

	"github.com/quipulog/quipu/crdt"
)

// errTwin is returned where another process answers that has this node's key: a copy of its folder, or what
// its folder was copied from. The two are linked, so that each learns at once of what the other writes, and
// an operator that both run; they are one member, so neither joins the other.
var errTwin = errors.New("another process with this node's key answers there")

// meetAt is reach for who is to be joined: the error is errTwin where that cannot be.
func (g *Gossip) meetAt(ctx, life context.Context, addr string, want crdt.Author) (crdt.Author, error) {
	if g.twinAt(addr) {
		return g.self, errTwin
	}
	peer, err := g.reach(ctx, life, addr, want)
	if err == nil && peer == g.self {
		err = errTwin
	}
	return peer, err
}

// twinAt reports whether the process at addr is known to be another one with this node's key: this one has
// dialled it there.
func (g *Gossip) twinAt(addr string) (linked bool) {
	g.loop.ask(func(s *state) {
		for _, p := range s.peers[g.self] {
			linked = linked || p.dialled && p.addr.String() == addr
		}
	})
	return linked
}
