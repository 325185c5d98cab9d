package gossip

import (
	"context"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backfill"
	"github.com/quipulog/quipu/gossip/backoff"
	"github.com/quipulog/quipu/gossip/find"
)

// comparing is what the loop knows of its comparisons with one peer.
type comparing struct {
	rounds    uint32    // begun on this link
	begun     time.Time // the one under way
	underWay  bool
	nextOffer time.Time
	equalAt   time.Time // when the two were last seen to be equal
	// The fields below are of the last comparison that came to its end.

	found      differences
	foundSince time.Time // when it began
	partial    bool      // it found as much as one comparison may; there may be more
	lacks      uint64    // entries that we had and the peer did not, as far as heads tell
	lacksAt    time.Time // when that was so; zero if it was never seen
}

// compareDue begins the comparisons that are due.
func (s *spread) compareDue(now time.Time) {
	for _, p := range s.links {
		if p.underWay && now.Sub(p.begun) < s.g.pace.compare || now.Before(p.nextOffer) {
			continue
		}
		p.nextOffer = now.Add(backoff.Jittered(s.g.pace.offer))
		p.rounds++
		p.begun, p.underWay = now, true
		p.round.Store(p.rounds)
		p.out.offer(p.rounds)
	}
}

// compared takes in what a comparison has found.
func (s *spread) compared(l *link, found differences, equal bool) {
	p := s.peering(l)
	if p == nil || found.round != p.rounds {
		return
	}
	now := time.Now()
	p.underWay = false
	p.found, p.foundSince, p.partial = found, p.begun, found.more || len(found.lacking) >= crdt.MaxDiffer || len(found.behind) >= crdt.MaxDiffer
	if equal && p.begun.After(p.equalAt) {
		p.equalAt = p.begun // The root that was compared is of then.
	}
	p.lacks, p.lacksAt = 0, p.begun
	for a, theirs := range found.behind {
		p.lacks += beyond(s.g.log.Feed(a), theirs)
	}
	s.schedule.Comparing(l.id)
	for a, heads := range found.lacking {
		s.schedule.Offered(backfill.Offer{Peer: l.id, Author: a, Heads: heads, Held: s.g.log.Feed(a)}, now)
	}
	s.schedule.Compared(l.id)
	s.plan(now)
}

// equal takes note that a peer's root was ours at a moment.
func (s *spread) equal(l *link, at time.Time) {
	if p := s.peering(l); p != nil && at.After(p.equalAt) {
		p.equalAt = at
		p.lacks, p.lacksAt = 0, at
	}
}

// beyond returns how many entries of a feed somebody lacks who has the given heads of it, as far as heads
// tell: on a branch that they do not name, what lies above the highest of them.
func beyond(f crdt.Feed, theirs []crdt.Head) (entries uint64) {
	for _, b := range f.Branches {
		if slices.Contains(theirs, b.Head) {
			continue
		}
		from := b.Start.First
		for _, h := range theirs {
			if h.Next < b.Head.Next {
				from = max(from, h.Next)
			}
		}
		if len(f.Branches) == 1 && len(theirs) > 0 && theirs[len(theirs)-1].Next >= b.Head.Next {
			continue // They are ahead on it.
		}
		entries += b.Head.Next - from
	}
	return entries
}

// catchUp waits for what peers were found to have.
type catchUp struct {
	since   time.Time
	lacking map[linkID]crdt.Frontier // by peer: what its first comparison since then found, less what has come
	refused map[crdt.Author]bool     // of whom something is not waited for, since it was not made good or not taken
}

func newCatchUp(since time.Time) *catchUp {
	return &catchUp{since: since, lacking: make(map[linkID]crdt.Frontier), refused: make(map[crdt.Author]bool)}
}

// done reports whether everything has come that the linked peers had.
func (c *catchUp) done(s *state) bool {
	all := true
	for _, p := range s.links {
		all = c.has(s, p) && all
	}
	return all
}

// has reports whether everything has come that p had. What it claimed and has not made good is not
// waited for.
func (c *catchUp) has(s *state, p *peering) bool {
	lacking, compared := c.lacking[p.id]
	if !compared {
		if !p.foundSince.After(c.since) || p.partial {
			return false
		}
		lacking = p.found.lacking.Clone()
		c.lacking[p.id] = lacking
	}
	for a, heads := range lacking {
		claimed, fork := s.spread.schedule.Claims(p.id, a)
		switch {
		case !claimed, !fork && holds(s.g.log.Feed(a), heads):
			delete(lacking, a)
		case s.spread.schedule.Barred(p.id, a, time.Now()):
			delete(lacking, a)
			c.refused[a] = true
		}
	}
	return len(lacking) == 0
}

// hurry compares again at once, if the last comparison began before since, and soon if it did not.
func (p *peering) hurry(since, now time.Time, soon time.Duration) {
	switch {
	case p.begun.Before(since):
		p.nextOffer, p.underWay = now, false
	case !p.underWay:
		p.nextOffer = earlier(p.nextOffer, p.begun.Add(soon))
	}
}

// WaitCaughtUp waits until this node holds everything that the peers it is linked to held when they
// first answered it after the call. It waits for a link while there are nodes to join that have not
// been tried; one that cannot be reached is not waited for, unless there is nobody else. Its error is
// why ctx ended, that [Gossip.Run] has, or a [*HeldBackError] where something is known to be elsewhere
// and does not come.
//
// Nothing is waited for that a peer claims and does not make good: what counts is found by comparing,
// and a peer whose link ends has no say any more.
func (g *Gossip) WaitCaughtUp(ctx context.Context) error {
	c := newCatchUp(time.Now())
	for {
		var done bool
		var held error
		asked := g.loop.ask(func(s *state) {
			if done = s.joined() && c.done(s); done {
				held = s.spread.heldBack()
			}
			for peer, p := range s.links {
				if _, compared := c.lacking[peer]; !compared {
					p.hurry(c.since, time.Now(), g.pace.soon)
				}
			}
		})
		switch {
		case !asked:
			return errLeaving
		case done:
			return held
		}
		if err := sleep(ctx, g.pace.tick); err != nil {
			return err
		}
	}
}

// joined reports whether there is somebody to compare with, or nobody to be expected.
func (s *state) joined() bool {
	if len(s.links) > 0 {
		for _, seed := range s.g.seeds.All() {
			if seed.Tries == 0 && seed.Source != find.MDNS {
				return false
			}
		}
		return true
	}
	return len(s.g.seeds.All()) == 0 && len(s.g.members.Members()) == 0
}
