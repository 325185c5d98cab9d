package backfill

import (
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// peer is who may be asked.
type peer struct {
	id      crdt.Author
	linked  bool
	offers  map[crdt.Author]*offer
	entries uint64 // beyond what is held, of all offers
	round   uint32
	cut     bool   // the comparison under way showed more than is kept
	more    bool   // there is more than is kept
	asks    []*ask // in the order in which they were sent, those given up too
	avoided map[crdt.Author]avoidance
	barred  time.Time // for all authors until
	busy    bool      // runs of it wait to be placed
	speed   rate      // in bytes
	came    int64     // bytes since the last tick
	turn    time.Time // since when its first ask has been the first
	sent    int64     // bytes since turn
}

// avoidance is why and how long a peer is not asked for an author.
type avoidance struct {
	until  time.Time
	regard regard
}

// regard is what is thought of a peer, as to one author.
type regard uint8

const (
	welcome regard = iota
	slow           // asked when nobody else can be
	barred         // not asked
)

// peer returns the record of a peer that has a link.
func (s *Schedule) peer(id crdt.Author) *peer {
	p := s.known(id)
	if p == nil {
		p = &peer{id: id, avoided: make(map[crdt.Author]avoidance)}
		s.peers = append(s.peers, p)
	}
	if !p.linked {
		p.linked, p.offers = true, make(map[crdt.Author]*offer)
	}
	return p
}

// known returns the record of a peer, nil if there is none.
func (s *Schedule) known(id crdt.Author) *peer {
	i := slices.IndexFunc(s.peers, func(p *peer) bool { return p.id == id })
	if i < 0 {
		return nil
	}
	return s.peers[i]
}

// Gone takes note that the link to peer has ended. What it was asked for is free for others, from the
// op reached.
func (s *Schedule) Gone(peer crdt.Author, now time.Time) {
	p := s.known(peer)
	if p == nil || !p.linked {
		return
	}
	for _, a := range slices.Clone(p.asks) {
		s.giveUp(a, true, now)
		s.drop(a, now)
	}
	for _, o := range p.offers {
		s.withdraw(o)
	}
	p.linked, p.offers, p.entries, p.more, p.cut, p.busy = false, nil, 0, false, false, false
	p.speed, p.came = rate{}, 0
	s.forgive(now)
}

// forgive forgets peers without a link that are not avoided any more, and the oldest of too many.
func (s *Schedule) forgive(now time.Time) {
	s.swept = now
	gone := 0
	for _, p := range s.peers {
		p.expire(now)
		if !p.linked {
			gone++
		}
	}
	s.peers = slices.DeleteFunc(s.peers, func(p *peer) bool {
		if p.linked || len(p.avoided) > 0 && gone <= maxGone {
			return false
		}
		gone--
		return true
	})
}

// expire forgets avoidances that are over.
func (p *peer) expire(now time.Time) {
	maps.DeleteFunc(p.avoided, func(_ crdt.Author, a avoidance) bool { return !now.Before(a.until) })
}

// Refused takes note that what peer sent of author breaks the laws or cannot be taken. Whatever else
// it sent of that author counts for nothing.
func (s *Schedule) Refused(peer, author crdt.Author, now time.Time) {
	if p := s.known(peer); p != nil {
		s.bar(p, author, now)
	}
}

// bar does not ask p for author for a while.
func (s *Schedule) bar(p *peer, author crdt.Author, now time.Time) {
	s.avoid(p, author, barred, now)
	l := s.lacks[author]
	if l == nil {
		return
	}
	for _, a := range slices.Clone(l.asks) {
		if a.offer.peer == p {
			s.giveUp(a, false, now)
		}
	}
	l.pending = slices.DeleteFunc(l.pending, func(st stretch) bool { return st.peer == p })
	s.account(l)
}

// avoid holds something against p.
func (s *Schedule) avoid(p *peer, author crdt.Author, r regard, now time.Time) {
	until := now.Add(s.cfg.Avoid*3/4 + time.Duration(s.cfg.Rand.Int64N(int64(s.cfg.Avoid/2)+1)))
	if _, known := p.avoided[author]; !known && len(p.avoided) >= maxAvoided {
		p.expire(now)
		if len(p.avoided) >= maxAvoided {
			p.barred = until
			return
		}
	}
	if old := p.avoided[author]; old.regard < r || !now.Before(old.until) {
		p.avoided[author] = avoidance{until: until, regard: r}
	}
}

// avoids returns what is thought of the peer of an offer.
func (s *Schedule) avoids(o *offer, now time.Time) regard {
	if now.Before(o.peer.barred) {
		return barred
	}
	if a := o.peer.avoided[o.lack.author]; now.Before(a.until) {
		return a.regard
	}
	return welcome
}
