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
	// longest bounds the pause after which a peer that brought nothing is asked again, in times of the first one, and an
	// answer that is never at its end, in times of what the next of it may take.
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
	holes          []*hole
	known          map[name]*hole // the same
	shrunk         []*hole        // of which something came back since the log has said which there are
	from           int            // the hole that the next plan begins with, so that each has its turn
	asks           map[uint32]*ask
	lastID         uint32
}

// name is what tells a hole from all others: what the op behind it names.
type name struct {
	author crdt.Author
	head   crdt.Head
}

func nameOf(s crdt.Span) name { return name{s.Author, s.Head} }

// hole is one that is known.
type hole struct {
	crdt.Span
	barred map[crdt.Author]*backoff.Pause // the peers that brought nothing of it
	// Of peer by it is known of how many entries of its end nothing came, and of how many more came than an answer may
	// have; 0 of none.
	by         crdt.Author
	none, much uint64
	// likely is how many entries to ask for where that is not known: what came together of the hole that this was the
	// beginning of; 0 for all.
	likely uint64
}

// ask is one that is being answered.
type ask struct {
	Ask
	sent     time.Time
	moved    time.Time // when it was sent, or something of it came
	bytes    int
	repaired int
	refused  bool // of what came something could not be taken
}

// New returns a schedule of which a peer may take deliver to send the next of what it was asked for, and is not asked for
// avoid after it brought nothing.
func New(deliver, avoid time.Duration) *Schedule {
	return &Schedule{deliver: deliver, avoid: avoid, asks: make(map[uint32]*ask)}
}

// Holes says which holes there are. One that has lost its end has another name: of what is left of it as much is asked for
// as came of it.
func (s *Schedule) Holes(spans []crdt.Span) {
	was, shrunk := s.known, []*hole(nil)
	s.holes, s.known = make([]*hole, len(spans)), make(map[name]*hole, len(spans))
	for i, span := range spans {
		h := was[nameOf(span)]
		if h == nil {
			h = &hole{barred: make(map[crdt.Author]*backoff.Pause), likely: s.likely(span)}
		}
		if h.Span = span; h.likely > 0 {
			shrunk = append(shrunk, h)
		}
		s.holes[i], s.known[nameOf(span)] = h, h
	}
	s.shrunk = shrunk
}

// likely returns how much to ask for of a hole that is what is left of one of which something came back.
func (s *Schedule) likely(span crdt.Span) uint64 {
	for _, h := range s.shrunk {
		if h.Author == span.Author && h.From <= span.From && span.Upto <= h.Upto {
			return h.likely
		}
	}
	return 0
}

// Again forgets which peers brought nothing: somebody wants all of them to be asked now.
func (s *Schedule) Again() {
	for _, h := range s.holes {
		clear(h.barred)
	}
}

// Plan returns what to ask of which of the peers at a moment.
func (s *Schedule) Plan(peers []crdt.Author, now time.Time) (asks []Ask) {
	begin := s.from
	for i := range s.holes {
		if len(s.asks) >= maxAsks {
			break
		}
		at := (begin + i) % len(s.holes)
		h := s.holes[at]
		if s.asked(h) {
			continue
		}
		open := func(p crdt.Author) bool { return s.open(p) < maxPerPeer && !h.isBarred(p, now) }
		if slices.Contains(peers, h.by) && open(h.by) { // which is known to bring something
			asks = append(asks, s.ask(h, h.by, now))
		} else if i := slices.IndexFunc(peers, open); i >= 0 {
			asks = append(asks, s.ask(h, peers[i], now))
			s.from = at + 1
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

func (h *hole) isBarred(peer crdt.Author, now time.Time) bool {
	p := h.barred[peer]
	return p != nil && !p.Over(now)
}

func (s *Schedule) ask(h *hole, peer crdt.Author, now time.Time) Ask {
	s.lastID = s.lastID%(1<<30-1) + 1
	if h.by != peer {
		h.by, h.none, h.much = peer, 0, 0
	}
	span, reach := h.Span, h.likely
	if h.much > 0 {
		reach = h.none + (h.much-h.none)/2
	}
	if reach > 0 && reach < span.Upto-span.From {
		span.From = span.Upto - reach
	}
	a := &ask{Ask: Ask{ID: s.lastID, Peer: peer, Span: span, MaxBytes: maxBytes}, sent: now, moved: now}
	s.asks[a.ID] = a
	return a.Ask
}

// Arrived takes in that a run of so many bytes came for an ask, and how many ops of it were put back.
func (s *Schedule) Arrived(peer crdt.Author, id uint32, bytes, repaired int, now time.Time) {
	a := s.asks[id]
	if a == nil || a.Peer != peer {
		return
	}
	a.moved, a.bytes, a.repaired = now, a.bytes+bytes, a.repaired+repaired
	if h := s.known[nameOf(a.Span)]; h != nil && a.repaired > 0 && a.Span.From > h.From {
		if h.likely = a.Span.Upto - a.Span.From; a.bytes < maxBytes/2 {
			h.likely *= 2 // twice as much has room, too
		}
		s.shrunk = append(s.shrunk, h)
	}
}

// Done takes in that a peer's answer is over, and reports whether it put anything back: then the holes are others.
func (s *Schedule) Done(peer crdt.Author, id uint32, now time.Time) (repaired bool) {
	a := s.asks[id]
	if a == nil || a.Peer != peer {
		return false
	}
	delete(s.asks, id)
	h := s.known[nameOf(a.Span)]
	if a.repaired > 0 {
		if h != nil { // what is left of it, the log says
			delete(s.known, nameOf(a.Span))
			s.holes = slices.DeleteFunc(s.holes, func(o *hole) bool { return o == h })
		}
		return true
	}
	if h == nil {
		return false
	}
	h.likely = 0 // it was not
	switch reach := a.Span.Upto - a.Span.From; {
	case a.bytes >= maxBytes/2 || a.refused:
		h.much = reach // the end of it may be what is wanted
	case a.bytes == 0 && a.Span.From > h.From:
		h.none = reach
	default:
		h.refused(peer, s.avoid, now)
		return false
	}
	if h.much > 0 && h.much <= h.none+1 { // there is nothing between
		h.refused(peer, s.avoid, now)
	}
	return false
}

// Refused takes in that of what came for an ask something could not be taken, such as ops whose bodies the peer has
// dropped. Done is still to come.
func (s *Schedule) Refused(peer crdt.Author, id uint32) {
	if a := s.asks[id]; a != nil && a.Peer == peer {
		a.refused = true
	}
}

// refused has a peer not be asked for the hole for a pause that doubles.
func (h *hole) refused(peer crdt.Author, avoid time.Duration, now time.Time) {
	if h.barred[peer] == nil {
		h.barred[peer] = new(backoff.Pause)
	}
	h.barred[peer].Fail(now, avoid, longest*avoid)
	h.by, h.none, h.much = crdt.Author{}, 0, 0
}

// Gone takes note that a peer is not linked any more.
func (s *Schedule) Gone(peer crdt.Author) {
	for id, a := range s.asks {
		if a.Peer == peer {
			delete(s.asks, id)
		}
	}
	for _, h := range s.holes {
		delete(h.barred, peer)
	}
}

// Expire gives up the asks that peers do not get on with. waits reports whether runs of a peer wait to be applied.
func (s *Schedule) Expire(now time.Time, waits func(peer crdt.Author) bool) {
	for id, a := range s.asks {
		late := now.Sub(a.sent) >= longest*s.deliver // whatever it sends
		if !late && waits(a.Peer) {
			a.moved = now
		}
		if !late && now.Sub(a.moved) < s.deliver {
			continue
		}
		delete(s.asks, id)
		if h := s.known[nameOf(a.Span)]; h != nil && a.repaired == 0 {
			h.refused(a.Peer, s.avoid, now)
		}
	}
}

// Busy reports whether anybody is asked.
func (s *Schedule) Busy() bool { return len(s.asks) > 0 }

// Tried reports whether each of the holes was asked for of each of peers, of whom there is one, and nothing of it came.
func (s *Schedule) Tried(peers []crdt.Author) bool {
	return len(peers) > 0 && !slices.ContainsFunc(s.holes, func(h *hole) bool {
		return slices.ContainsFunc(peers, func(p crdt.Author) bool { return h.barred[p] == nil })
	})
}
