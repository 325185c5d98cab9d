// Package wallclock holds this node's wall clock against those of its peers.
//
// A peer that answers an offer says what time it is there. Between the offer and that frame lies its reading of
// the clock, so half of the trip is the most by which the difference can be wrong:
//
//	asker                        peer
//	│ Offer  sent at 12:00:00.0    │
//	├─────────────────────────────▶│
//	│ Time   13:01:00.1            │
//	│◀─────────────────────────────┤
//	read at 12:00:00.2             the peer is ahead by 61 min, give or take 0.1 s
//
// A [Peer] measures one peer so, over the rounds of the comparison with it; [Vote] says of all whether it is
// this node that is off.
package wallclock

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

const (
	// maxTrip is how long an offer and its answer may take for the time in it to be believed.
	maxTrip = 10 * time.Second
	// fresh is how long what a peer said of its clock counts.
	fresh = time.Minute
	// maxOff bounds a difference, so that it fits a duration whatever a peer says.
	maxOff = 100 * 365 * 24 * time.Hour
)

// Peer is what a link knows of its peer's wall clock. The zero Peer knows nothing. Any goroutine may call its
// methods.
type Peer struct {
	asked atomic.Pointer[asked]
	said  atomic.Pointer[said]
}

// asked is an offer on its way.
type asked struct {
	round uint32
	at    time.Time // monotonic
}

// said is by how much a peer's wall clock was ahead of ours; negative when it was behind.
type said struct {
	off time.Duration
	at  time.Time
}

// Offered takes note that an offer goes out.
func (p *Peer) Offered(round uint32, at time.Time) { p.asked.Store(&asked{round, at}) }

// Take takes in what time a peer says it is; our wall clock says wall at now.
func (p *Peer) Take(m wire.Time, now, wall time.Time) {
	asked := p.asked.Load()
	if asked == nil || asked.round != m.Round || !p.asked.CompareAndSwap(asked, nil) {
		return
	}
	trip := now.Sub(asked.at)
	if trip < 0 || trip > maxTrip {
		return
	}
	off := m.Millis - wall.Add(-trip/2).UnixMilli()
	most := maxOff.Milliseconds()
	p.said.Store(&said{off: time.Duration(min(max(off, -most), most)) * time.Millisecond, at: now})
}

// Off returns by how much the peer's clock is ahead of ours, and whether that is known.
func (p *Peer) Off(now time.Time) (time.Duration, bool) {
	said := p.said.Load()
	if said == nil || now.Sub(said.at) > fresh {
		return 0, false
	}
	return said.off, true
}

// Millis returns a time as a [wire.Time] can say it, in milliseconds since 1970.
func Millis(t time.Time) int64 { return min(max(t.UnixMilli(), 0), wire.MaxMillis-1) }

// Off says how this node's wall clock stands to those of the peers that it is linked to.
type Off struct {
	// Off is by how much theirs are ahead of it, in the middle of those that disagree, negative when they are
	// behind; 0 when most agree.
	Off time.Duration
	// Peers of Known disagree by more than a minute. Nothing can be said when Known is 0.
	Peers, Known int
}

// Vote returns how this node's wall clock stands to those of peers, from what [Peer.Off] says of each whose
// clock is known. Each has one vote.
func Vote(known []time.Duration) Off {
	wrong := slices.DeleteFunc(slices.Clone(known), func(off time.Duration) bool { return off.Abs() <= crdt.MaxAhead })
	told := Off{Peers: len(wrong), Known: len(known)}
	if 2*told.Peers > told.Known {
		slices.Sort(wrong)
		told.Off = wrong[told.Peers/2]
	}
	return told
}
