package gossip

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backoff"
	"github.com/quipulog/quipu/gossip/wire"
)

// call is how reaching a peer goes.
type call struct {
	backoff.Pause
	dialling bool
	apart    time.Time     // since when there has been no link
	out      backoff.Pause // after an offence: until when the peer is kept out
	met      bool          // there was a link
}

const (
	// maxCalls bounds the peers whose dialling is remembered.
	maxCalls = 4096
	// maxCopies bounds the links to processes with one key.
	maxCopies = 64
	// steady is how long a link must have lasted for its peer to be dialled again at once.
	steady = 10 * time.Second
)

// call returns how reaching a goes.
func (n *neighbours) call(a crdt.Author, now time.Time) *call {
	c := n.calls[a]
	if c == nil {
		if len(n.calls) >= maxCalls {
			n.forgetCalls(now)
		}
		c = &call{apart: now}
		n.calls[a] = c
	}
	return c
}

// forgetCalls drops what is remembered of peers that are neither linked nor kept out.
func (n *neighbours) forgetCalls(now time.Time) {
	for a, c := range n.calls {
		if n.linkTo(a) == nil && !c.dialling && c.out.Over(now) {
			delete(n.calls, a)
		}
	}
}

// reserve says whether a may be dialled, and takes note that it is.
func (n *neighbours) reserve(a crdt.Author, now time.Time) (granted bool, err error) {
	c := n.call(a, now)
	switch {
	case !c.out.Over(now):
		return false, errForbidden
	case n.linkTo(a) != nil || c.dialling:
		return false, nil
	}
	c.dialling = true
	return true, nil
}

// failed takes note that dialling a came to nothing.
func (n *neighbours) failed(a crdt.Author, now time.Time) {
	c := n.call(a, now)
	c.dialling = false
	n.fail(c, now)
}

// fail puts off the next call.
func (n *neighbours) fail(c *call, now time.Time) { c.Fail(now, n.g.pace.dialLow, n.g.pace.dialHigh) }

// admit says why a link is not taken in, or nil.
func (n *neighbours) admit(ctx context.Context, l *link, now time.Time) (err error) {
	c, old := n.call(l.peer, now), n.links[l.id]
	if l.dialled {
		c.dialling = false
	}
	switch {
	case ctx.Err() != nil:
		err = errLeaving
	case !c.out.Over(now):
		err = errForbidden
	case old == nil && (len(n.links) >= n.g.cfg.MaxPeers || len(n.peers[l.peer]) >= maxCopies):
		err = errCrowded
	case old != nil && !n.better(l, old, now):
		err = errSpare
	default:
		return nil
	}
	n.fail(c, now)
	return err
}

// better reports whether a new link to a peer is to be kept rather than the old, which has to show otherwise that it
// is alive.
func (n *neighbours) better(l *link, old *peering, now time.Time) bool {
	if l.dialled == old.dialled || old.quiet(n.g.pace, now) {
		return true
	}
	old.stir(now, 0)
	lower := cmp.Or(n.g.self.Compare(l.peer), bytes.Compare(n.g.instance[:], l.instance[:])) < 0
	return l.dialled == lower
}

// opened takes note that there is a link to a peer.
func (n *neighbours) opened(ctx context.Context, l *link, now time.Time) {
	delete(n.left, l.peer)
	n.call(l.peer, now).met = true
	if l.peer == n.g.self {
		n.g.logger.Log(ctx, n.loops.Level(slog.LevelWarn, l.peer, now), "linked with another process that has this node's key: stop one of the two",
			"peer", l.peer.Short(), "name", l.name, "remote", l.addr, "dialled", l.dialled, n.loops.Repeated(l.peer))
		return
	}
	n.g.logger.Log(ctx, n.loops.Level(slog.LevelInfo, l.peer, now), "linked", "peer", l.peer.Short(), "name", l.name, "remote", l.addr, "dialled", l.dialled, n.loops.Repeated(l.peer))
}

// closed takes note that a link has ended, and why.
func (n *neighbours) closed(l *link, why error, now time.Time) {
	c := n.call(l.peer, now)
	c.apart = now
	bye, said := errors.AsType[*ByeError](why)
	switch {
	case said && bye.Code == wire.CodeLeaving:
		if len(n.left) >= maxCalls {
			clear(n.left)
		}
		n.left[l.peer] = now
		n.fail(c, now)
	case said && bye.Code == wire.CodeEnough:
		c.Fail(now, n.g.pace.dialHigh, n.g.pace.dialHigh)
	case now.Sub(l.since) > steady:
		c.Pause = backoff.Pause{}
	default:
		n.fail(c, now)
	}
	if _, ours := errors.AsType[*closing](why); !ours && !said {
		n.g.members.Doubt()
	}
	n.g.logger.Log(context.Background(), n.loops.Level(slog.LevelInfo, l.peer, now), "link ended",
		"peer", l.peer.Short(), "name", l.name, "why", why, n.loops.Repeated(l.peer))
}

// keepOut keeps a peer out for a while if its link ended for an offence.
func (n *neighbours) keepOut(l *link, why error, now time.Time) {
	if own, ok := errors.AsType[*closing](why); ok && own.code == wire.CodeOffence {
		n.call(l.peer, now).out.Fail(now, quarantine, quarantineMost)
	}
}
