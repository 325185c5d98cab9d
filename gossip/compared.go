package gossip

import (
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backfill"
	"github.com/quipulog/quipu/gossip/backoff"
)

// comparing is what the loop knows of its comparisons with one peer.
type comparing struct {
	rounds     uint32    // begun on this link
	begun      time.Time // the one under way
	underWay   bool
	nextOffer  time.Time
	quickOffer time.Time // when that would be due if the link did not rest
	unheard    time.Time // of the first offer after the last frame that came
	resting    bool      // both held the same, and ours has not moved since
	agreed     crdt.Hash // the root at which that was so
	equalAt    time.Time // when it last was seen to be so
	// The fields below are of the last comparison that came to its end.

	found      differences
	foundSince time.Time // when it began
	partial    bool      // it found as much as one comparison may; there may be more
	lacks      uint64    // entries that we had and the peer did not, as far as heads tell
	lacksAt    time.Time // when that was so; zero if it was never seen
	lacksSince time.Time // when that was first so without a break; zero while it lacks nothing
}

// compareDue begins the comparisons that are due.
func (s *spread) compareDue(now time.Time) {
	for _, p := range s.links {
		if now.Before(p.due(s.g.pace)) {
			continue
		}
		p.quickOffer = now.Add(backoff.Jittered(s.g.pace.offer))
		p.nextOffer, p.resting = p.quickOffer, false
		p.rounds++
		p.begun, p.underWay = now, true
		if !p.lastHeard().Before(p.unheard) {
			p.unheard = now
		}
		p.round.Store(p.rounds)
		p.out.offer(p.rounds)
	}
}

// due returns when the next comparison is to begin.
func (p *peering) due(pace pace) time.Time {
	if patience := p.begun.Add(pace.compare); p.underWay && patience.After(p.nextOffer) {
		return patience
	}
	return p.nextOffer
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
	if o := l.offered.Load(); equal && o != nil { // A peer may say so before it was asked.
		p.rest(o.digest.Root(), p.begun, backoff.Jittered(s.g.pace.rest)+s.g.pace.rest/2)
	}
	lacks := uint64(0)
	for a, theirs := range found.behind {
		lacks += beyond(s.g.log.Feed(a), theirs)
	}
	p.lacked(lacks, p.begun)
	s.schedule.Comparing(l.id)
	for a, heads := range found.lacking {
		s.schedule.Offered(backfill.Offer{Peer: l.id, Author: a, Heads: heads, Held: s.g.log.Feed(a)}, now)
	}
	s.schedule.Compared(l.id)
	s.plan(now)
}

// asked takes note that a peer offered its root at a moment, when ours was another or the same.
func (s *spread) asked(l *link, theirs crdt.Hash, ours basis, at time.Time) {
	p, root := s.peering(l), ours.digest.Root()
	switch {
	case p == nil:
	case theirs != root:
		p.stir(at, 0)
	case at.After(p.equalAt):
		l.stoodEqual(ours, l.process.Now(), at)
		p.lacked(0, at)
		s.restEqual(p, root, at)
	}
}

// lacked takes note of how many entries the peer lacked at a moment.
func (p *peering) lacked(entries uint64, at time.Time) {
	p.lacks, p.lacksAt = entries, at
	switch {
	case entries == 0:
		p.lacksSince = time.Time{}
	case p.lacksSince.IsZero():
		p.lacksSince = at
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

// hurry compares again at once, if the last comparison began before since, and soon if it did not.
func (p *peering) hurry(since, now time.Time, soon time.Duration) {
	switch {
	case p.begun.Before(since):
		p.nextOffer, p.underWay = now, false
	case !p.underWay:
		p.nextOffer = earlier(p.nextOffer, p.begun.Add(soon))
	}
}

// lacksUnknown is how long after a comparison began what the peer lacked then says nothing any more, in
// times of the pause between two at rest.
const lacksUnknown = 2

// lacking returns how many entries the peer lacked that this node had, when the two last compared; false
// when they have not lately. An author that the peer has shut is not compared, and counts as one entry.
func (p *peering) lacking(pace pace, now time.Time) (entries uint64, known bool) {
	if p.lacksAt.IsZero() || now.Sub(p.lacksAt) > lacksUnknown*pace.rest+pace.compare {
		return 0, false
	}
	return p.lacks + p.roots.withheld(), true
}
