package gossip

import (
	"context"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/find"
	"github.com/quipulog/quipu/gossip/membership"
	"github.com/quipulog/quipu/gossip/transport"
)

// dialMember opens a link to a member and serves it. The loop has taken note that it is dialled.
func (g *Gossip) dialMember(ctx context.Context, m membership.Member) {
	conn, err := g.transport.Dial(ctx, m.Addr.String(), transport.Sync, m.Author)
	var l *link
	if err == nil {
		l, err = g.meet(ctx, conn, true)
	}
	if err != nil {
		g.loop.unreserve(m.Author)
		g.logger.Debug("dialling member failed", "peer", m.Author.Short(), "addr", m.Addr, "err", err)
		return
	}
	g.serve(ctx, l)
}

// resolve returns the addresses that HOST:PORT or a name leads to.
func (g *Gossip) resolve(ctx context.Context, addr string) ([]string, error) {
	target, err := find.Parse(addr)
	if err != nil {
		return nil, err
	}
	return target.Resolve(ctx, g.cfg.Resolver)
}

// reach finds out who answers at addr, and opens a link to it if there is none. It returns after the
// greeting, which ctx bounds; the link is served in the background until life ends. want is who must
// answer, zero for anybody.
func (g *Gossip) reach(ctx, life context.Context, addr string, want crdt.Author) (crdt.Author, error) {
	conn, err := g.transport.Dial(ctx, addr, transport.Sync, want)
	if err != nil {
		return crdt.Author{}, err
	}
	peer := conn.Peer()
	if peer != g.self { // who must greet first to tell itself from another process with its key
		if granted, err := g.loop.reserve(peer); !granted {
			conn.Close()
			return peer, err // Without an error there is a link already, or soon.
		}
	}
	l, err := g.meet(ctx, conn, true)
	if err != nil {
		if peer != g.self {
			g.loop.unreserve(peer)
		}
		return peer, err
	}
	g.work.Go(func() { g.serve(life, l) })
	return peer, nil
}

// meetAt is reach for who is to be joined: the error is find.ErrTwin where another process answers that has
// this node's key. The two are linked, so that each learns at once of what the other writes, and
// an operator that both run; they are one member, so neither joins the other.
func (g *Gossip) meetAt(ctx, life context.Context, addr string, want crdt.Author) (crdt.Author, error) {
	if g.twinAt(addr) {
		return g.self, find.ErrTwin
	}
	peer, err := g.reach(ctx, life, addr, want)
	if err == nil && peer == g.self {
		err = find.ErrTwin
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
