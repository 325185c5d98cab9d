package gossip

import (
	"math/rand/v2"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backoff"
)

// A link on which both ends hold the same rests: offers go out seldom, and from either end in turn, since the one
// that answers learns as much as the one that asks.
//
//	A  offer       ·       offer             ·                    offer   offer
//	   ├──────────▶·├─────────────▶          ·                    │       │
//	   │   rest    │     rest     │   rest   ╎ appends, and what  │ quick │
//	   │           │              │          ╎ it pushed is lost  │       │
//	B  same      offer          same       offer                 vector  same
//
// It rests exactly while the root of this end is the one at which the two last were seen to be equal. Whoever takes
// in an op, by any way, has another root from then on, and offers that on all links until each peer has it too; a
// peer that sees another root than its own asks at once. So a difference is noticed within the pace of quick offers
// of whoever holds more, however long the link has rested and whatever else was lost.

// rest takes note that both ends stood at a root at a moment, and puts off the next offer by a pause if this one
// still stands there.
func (p *peering) rest(root crdt.Hash, at time.Time, pause time.Duration) {
	if at.After(p.equalAt) {
		p.equalAt = at
	}
	if p.transient.Unread() || p.roots.digest().Root() != root {
		return // What the peer has read of them shows in its answer to the next offer.
	}
	p.resting, p.agreed = true, root
	p.nextOffer = at.Add(pause)
}

// stir ends the rest of a link, whose next offer is due when it would have been without it, or after a pause.
func (p *peering) stir(now time.Time, pause time.Duration) {
	if !p.resting {
		return
	}
	p.resting = false
	due := p.quickOffer
	if due.Before(now) {
		due = now.Add(pause)
	}
	p.nextOffer = earlier(p.nextOffer, due)
}

// restEqual takes note that a peer asked with the root that is ours: it is our turn next. One that asks all the time
// does not keep us from asking too, two rests after we last did: only what we ask tells us how its clock stands.
func (s *spread) restEqual(p *peering, root crdt.Hash, at time.Time) {
	if at.Sub(p.begun) < 2*s.g.pace.rest {
		p.rest(root, at, backoff.Jittered(s.g.pace.rest))
	}
}

// stirMoved ends the rest of the links whose peers may not hold what we do.
func (s *spread) stirMoved(now time.Time) {
	for _, p := range s.links {
		switch {
		case !p.resting:
		case p.transient.Unread():
			p.stir(now, 0)
		case p.roots.digest().Root() != p.agreed:
			p.stir(now, rand.N(s.g.pace.offer))
		}
	}
}

// stirAll ends the rest of all links at once.
func (s *spread) stirAll(now time.Time) {
	for _, p := range s.links {
		p.stir(now, 0)
	}
}

// quiet reports whether nothing has come on the link since an offer that its peer has had time to answer.
func (p *peering) quiet(pace pace, now time.Time) bool {
	return p.lastHeard().Before(p.unheard) && now.Sub(p.unheard) > 2*pace.offer
}
