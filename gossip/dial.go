package gossip

import (
	"context"
	"fmt"

	"github.com/quipulog/quipu/crdt"
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

// errSelf is returned where this process answers itself. Another process with its key is a peer.
var errSelf = fmt.Errorf("this node answers there itself")

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
