package node

import (
	"context"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
)

// peers is whom a log asks where its own feed ends: the members. The log is opened before there is a gossip that
// could ask them.
type peers struct {
	anybody bool          // a place to join is configured, or a member is remembered
	met     chan struct{} // closed when gossip is set
	gossip  *gossip.Gossip
}

var _ eventlog.AskedPeers = (*peers)(nil)

func newPeers(anybody bool) *peers { return &peers{anybody: anybody, met: make(chan struct{})} }

// knowsAnybody reports whether there is anybody to ask. A peers.json that cannot be read named somebody.
func (n *Node) knowsAnybody(now time.Time) bool {
	remembered, err := n.folder.ReadPeers(now)
	return len(n.cfg.Join) > 0 || len(remembered) > 0 || err != nil
}

// meet says who asks. It is called once.
func (p *peers) meet(g *gossip.Gossip) {
	p.gossip = g
	close(p.met)
}

// OwnEnd asks all members that count, or one for a soft reason: see [gossip.Gossip.AskOwnEnd].
func (p *peers) OwnEnd(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
	select {
	case <-p.met:
	case <-ctx.Done():
		return eventlog.Recovery{}, context.Cause(ctx)
	}
	end, err := p.gossip.AskOwnEnd(ctx, gossip.OwnEndQuestion{Soft: why.Why.Soft()})
	return eventlog.Recovery{
		End: end.End, Asked: end.Asked, Missing: gossip.Authors(end.Missing), Without: gossip.Authors(end.Without),
	}, err
}

// Missing returns who has not been asked yet, while anybody is being asked.
func (p *peers) Missing() []crdt.Author {
	select {
	case <-p.met:
	default:
		return nil
	}
	if progress := p.gossip.OwnEndProgress(); progress != nil {
		return gossip.Authors(progress.Missing)
	}
	return nil
}

// Anybody reports whether there is anybody to ask.
func (p *peers) Anybody() bool { return p.anybody }
