package gossip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// joining is what is known of the nodes that this one tries to join: those that it was told of, and
// members that have gone without saying that they leave.
type joining struct {
	wake chan struct{} // of one place

	mu sync.Mutex
	// The fields below are guarded by mu.

	seeds []*Seed
}

// Seed is an address that this node was told to join.
type Seed struct {
	Addr   string      // HOST:PORT as it was given
	Joined bool        // a member answered there last time, or is known to be there
	Peer   crdt.Author // who answered there last; zero if nobody has
	Tries  int
	Err    error // of the last try; nil when it succeeded
	backoff
}

func newJoining(addrs []string) *joining {
	j := &joining{wake: make(chan struct{}, 1)}
	j.add(addrs)
	return j
}

// maxSeeds bounds the addresses that are tried.
const maxSeeds = 256

// add adds addresses that are new.
func (j *joining) add(addrs []string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, a := range addrs {
		if slices.ContainsFunc(j.seeds, func(s *Seed) bool { return s.Addr == a }) {
			continue
		}
		if len(j.seeds) >= maxSeeds {
			return fmt.Errorf("join %s: more than %d addresses", a, maxSeeds)
		}
		j.seeds = append(j.seeds, &Seed{Addr: a})
	}
	select {
	case j.wake <- struct{}{}:
	default:
	}
	return nil
}

// all returns copies of the seeds.
func (j *joining) all() []Seed {
	j.mu.Lock()
	defer j.mu.Unlock()
	seeds := make([]Seed, len(j.seeds))
	for i, s := range j.seeds {
		seeds[i] = *s
	}
	return seeds
}

// set changes a seed.
func (j *joining) set(addr string, change func(*Seed)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.seeds {
		if s.Addr == addr {
			change(s)
		}
	}
}

// Join adds addresses (HOST:PORT) to those that this node tries to join, for as long as it runs.
func (g *Gossip) Join(addrs ...string) error { return g.joining.add(addrs) }

// Seeds returns the addresses that this node tries to join, and how that goes.
func (g *Gossip) Seeds() []Seed { return g.joining.all() }

// keepJoining tries to join, again and again and with growing pauses, every seed that is no member,
// until ctx ends. So a node finds the others whenever they come up, and the halves of a partition
// find each other after it.
func (g *Gossip) keepJoining(ctx context.Context) {
	lost := make(map[crdt.Author]*backoff)
	tick := time.NewTicker(g.pace.dialLow / 2)
	defer tick.Stop()
	for ctx.Err() == nil {
		var tries sync.WaitGroup
		now := time.Now()
		for _, s := range g.joining.all() {
			if s.over(now) {
				tries.Go(func() { g.trySeed(ctx, s) })
			}
		}
		g.tryLost(ctx, lost, now, &tries)
		tries.Wait()
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-g.joining.wake:
		}
	}
}

// joinTime bounds one try.
const joinTime = 10 * time.Second

// trySeed tries to join the node at an address that this one was told of.
func (g *Gossip) trySeed(ctx context.Context, seed Seed) {
	tryCtx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	peer, err := g.join(tryCtx, ctx, seed.Addr, seed.Peer)
	now := time.Now()
	if ctx.Err() != nil {
		return
	}
	var news bool
	g.joining.set(seed.Addr, func(s *Seed) {
		news = s.Tries == 0 || (err == nil) != (s.Err == nil) || err != nil && err.Error() != s.Err.Error()
		s.Tries++
		s.Err, s.Joined, s.Peer = err, err == nil, peer
		switch {
		case err == nil:
			s.backoff = backoff{until: now.Add(g.pace.dialLow)} // Look again: it may go.
		case errors.Is(err, errSelf):
			s.fail(now, g.pace.dialHigh, g.pace.dialHigh)
		default:
			s.fail(now, g.pace.dialLow, g.pace.dialHigh)
		}
	})
	switch {
	case !news:
	case err == nil:
		g.logger.Info("joined", "addr", seed.Addr)
	default:
		g.logger.Warn("cannot join yet; trying again", "addr", seed.Addr, "err", err)
	}
}

// join makes sure that whoever answers at addr is a member, and returns who. The link to it lasts until
// life ends. Last is who answered there before: it may call itself by another address.
func (g *Gossip) join(ctx, life context.Context, addr string, last crdt.Author) (crdt.Author, error) {
	if m, known := g.members.Member(last); known && m.Alive {
		return last, nil
	}
	addrs, err := resolve(ctx, addr)
	if err != nil {
		return last, err
	}
	for _, m := range g.members.Members() {
		if m.Alive && slices.Contains(addrs, m.Addr) {
			return m.Author, nil
		}
	}
	var errs []error
	for _, a := range addrs {
		peer, err := g.reach(ctx, life, a.String(), crdt.Author{})
		if err == nil {
			err = g.members.Join(ctx, peer, a)
		}
		if err == nil {
			return peer, nil
		}
		errs = append(errs, err)
	}
	return last, errors.Join(errs...)
}

// resolve returns the addresses of HOST:PORT.
func resolve(ctx context.Context, addr string) ([]netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("resolve: %w", err)
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", addr, err)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(ip.Unmap(), uint16(number))}, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", addr, err)
	}
	addrs := make([]netip.AddrPort, len(ips))
	for i, ip := range ips {
		addrs[i] = netip.AddrPortFrom(ip.Unmap(), uint16(number))
	}
	return addrs, nil
}

const (
	// lostTime is how long a member that died is looked for.
	lostTime = time.Hour
	// maxLostTries bounds the lost members that are tried at a time.
	maxLostTries = 8
)

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
	peer, err := g.reach(try, ctx, m.Addr.String(), m.Author)
	if err == nil {
		err = g.members.Join(try, peer, m.Addr)
	}
	if err == nil {
		g.logger.Info("found a lost member again", "peer", m.Author.Short(), "addr", m.Addr)
	}
}
