package gossip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/find"
)

// Seed is a place where this node looks for others: an address, or a name that leads to addresses.
type Seed = find.Seed

// Join adds places to those where this node looks for others, for as long as it runs: HOST:PORT or a
// name, as in [Config]. With an error none is added.
func (g *Gossip) Join(addrs ...string) error {
	if err := g.seeds.Add(addrs...); err != nil {
		return fmt.Errorf("join %w", err)
	}
	return nil
}

// Seeds returns the places where this node looks for others, and how that goes: those that were given,
// then those that were found.
func (g *Gossip) Seeds() []Seed { return g.seeds.All() }

// keepJoining tries to join every seed that is no member, until ctx ends.
func (g *Gossip) keepJoining(ctx context.Context) {
	how := find.Search{
		Try:      func(try context.Context, seed Seed) (crdt.Author, error) { return g.join(try, ctx, seed) },
		Resolver: g.cfg.Resolver, Remembered: placesOf(g.cfg.Remembered), Low: g.pace.dialLow, High: g.pace.dialHigh, Logger: g.logger,
	}
	if g.cfg.MDNS {
		how.LAN = &find.LAN{Log: g.log.ID(), Author: g.self, Listen: g.Addr(), Logger: g.logger}
	}
	g.seeds.Run(ctx, how)
}

// join makes sure that whoever answers at a seed is a member, and returns who. The link to it lasts until
// life ends. Who answered there before, or is said to be there, may call itself by another address.
func (g *Gossip) join(ctx, life context.Context, seed Seed) (crdt.Author, error) {
	// What is heard by mDNS is a mere claim: who answers there must be seen.
	if m, known := g.members.Member(seed.Peer); known && m.Alive && (seed.Source != find.MDNS || seed.Joined) {
		return seed.Peer, nil
	}
	addrs, err := g.resolve(ctx, seed.Addr)
	if err != nil {
		return seed.Peer, err
	}
	for _, m := range g.members.Members() {
		if m.Alive && slices.Contains(addrs, m.Addr.String()) {
			return m.Author, nil
		}
	}
	var errs []error
	for _, a := range addrs {
		peer, err := g.meetAt(ctx, life, a, crdt.Author{})
		if err == nil {
			var at netip.AddrPort
			if at, err = netip.ParseAddrPort(a); err == nil {
				err = g.members.Join(ctx, peer, at)
			}
		}
		if err == nil {
			return peer, nil
		}
		errs = append(errs, err)
	}
	return seed.Peer, errors.Join(errs...)
}
