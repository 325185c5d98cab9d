package gossip

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backoff"
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
		Resolver: g.cfg.Resolver, Remembered: g.cfg.Remembered, Low: g.pace.dialLow, High: g.pace.dialHigh, Logger: g.logger,
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

const (
	// lostTime is how long a member that died is looked for.
	lostTime = time.Hour
	// lostTryTime bounds one try to join it.
	lostTryTime = 10 * time.Second
	// maxLostTries bounds the lost members that are tried at a time.
	maxLostTries = 8
)

// keepLooking looks for lost members until ctx ends.
func (g *Gossip) keepLooking(ctx context.Context) {
	pauses := make(map[crdt.Author]*backoff.Pause)
	tick := time.NewTicker(g.pace.dialLow / 2)
	defer tick.Stop()
	for ctx.Err() == nil {
		g.tryLost(ctx, pauses, time.Now())
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// lostMembers returns the members that died without a word: if all of them did at once, it was the network that
// broke, and nobody else may know them. Another process with this node's key may be such a one.
func (g *Gossip) lostMembers(now time.Time) []Member {
	lost := slices.DeleteFunc(g.Members(), func(m Member) bool { return m.State != Dead || now.Sub(m.Since) > lostTime })
	if at, seen := g.members.Twin(); now.Sub(seen) < lostTime {
		lost = append(lost, Member{Author: g.self, Addr: at})
	}
	return lost
}

// tryLost tries to join lost members, after the pauses of those that were tried before, and waits for the tries.
func (g *Gossip) tryLost(ctx context.Context, pauses map[crdt.Author]*backoff.Pause, now time.Time) {
	var tries sync.WaitGroup
	defer tries.Wait()
	lost := make(map[crdt.Author]bool)
	tried := 0
	for _, m := range g.lostMembers(now) {
		lost[m.Author] = true
		p := pauses[m.Author]
		if p == nil {
			p = new(backoff.Pause)
			pauses[m.Author] = p
		}
		if p.Over(now) && tried < maxLostTries {
			p.Fail(now, g.pace.dialLow, g.pace.dialHigh)
			tried++
			tries.Go(func() { g.tryMember(ctx, m) })
		}
	}
	maps.DeleteFunc(pauses, func(a crdt.Author, _ *backoff.Pause) bool { return !lost[a] })
}

// tryMember tries to join a member that died.
func (g *Gossip) tryMember(ctx context.Context, m Member) {
	try, cancel := context.WithTimeout(ctx, lostTryTime)
	defer cancel()
	peer, err := g.meetAt(try, ctx, m.Addr.String(), m.Author)
	if err == nil {
		err = g.members.Join(try, peer, m.Addr)
	}
	if err == nil {
		g.logger.Info("found a lost member again", "peer", m.Author.Short(), "addr", m.Addr)
	}
}
