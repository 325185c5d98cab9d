package mending

import (
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backoff"
)

const (
	// maxAsks bounds the asks at a time, and maxPerPeer those of one peer.
	maxAsks    = 16
	maxPerPeer = 2
	// maxBytes is what an answer may have, in bytes: more than the largest op.
	maxBytes = 2 << 20
	// longest bounds the pause after which a peer that brought nothing is asked again, in times of the first one.
	longest = 30
)

// Ask asks a peer for the end of a hole, or for all of it.
type Ask struct {
	ID       uint32 // 1 to 1<<30 - 1
	Peer     crdt.Author
	Span     crdt.Span
	MaxBytes uint32
}

// Schedule decides whom to ask for which hole: see [New].
type Schedule struct {
	deliver, avoid time.Duration
	holes          []hole
	asks           map[uint32]*ask
	barred         map[bar]*backoff.Pause
	lastID         uint32
}

// hole is one that is known, and how many entries of its end the next ask is for; 0 for all.
type hole struct {
	crdt.Span
	reach uint64
}

// ask is one that is being answered.
type ask struct {
	Ask
	moved    time.Time // when it was sent, or something of it came
	bytes    int
	repaired int
}

// bar is a peer that brought nothing of an author.
type bar struct{ peer, author crdt.Author }

// New returns a schedule of which a peer may take deliver to send the next of what it was asked for, and is not asked for
// avoid after it brought nothing.
func New(deliver, avoid time.Duration) *Schedule {
	return &Schedule{deliver: deliver, avoid: avoid, asks: make(map[uint32]*ask), barred: make(map[bar]*backoff.Pause)}
}

// Holes says which holes there are.
func (s *Schedule) Holes(spans []crdt.Span) {
	was := s.holes
	s.holes = make([]hole, len(spans))
	for i, span := range spans {
		s.holes[i].Span = span
		if j := slices.IndexFunc(was, func(h hole) bool { return h.Author == span.Author && h.Head == span.Head }); j >= 0 {
			s.holes[i].reach = was[j].reach
		}
	}
	if len(spans) == 0 {
		clear(s.barred)
	}
}

// Plan returns what to ask of which of the peers at a moment.
func (s *Schedule) Plan(peers []crdt.Author, now time.Time) (asks []Ask) {
	for i := range s.holes {
		h := &s.holes[i]
		if len(s.asks) >= maxAsks {
			break
		}
		if s.asked(h) {
			continue
		}
		for _, p := range peers {
			if s.open(p) < maxPerPeer && !s.isBarred(p, h.Author, now) {
				asks = append(asks, s.ask(h, p, now))
				break
			}
		}
	}
	return asks
}

// asked reports whether somebody is asked for a hole, or for one that overlaps.
func (s *Schedule) asked(h *hole) bool {
	for _, a := range s.asks {
		if a.Span.Author == h.Author && a.Span.From < h.Upto && h.From < a.Span.Upto {
			return true
		}
	}
	return false
}

// open returns how many asks a peer has.
func (s *Schedule) open(peer crdt.Author) (n int) {
	for _, a := range s.asks {
		if a.Peer == peer {
			n++
		}
	}
	return n
}

func (s *Schedule) isBarred(peer, author crdt.Author, now time.Time) bool {
	p := s.barred[bar{peer, author}]
	return p != nil && !p.Over(now)
}

func (s *Schedule) ask(h *hole, peer crdt.Author, now time.Time) Ask {
	s.lastID = s.lastID%(1<<30-1) + 1
	span := h.Span
	if h.reach > 0 && h.reach < span.Upto-span.From {
		span.From = span.Upto - h.reach
	}
	a := &ask{Ask: Ask{ID: s.lastID, Peer: peer, Span: span, MaxBytes: maxBytes}, moved: now}
	s.asks[a.ID] = a
	return a.Ask
}

// Arrived takes in that a run of so many bytes came for an ask, and how many ops of it were put back.
func (s *Schedule) Arrived(peer crdt.Author, id uint32, bytes, repaired int, now time.Time) {
	if a := s.asks[id]; a != nil && a.Peer == peer {
		a.moved, a.bytes, a.repaired = now, a.bytes+bytes, a.repaired+repaired
	}
}

// Done takes in that a peer's answer is over, and reports whether it put anything back: then the holes are others.
func (s *Schedule) Done(peer crdt.Author, id uint32, now time.Time) (repaired bool) {
	a := s.asks[id]
	if a == nil || a.Peer != peer {
		return false
	}
	delete(s.asks, id)
	i := slices.IndexFunc(s.holes, func(h hole) bool { return h.Author == a.Span.Author && h.Head == a.Span.Head })
	if a.repaired > 0 {
		delete(s.barred, bar{peer, a.Span.Author})
		if i >= 0 {
			s.holes = slices.Delete(s.holes, i, i+1) // what is left of it, the log says
		}
		return true
	}
	if i < 0 {
		return false
	}
	h, reach := &s.holes[i], a.Span.Upto-a.Span.From
	switch {
	case a.bytes >= maxBytes/2 && reach > 1:
		h.reach = reach / 2
	case a.bytes == 0 && a.Span.From > h.From:
		h.reach = 2 * reach
	default:
		s.Refused(peer, a.Span.Author, now)
	}
	return false
}

// Refused takes note that a peer does not have what is asked of an author, or sent what is none of it.
func (s *Schedule) Refused(peer, author crdt.Author, now time.Time) {
	at := bar{peer, author}
	if s.barred[at] == nil {
		s.barred[at] = new(backoff.Pause)
	}
	s.barred[at].Fail(now, s.avoid, longest*s.avoid)
}

// Gone takes note that a peer is not linked any more.
func (s *Schedule) Gone(peer crdt.Author) {
	for id, a := range s.asks {
		if a.Peer == peer {
			delete(s.asks, id)
		}
	}
	for at := range s.barred {
		if at.peer == peer {
			delete(s.barred, at)
		}
	}
}

// Expire gives up the asks that peers do not get on with. waits reports whether runs of a peer wait to be applied.
func (s *Schedule) Expire(now time.Time, waits func(peer crdt.Author) bool) {
	for id, a := range s.asks {
		switch {
		case waits(a.Peer):
			a.moved = now
		case now.Sub(a.moved) >= s.deliver:
			delete(s.asks, id)
			s.Refused(a.Peer, a.Span.Author, now)
		}
	}
}

// Busy reports whether anybody is asked.
func (s *Schedule) Busy() bool { return len(s.asks) > 0 }

// Settled reports whether no hole is left that one of peers is asked for or could be.
func (s *Schedule) Settled(peers []crdt.Author, now time.Time) bool {
	return len(s.asks) == 0 && !slices.ContainsFunc(s.holes, func(h hole) bool {
		return slices.ContainsFunc(peers, func(p crdt.Author) bool { return !s.isBarred(p, h.Author, now) })
	})
}
