package gossip

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// A peer that answers an offer says what time it is there. Between the offer and that frame lies its reading of
// the clock, so half of the trip is the most by which the difference can be wrong:
//
//	asker                        peer
//	│ Offer  sent at 12:00:00.0    │
//	├─────────────────────────────▶│
//	│ Time   13:01:00.1            │
//	│◀─────────────────────────────┤
//	read at 12:00:00.2             the peer is ahead by 61 min, give or take 0.1 s

const (
	// maxClockTrip is how long an offer and its answer may take for the time in it to be believed.
	maxClockTrip = 10 * time.Second
	// clockFresh is how long what a peer said of its clock counts.
	clockFresh = time.Minute
	// maxClockOff bounds a difference, so that it fits a duration whatever a peer says.
	maxClockOff = 100 * 365 * 24 * time.Hour
)

// wallClock is what a link knows of its peer's wall clock.
type wallClock struct {
	asked atomic.Pointer[clockAsked]
	said  atomic.Pointer[clockSaid]
}

// clockAsked is an offer on its way.
type clockAsked struct {
	round uint32
	at    time.Time // monotonic
}

// clockSaid is by how much a peer's wall clock was ahead of ours; negative when it was behind.
type clockSaid struct {
	off time.Duration
	at  time.Time
}

// offered takes note that an offer goes out.
func (w *wallClock) offered(round uint32, at time.Time) { w.asked.Store(&clockAsked{round, at}) }

// take takes in what time a peer says it is; our wall clock says wall at now.
func (w *wallClock) take(m wire.Time, now, wall time.Time) {
	asked := w.asked.Load()
	if asked == nil || asked.round != m.Round || !w.asked.CompareAndSwap(asked, nil) {
		return
	}
	trip := now.Sub(asked.at)
	if trip < 0 || trip > maxClockTrip {
		return
	}
	off := m.Millis - wall.Add(-trip/2).UnixMilli()
	most := maxClockOff.Milliseconds()
	w.said.Store(&clockSaid{off: time.Duration(min(max(off, -most), most)) * time.Millisecond, at: now})
}

// wallMillis returns what our wall clock says, in milliseconds since 1970, within what a Time can say.
func (g *Gossip) wallMillis() int64 { return min(max(g.cfg.Now().UnixMilli(), 0), wire.MaxMillis-1) }

// off returns by how much the peer's clock is ahead of ours, and whether that is known.
func (w *wallClock) off(now time.Time) (time.Duration, bool) {
	said := w.said.Load()
	if said == nil || now.Sub(said.at) > clockFresh {
		return 0, false
	}
	return said.off, true
}

// ClockOff says how this node's wall clock stands to those of the peers that it is linked to.
type ClockOff struct {
	// Off is by how much theirs are ahead of it, in the middle of those that disagree, negative when they are
	// behind; 0 when most agree.
	Off time.Duration
	// Peers of Known disagree by more than a minute. Nothing can be said when Known is 0.
	Peers, Known int
}

// ClockOff returns how this node's wall clock stands to those of the linked peers.
func (g *Gossip) ClockOff() (off ClockOff) {
	if g.loop.running() {
		g.loop.ask(func(s *state) { off = s.clockOff(time.Now()) })
	}
	return off
}

// clockOff is [Gossip.ClockOff]: each peer has one vote.
func (s *state) clockOff(now time.Time) ClockOff {
	var told ClockOff
	var wrong []time.Duration
	for a := range s.peers {
		off, known := s.linkTo(a).clock.off(now)
		if !known || a == s.g.self {
			continue
		}
		told.Known++
		if off > crdt.MaxAhead || off < -crdt.MaxAhead {
			wrong = append(wrong, off)
		}
	}
	if told.Peers = len(wrong); 2*told.Peers > told.Known {
		slices.Sort(wrong)
		told.Off = wrong[told.Peers/2]
	}
	return told
}
