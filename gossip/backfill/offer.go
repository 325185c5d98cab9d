package backfill

import (
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Offer is a peer's claim to have heads of an author's feed that lead to something lacking here.
type Offer struct {
	Peer, Author crdt.Author
	Heads        []crdt.Head // ascending
	Held         crdt.Feed   // what is held of the feed here
}

// offer is a claim that is kept.
type offer struct {
	peer      *peer
	lack      *lack
	heads     []crdt.Head
	beyond    uint64 // entries that were not held when it was made, at most Big+1
	fork      bool   // it does not simply go on where the feed here ends
	round     uint32 // the comparison that showed it
	answered  bool   // its whole was asked for and came to an end; a new comparison tells what is left
	spanless  bool   // the peer could not answer for a span
	proven    bool   // the peer has answered for a span
	brought   uint64 // entries that came from the peer and were new
	broughtAt time.Time
}

// next returns the height that is claimed.
func (o *offer) next() uint64 { return o.heads[len(o.heads)-1].Next }

// bySpan reports whether the peer may be asked for spans.
func (o *offer) bySpan() bool { return len(o.heads) == 1 && !o.fork && !o.spanless && !o.answered }

// Comparing takes note that a comparison with peer begins. Offers until [Schedule.Compared] are what it
// shows. There is one at a time. The first tells that the peer has a link, which [Schedule.Gone] ends.
func (s *Schedule) Comparing(peer crdt.Author) { s.peer(peer).round++ }

// Compared takes note that a comparison with peer is over: what it did not show, the peer does not have
// beyond what is held here.
func (s *Schedule) Compared(peer crdt.Author) {
	p := s.known(peer)
	if p == nil {
		return
	}
	p.more = p.cut
	p.cut = false
	for _, o := range p.offers {
		if o.round != p.round && o.round != p.round+1 {
			s.withdraw(o)
		}
	}
}

// Offered takes in a claim. It returns false when the claim is left out: it is none that can be true,
// the peer claims too much at a time, or it has no link.
func (s *Schedule) Offered(c Offer, now time.Time) bool {
	n := len(c.Heads)
	if n == 0 || c.Heads[n-1].Next > crdt.MaxSeq {
		return false
	}
	p := s.known(c.Peer)
	if p == nil || !p.linked {
		return false
	}
	o := p.offers[c.Author]
	if o == nil {
		if len(p.offers) >= maxOffers {
			p.cut, p.more = true, true
			return false
		}
		l := s.lack(c.Author, now)
		s.see(l, c.Held)
		o = &offer{peer: p, lack: l}
		l.offers = append(l.offers, o)
		p.offers[c.Author] = o
	}
	s.claim(o, c)
	return true
}

// Heard is Offered for what was learned outside a comparison, as when a run that was pushed cannot be
// placed. It stands until the end of the comparison after the next.
func (s *Schedule) Heard(c Offer, now time.Time) bool {
	if !s.Offered(c, now) {
		return false
	}
	p := s.known(c.Peer)
	p.offers[c.Author].round = p.round + 1
	return true
}

// claim puts what c says into o.
func (s *Schedule) claim(o *offer, c Offer) {
	heads := slices.Clone(c.Heads[max(0, len(c.Heads)-MaxOfferHeads):])
	held := c.Held.Next()
	o.peer.entries -= o.beyond
	o.heads = heads
	o.beyond = min(o.next()-min(held, o.next()), Big+1)
	o.fork = len(c.Heads) > 1 || len(c.Held.Branches) > 1 || o.next() <= held
	o.round = o.peer.round
	o.answered = false
	o.peer.entries += o.beyond
}

// withdraw forgets an offer. What the peer is asked for goes on.
func (s *Schedule) withdraw(o *offer) {
	if o.peer.offers[o.lack.author] != o {
		return
	}
	delete(o.peer.offers, o.lack.author)
	o.peer.entries -= o.beyond
	o.lack.offers = slices.DeleteFunc(o.lack.offers, func(other *offer) bool { return other == o })
	if len(o.lack.pending) == 0 {
		s.forget(o.lack, time.Time{})
	}
}

// settled reports whether what is offered is held, as far as a feed tells without its ops. Where it
// cannot tell, the next comparison does.
func (o *offer) settled(f crdt.Feed) bool {
	if !o.fork && len(f.Branches) <= 1 && o.next() <= f.Next() {
		return true
	}
	heads := f.Heads()
	for _, h := range o.heads {
		if !slices.Contains(heads, h) {
			return false
		}
	}
	return true
}

// Forget drops all that is known of an author: this node takes no more of it.
func (s *Schedule) Forget(author crdt.Author, now time.Time) {
	l := s.lacks[author]
	if l == nil {
		return
	}
	for _, o := range slices.Clone(l.offers) {
		s.withdraw(o)
	}
	for _, a := range slices.Clone(l.asks) {
		s.giveUp(a, false, now)
	}
	l.pending = nil
	s.forget(l, now)
}
