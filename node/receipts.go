package node

import (
	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/gossip"
)

// The peers that are asked where our feed ends are also those that say what they hold.
var _ elsewhere.Receipts = (*peers)(nil)

// now returns who knows the peers, nil before there is anybody.
func (p *peers) now() *gossip.Gossip {
	select {
	case <-p.met:
		return p.gossip
	default:
		return nil
	}
}

// Of returns where the other nodes stand with a feed.
func (p *peers) Of(feed crdt.Author) (all []elsewhere.Standing) {
	g := p.now()
	if g == nil {
		return nil
	}
	for _, s := range g.Standings(feed) {
		all = append(all, elsewhere.Standing{
			Author: s.Author, Member: s.Member, Linked: s.Linked, Heard: s.Heard,
			Heads: s.Heads, Below: s.Below, Told: s.Told, Shut: s.Shut, Keeps: (*elsewhere.Keeps)(s.Keeps),
		})
	}
	return all
}

// Changed returns a channel that is closed when something of it changes.
func (p *peers) Changed() <-chan struct{} {
	if g := p.now(); g != nil {
		return g.StandingsChanged()
	}
	return p.met
}

// Hurry asks the linked peers how far they hold our feed.
func (p *peers) Hurry() {
	if g := p.now(); g != nil {
		g.AwaitReceipts()
	}
}

// keeps returns what a node with a policy does not forget.
func keeps(p eventlog.TrimPolicy) gossip.Keeps {
	k := gossip.Keeps{Bodies: p.KeepBodies, Forgotten: p.KeepPruned, Age: max(p.MinAge, 0), Entries: p.MinCount}
	if p.MinCount == eventlog.NoCount {
		k.Entries = 0
	}
	return k
}
