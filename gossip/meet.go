package gossip

import (
	"context"
	"log/slog"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/find"
	"github.com/quipulog/quipu/gossip/membership"
	"github.com/quipulog/quipu/gossip/news"
	"github.com/quipulog/quipu/gossip/transient"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wire"
)

// accept serves the links that peers open, until ctx ends.
func (g *Gossip) accept(ctx context.Context) {
	for {
		conn, err := g.transport.Accept(ctx, transport.Sync)
		if err != nil {
			return
		}
		g.work.Go(func() {
			if l, err := g.meet(ctx, conn, false); err == nil {
				g.serve(ctx, l)
			}
		})
	}
}

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

// reach finds out who answers at addr, and opens a link to it if there is none. It returns after the greeting, which
// ctx bounds; the link is served in the background until life ends. want is who must answer, zero for anybody.
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

// resolve returns the addresses that HOST:PORT or a name leads to.
func (g *Gossip) resolve(ctx context.Context, addr string) ([]string, error) {
	target, err := find.Parse(addr)
	if err != nil {
		return nil, err
	}
	return target.Resolve(ctx, g.cfg.Resolver)
}

// meet exchanges hellos on a fresh stream. With an error the stream is closed.
func (g *Gossip) meet(ctx context.Context, conn *transport.Conn, dialled bool) (*link, error) {
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) })()
	own := g.ownHello(conn.Peer())
	hello, err := greet(conn, conn.Peer(), own, g.pace.greet)
	if err == nil && hello.Instance == g.instance && conn.Peer() == g.self {
		conn.Close()
		return nil, find.ErrSelf
	}
	if err == nil {
		err = learnGenesis(g.log, hello)
	}
	if err != nil {
		g.turnAway(ctx, conn, err)
		return nil, err
	}
	g.members.Met(conn.Peer())
	hello.Features &= own.Features
	l := newLink(conn, dialled, hello, g.log)
	l.news = g.news.Place(news.Peer{ID: l.id, Author: l.peer, Eager: l.eager.Load, Shut: l.roots.hasShut}, g.pace.lazy)
	l.transient = g.transients.Lane(transient.Peer{
		Author: l.peer, Agreed: l.both(wire.FeatureTransient), Shut: l.roots.hasShut, Wake: l.out.nudge,
	})
	return l, nil
}

// turnAway ends a stream whose greeting came to nothing, after telling the peer why.
func (g *Gossip) turnAway(ctx context.Context, conn *transport.Conn, err error) {
	bye := wire.Bye{Code: byeOf(err), Text: err.Error()}
	conn.SetDeadline(time.Now().Add(farewell))
	if _, werr := conn.Write(wire.Append(nil, bye)); werr == nil {
		conn.CloseWrite()
	}
	conn.Close()
	if ctx.Err() != nil {
		return
	}
	level, reason := slog.LevelWarn, reasonOfGreeting(err)
	if reason == reasonBroken || reason == reasonBye {
		level = slog.LevelInfo // It was cut off, or the peer has said why on its side.
	}
	if g.faults.count(conn.Peer(), reason, time.Now()) {
		g.logger.Log(ctx, level, "peer turned away", "peer", conn.Peer().Short(), "remote", conn.RemoteAddr(), "reason", string(reason), "err", err, g.faults.repeated(conn.Peer(), reason))
	}
}
