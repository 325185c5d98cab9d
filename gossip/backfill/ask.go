package backfill

import (
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Ask is what to ask a peer for: the whole of a feed beyond what is held, by a locator that the caller
// makes, or a span of it.
type Ask struct {
	ID           uint32 // 1 to 1<<31 - 1
	Peer, Author crdt.Author
	Heads        []crdt.Head // of a whole: what it is to lead to, the highest only. Not to be written to
	Span         *crdt.Span  // nil for a whole
	MaxBytes     uint32      // of a span: the answer stops after so many
}

// ask is an ask that is being answered.
type ask struct {
	Ask
	offer   *offer
	moved   time.Time // when it was sent, or the peer got on with it or with one before it
	reached uint64    // the seq after the last op that came
	bytes   int64
	got     bool // of a whole: something was new
	givenUp bool // others are asked; it only stays until the peer has ended its answer
}

// ask sends a.
func (s *Schedule) ask(a Ask, o *offer, now time.Time) Ask {
	a.ID = s.freeID()
	live := &ask{Ask: a, offer: o, moved: now}
	if a.Span != nil {
		live.reached = a.Span.From
	}
	s.asks[a.ID] = live
	s.live++
	o.lack.asks = append(o.lack.asks, live)
	p := o.peer
	if len(p.asks) == 0 {
		p.turn, p.sent = now, 0
	}
	p.asks = append(p.asks, live)
	s.account(o.lack)
	return a
}

func (s *Schedule) freeID() uint32 {
	for {
		s.lastID = (s.lastID + 1) % (1 << 31)
		if s.lastID != 0 && s.asks[s.lastID] == nil {
			return s.lastID
		}
	}
}

// Arrival is a run that came as part of an answer.
type Arrival struct {
	Peer        crdt.Author
	Ask         uint32
	Author      crdt.Author
	First, Next uint64 // the first seq of its first op, the next seq of its last
	Bytes       int
}

// Arrived takes in that a run came, before it is placed. It returns false when the run is no part of
// what the peer was asked for.
func (s *Schedule) Arrived(r Arrival, now time.Time) bool {
	a := s.asks[r.Ask]
	if a == nil || a.Peer != r.Peer || a.Author != r.Author || r.First >= r.Next {
		return false
	}
	p := a.offer.peer
	p.came += int64(r.Bytes)
	p.sent += int64(r.Bytes)
	if a.Span != nil && !a.follows(r) {
		return false
	}
	a.bytes += int64(r.Bytes)
	if r.Next > a.reached {
		a.reached = r.Next
		p.progress(a, now)
	}
	if !a.givenUp {
		a.offer.lack.density.add(r.Bytes, r.Next-r.First)
		s.account(a.offer.lack)
	}
	return true
}

// follows reports whether a run is the next of a span. The first may begin where an op before the span
// ends, or anywhere in a feed of which nothing is held, since that may begin at a floor.
func (a *ask) follows(r Arrival) bool {
	if r.First < a.reached || r.First >= a.Span.Upto {
		return false
	}
	if a.reached > a.Span.From {
		return r.First == a.reached
	}
	return r.First-a.reached < crdt.MaxOpEntries || a.offer.lack.branches == 0
}

// progress takes note that the peer got on with a. Answers come in the order of the asks, so those
// after it only wait for it.
func (p *peer) progress(a *ask, now time.Time) {
	for _, after := range p.asks[slices.Index(p.asks, a):] {
		after.moved = now
	}
}

// Growth is a feed here that has become longer or has a new branch.
type Growth struct {
	Author  crdt.Author
	Feed    crdt.Feed
	Peer    crdt.Author // who sent it, if a peer did
	Ask     uint32      // the ask that it was an answer to, 0 if none
	Entries int         // how many were new
}

// Grew takes in that a feed here has grown, by whatever came.
func (s *Schedule) Grew(g Growth, now time.Time) {
	l := s.lacks[g.Author]
	if l == nil {
		return
	}
	base := l.next
	if a := s.asks[g.Ask]; a != nil && a.Peer == g.Peer && a.Author == g.Author && g.Entries > 0 {
		if a.Span == nil {
			a.got = true
			a.offer.bring(uint64(g.Entries), now)
		}
		a.offer.peer.progress(a, now)
	}
	s.bring(l, base, g.Feed.Next(), now)
	s.grown += uint64(max(g.Entries, 0))
	l.grew = now
	if g.Ask == 0 {
		l.stood = now
	}
	s.see(l, g.Feed)
	for _, o := range slices.Clone(l.offers) {
		if o.settled(g.Feed) {
			s.withdraw(o)
		}
	}
}

// bring credits the peers whose spans the feed has grown over.
func (s *Schedule) bring(l *lack, base, next uint64, now time.Time) {
	credit := func(p *peer, from, reached uint64) {
		from, reached = max(from, base), min(reached, next)
		if o := p.offers[l.author]; o != nil && reached > from {
			o.bring(reached-from, now)
		}
	}
	for _, a := range l.asks {
		if a.Span != nil {
			credit(a.offer.peer, a.Span.From, a.reached)
		}
	}
	for _, p := range l.pending {
		if p.peer != nil {
			credit(p.peer, p.from, p.next)
		}
	}
}

func (o *offer) bring(entries uint64, now time.Time) {
	o.brought += entries
	o.broughtAt = now
}

// Done takes in that a peer's answer is over, after all its runs have been placed or kept. complete
// says that the peer has sent all that it has of what was asked for. It returns false when the peer
// delivered nothing of what it offered and others are asked.
func (s *Schedule) Done(peer crdt.Author, id uint32, complete bool, now time.Time) bool {
	a := s.asks[id]
	if a == nil || a.Peer != peer {
		return true
	}
	a.offer.peer.progress(a, now)
	givenUp := a.givenUp
	s.giveUp(a, a.Span != nil, now)
	s.drop(a, now)
	switch {
	case givenUp:
		return true
	case a.Span != nil:
		s.spanDone(a, complete, now)
		return true
	default:
		return s.wholeDone(a, now)
	}
}

// spanDone draws the conclusions from the answer to a span. One op may reach across a small span, so
// that nothing begins in it; else a peer that stops before it must does not have the rest, or not as
// a single chain.
func (s *Schedule) spanDone(a *ask, complete bool, now time.Time) {
	o, l := a.offer, a.offer.lack
	across := complete && a.Span.From != l.next && a.Span.Upto-a.Span.From < crdt.MaxOpEntries
	switch {
	case a.reached == a.Span.From && across && s.lacks[l.author] == l:
		l.pending = append(l.pending, stretch{from: a.Span.From, next: a.Span.Upto, peer: o.peer, at: now})
		s.account(l)
	case a.reached < a.Span.Upto && a.bytes < int64(a.MaxBytes/2):
		o.spanless = true
	default:
		o.proven = true
	}
}

// wholeDone draws the conclusions from the answer to a whole. If there is more, the next comparison
// shows it.
func (s *Schedule) wholeDone(a *ask, now time.Time) bool {
	a.offer.answered = true
	if a.got || a.offer.peer.offers[a.Author] != a.offer {
		return true
	}
	s.bar(a.offer.peer, a.Author, now)
	return false
}

// Needless takes back an ask that was not sent, because nothing is lacking after all.
func (s *Schedule) Needless(id uint32, now time.Time) {
	if a := s.asks[id]; a != nil {
		s.giveUp(a, false, now)
		s.drop(a, now)
		s.withdraw(a.offer)
	}
}

// Unlinked takes note that a span of author does not hang together with what is held, or the feed has
// forked: it is asked for whole from now on, until nothing is lacking.
func (s *Schedule) Unlinked(author crdt.Author, now time.Time) {
	if l := s.lacks[author]; l != nil {
		l.whole = true
		s.Lost(author, now)
	}
}

// Lost takes note that what was delivered of author and not placed yet was thrown away.
func (s *Schedule) Lost(author crdt.Author, now time.Time) {
	l := s.lacks[author]
	if l == nil {
		return
	}
	for _, a := range slices.Clone(l.asks) {
		if a.Span != nil {
			s.giveUp(a, false, now)
		}
	}
	l.pending = nil
	s.account(l)
}

// giveUp frees what is left of an ask for others; what came of it is to be placed yet, or counts for
// nothing. The peer may still be answering, so the ask keeps its place among those of the peer.
func (s *Schedule) giveUp(a *ask, keep bool, now time.Time) {
	if a.givenUp {
		return
	}
	a.givenUp = true
	s.live--
	l := a.offer.lack
	l.asks = slices.DeleteFunc(l.asks, func(other *ask) bool { return other == a })
	if keep {
		l.keep(a, now)
	}
	s.account(l)
}

// drop forgets an ask that was given up.
func (s *Schedule) drop(a *ask, now time.Time) {
	p := a.offer.peer
	if len(p.asks) > 0 && p.asks[0] == a {
		p.turn, p.sent = now, 0
	}
	p.asks = slices.DeleteFunc(p.asks, func(other *ask) bool { return other == a })
	delete(s.asks, a.ID)
	s.forget(a.offer.lack, now)
}
