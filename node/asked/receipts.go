package asked

import (
	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/gossip"
)

var _ elsewhere.Receipts = (*Members)(nil)

// now returns who knows the peers, nil before there is anybody.
func (m *Members) now() *gossip.Gossip {
	select {
	case <-m.met:
		return m.gossip
	default:
		return nil
	}
}

// Of returns where the other nodes stand with a feed.
func (m *Members) Of(feed crdt.Author) (all []elsewhere.Standing) {
	g := m.now()
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
func (m *Members) Changed() <-chan struct{} {
	if g := m.now(); g != nil {
		return g.StandingsChanged()
	}
	return m.met
}

// Hurry asks the linked peers how far they hold our feed.
func (m *Members) Hurry() {
	if g := m.now(); g != nil {
		g.AwaitReceipts()
	}
}
