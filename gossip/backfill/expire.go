package backfill

import (
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Expire lets time pass; it is called every now and then, a few times in each Deliver at least. busy
// reports whether runs of a peer wait to be placed here: then it is not the peer that is slow. It
// returns the peers that delivered nothing, an element for each ask.
func (s *Schedule) Expire(now time.Time, busy func(peer crdt.Author) bool) []Idle {
	took := now.Sub(s.ticked)
	if s.ticked.IsZero() || took < 0 {
		took = 0
	}
	s.shrink.add(float64(s.grown), took, 2*s.cfg.Deliver)
	s.grown = 0
	for _, p := range s.peers {
		p.busy = p.linked && busy(p.id)
		p.measure(s.ticked, took, s.cfg.Deliver)
		if p.busy {
			p.wait(now)
		}
	}
	s.ticked = now
	var idle []Idle
	for _, p := range s.peers {
		idle = append(idle, s.expireAsks(p, now)...)
		s.expireSlow(p, now)
	}
	if now.Sub(s.swept) >= s.cfg.Deliver {
		s.forgive(now)
	}
	return idle
}

// Idle is a peer that did not deliver what it offered.
type Idle struct{ Peer, Author crdt.Author }

// measure takes in how fast the peer was while it had asks.
func (p *peer) measure(last time.Time, took, memory time.Duration) {
	throughout := len(p.asks) > 0 && !p.turn.After(last)
	if took > 0 && (throughout || p.came >= leastRate) {
		p.speed.add(float64(p.came), took, memory)
	}
	p.came = 0
}

// wait holds nothing against the peer up to now.
func (p *peer) wait(now time.Time) {
	p.turn, p.sent = now, 0
	for _, a := range p.asks {
		a.moved = now
	}
}

// expireAsks gives up the asks that the peer does not get on with.
func (s *Schedule) expireAsks(p *peer, now time.Time) []Idle {
	var idle []Idle
	for _, a := range slices.Clone(p.asks) {
		if now.Sub(a.moved) < s.cfg.Deliver {
			continue
		}
		if !a.givenUp {
			s.giveUp(a, true, now)
			if p.offers[a.Author] == a.offer {
				idle = append(idle, Idle{Peer: p.id, Author: a.Author})
				s.avoid(p, a.Author, barred, now)
			}
		}
		s.drop(a, now)
	}
	return idle
}

// expireSlow takes from a peer what others would deliver much faster. The first of its asks is looked
// at, since the others wait for that.
func (s *Schedule) expireSlow(p *peer, now time.Time) {
	i := slices.IndexFunc(p.asks, func(a *ask) bool { return !a.givenUp })
	if i < 0 || p.busy {
		return
	}
	first := p.asks[i]
	l := first.offer.lack
	others, usual := s.others(l, p, now)
	if others == 0 || !s.tooSlow(p, first, usual, now) {
		return
	}
	s.avoid(p, l.author, slow, now)
	for _, a := range slices.Clone(l.asks) {
		if a.offer.peer == p {
			s.giveUp(a, true, now)
		}
	}
	p.turn, p.sent = now, 0
}

// tooSlow compares what a peer has sent since it began with an ask with what others usually send,
// 0 when that is not known.
func (s *Schedule) tooSlow(p *peer, first *ask, usual float64, now time.Time) bool {
	took := now.Sub(p.turn)
	if usual == 0 {
		return took >= 4*s.cfg.Deliver && float64(p.sent) < leastRate*took.Seconds()
	}
	grace := s.cfg.Deliver / 8 // for the way there and back
	if first.Span == nil {
		grace = s.cfg.Deliver / 2
	}
	return took > grace && slower*float64(p.sent+unseen) < usual*(took-grace).Seconds()
}

// others returns how many peers but p could be asked for the same, and how fast they are on average.
func (s *Schedule) others(l *lack, p *peer, now time.Time) (n int, usual float64) {
	known := 0
	for _, o := range l.offers {
		if o.peer == p || o.answered || s.avoids(o, now) != welcome {
			continue
		}
		n++
		if v := o.peer.speed.perSecond(); v > 0 {
			known++
			usual += v
		}
	}
	if known > 0 {
		usual /= float64(known)
	}
	return n, usual
}
