package gossip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/find"
)

// Join adds places to those where this node looks for others, for as long as it runs: HOST:PORT or a
// name, as in [Config]. With an error none is added.
func (g *Gossip) Join(addrs ...string) error {
	if err := g.joining.add(addrs); err != nil {
		return fmt.Errorf("join %w", err)
	}
	return nil
}

// Seeds returns the places where this node looks for others, and how that goes: those that were given,
// then those that were found.
func (g *Gossip) Seeds() []Seed { return g.joining.all() }

// keepJoining tries to join, again and again and with growing pauses, every seed that is no member,
// until ctx ends. So a node finds the others whenever they come up, and the halves of a partition
// find each other after it.
func (g *Gossip) keepJoining(ctx context.Context) {
	g.joining.found(find.Remembered, "", g.cfg.Remembered)
	var work sync.WaitGroup
	defer work.Wait()
	if g.cfg.MDNS {
		lan := find.LAN{Log: g.log.ID(), Author: g.self, Listen: g.Addr(), Logger: g.logger}
		work.Go(func() {
			lan.Run(ctx, func(now []find.Found) { g.joining.found(find.MDNS, "", now) })
		})
	}
	work.Go(func() { g.keepLooking(ctx) })
	tick := time.NewTicker(g.pace.dialLow / 2)
	defer tick.Stop()
	for ctx.Err() == nil {
		for _, s := range g.joining.due(time.Now()) {
			work.Go(func() { g.trySeed(ctx, s) })
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-g.joining.wake:
		}
	}
}

const (
	// joinTime bounds one try.
	joinTime = 10 * time.Second
	// nameTime is the time between two look-ups of a name that has led to a member; ± a quarter. The
	// look-ups of one that has not follow each other as failed dials do.
	nameTime = 30 * time.Second
	// rememberedTime is the longest pause between two tries of an address that was only remembered.
	rememberedTime = time.Minute
)

// trySeed tries a seed once.
func (g *Gossip) trySeed(ctx context.Context, seed Seed) {
	try, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	peer, err := seed.Peer, error(nil)
	if seed.target.Leads() {
		err = g.lookUp(try, seed)
	} else {
		peer, err = g.join(try, ctx, seed)
	}
	now := time.Now()
	var news bool
	g.joining.tried(seed.Addr, func(s *Seed) {
		news = s.Tries == 0 || (err == nil) != (s.Err == nil) || err != nil && err.Error() != s.Err.Error()
		s.Tries++
		s.Err, s.Peer = err, peer
		s.Joined = err == nil && !s.target.Leads()
		g.plan(s, now)
	})
	switch {
	case !news || ctx.Err() != nil:
	case err != nil && seed.Source == find.Configured:
		g.logger.Warn("cannot join yet; trying again", "addr", seed.Addr, "err", err)
	case err != nil:
		g.logger.Debug("cannot join yet; trying again", "addr", seed.Addr, "source", seed.Source, "err", err)
	case !seed.target.Leads():
		g.logger.Info("joined", "addr", seed.Addr, "source", seed.Source)
	}
}

// plan says when a seed that was just tried is tried again.
func (g *Gossip) plan(s *Seed, now time.Time) {
	switch {
	case s.Err == nil && s.target.Leads() && g.joining.joinedBy(s.Addr):
		s.backoff = backoff{until: now.Add(jittered(nameTime))}
	case s.Err == nil && s.target.Leads():
		s.fail(now, g.pace.dialLow, g.pace.dialHigh) // Nobody answers there: there may be others soon.
	case s.Err == nil:
		s.backoff = backoff{until: now.Add(g.pace.dialLow)} // Look again: it may go.
	case errors.Is(s.Err, errSelf), errors.Is(s.Err, errTwin):
		s.fail(now, g.pace.dialHigh, g.pace.dialHigh)
	case s.Source == find.Remembered:
		s.fail(now, g.pace.dialLow, rememberedTime)
	default:
		s.fail(now, g.pace.dialLow, g.pace.dialHigh)
	}
}

// lookUp finds out which addresses a name leads to; they become seeds of their own. When it fails,
// those that it led to before stay.
func (g *Gossip) lookUp(ctx context.Context, seed Seed) error {
	addrs, err := seed.target.Resolve(ctx, g.cfg.Resolver)
	if err != nil {
		return err
	}
	found := make([]find.Found, len(addrs))
	for i, a := range addrs {
		found[i].Addr = a
	}
	g.joining.found(find.DNS, seed.Addr, found)
	return nil
}

// join makes sure that whoever answers at a seed is a member, and returns who. The link to it lasts until
// life ends. Who answered there before, or is said to be there, may call itself by another address.
func (g *Gossip) join(ctx, life context.Context, seed Seed) (crdt.Author, error) {
	// What is heard by mDNS is a mere claim: who answers there must be seen.
	if m, known := g.members.Member(seed.Peer); known && m.Alive && (seed.Source != find.MDNS || seed.Joined) {
		return seed.Peer, nil
	}
	addrs, err := seed.target.Resolve(ctx, g.cfg.Resolver)
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
	// maxLostTries bounds the lost members that are tried at a time.
	maxLostTries = 8
)

// keepLooking looks for lost members until ctx ends.
func (g *Gossip) keepLooking(ctx context.Context) {
	lost := make(map[crdt.Author]*backoff)
	tick := time.NewTicker(g.pace.dialLow / 2)
	defer tick.Stop()
	for ctx.Err() == nil {
		var tries sync.WaitGroup
		g.tryLost(ctx, lost, time.Now(), &tries)
		tries.Wait()
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// tryLost tries to join members that died without a word: if all of them did at once, it was the
// network that broke, and nobody else may know them.
func (g *Gossip) tryLost(ctx context.Context, lost map[crdt.Author]*backoff, now time.Time, tries *sync.WaitGroup) {
	gone := make(map[crdt.Author]bool)
	tried := 0
	for _, m := range g.Members() {
		if m.State != Dead || now.Sub(m.Since) > lostTime {
			continue
		}
		gone[m.Author] = true
		b := lost[m.Author]
		if b == nil {
			b = new(backoff)
			lost[m.Author] = b
		}
		if !b.over(now) || tried == maxLostTries {
			continue
		}
		b.fail(now, g.pace.dialLow, g.pace.dialHigh)
		tried++
		tries.Go(func() { g.tryMember(ctx, m) })
	}
	if at, seen := g.members.Twin(); now.Sub(seen) < lostTime && tried < maxLostTries {
		gone[g.self] = true
		b := lost[g.self]
		if b == nil {
			b = new(backoff)
			lost[g.self] = b
		}
		if b.over(now) {
			b.fail(now, g.pace.dialLow, g.pace.dialHigh)
			tries.Go(func() { g.tryMember(ctx, Member{Author: g.self, Addr: at}) })
		}
	}
	for a := range lost {
		if !gone[a] {
			delete(lost, a)
		}
	}
}

// tryMember tries to join a member that died.
func (g *Gossip) tryMember(ctx context.Context, m Member) {
	try, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	peer, err := g.meetAt(try, ctx, m.Addr.String(), m.Author)
	if err == nil {
		err = g.members.Join(try, peer, m.Addr)
	}
	if err == nil {
		g.logger.Info("found a lost member again", "peer", m.Author.Short(), "addr", m.Addr)
	}
}
