package backfill

import (
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Lag is how far this node is behind a peer, as far as the peer's word counts.
type Lag struct {
	Authors int    // of whom something is lacking that the peer has lately brought more of
	Entries uint64 // of those authors, at least one each
	Claimed int    // authors of whom the peer claims to have more and has brought nothing lately
	Since   time.Time
	More    bool // the peer offers more authors than are kept
}

// Lag returns how far this node is behind a peer. Since is when the first of what is lacking, claims
// too, was seen; zero when nothing is.
func (s *Schedule) Lag(peer crdt.Author, now time.Time) Lag {
	var lag Lag
	p := s.known(peer)
	if p == nil {
		return lag
	}
	lag.More = p.more
	for _, o := range p.offers {
		entries := s.believed(o, now)
		if entries > 0 {
			lag.Authors++
			lag.Entries += entries
		} else {
			lag.Claimed++
		}
		if lag.Since.IsZero() || o.lack.since.Before(lag.Since) {
			lag.Since = o.lack.since
		}
	}
	return lag
}

// believed returns the entries that a claim counts for.
func (s *Schedule) believed(o *offer, now time.Time) uint64 {
	if s.withheld[o.lack.author] || s.halted && s.avoids(o, now) != barred {
		return o.lacking()
	}
	if o.brought == 0 || now.Sub(o.broughtAt) >= s.cfg.Avoid || s.avoids(o, now) == barred {
		return 0
	}
	if o.brought >= crdt.MaxSeq/Belief {
		return o.lacking()
	}
	return min(o.lacking(), Belief*o.brought)
}

// lacking returns the entries that are claimed beyond what is held: at least 1.
func (o *offer) lacking() uint64 {
	next := o.next()
	return max(next-min(next, o.lack.next), 1)
}

// Progress is how far this node is behind all peers together.
type Progress struct {
	Authors   int
	Entries   uint64 // of each author, what the peer with the most has
	Claimed   int    // authors of whom there are only claims
	Asks      int    // under way
	Since     time.Time
	PerSecond float64       // entries that came of lacking feeds, lately
	Left      time.Duration // Entries at that rate; 0 when unknown or nothing is left
}

// Progress returns how far this node is behind, and how fast it catches up.
func (s *Schedule) Progress(now time.Time) Progress {
	p := Progress{Asks: s.live, PerSecond: s.shrink.perSecond()}
	for _, l := range s.lacks {
		if len(l.offers) == 0 {
			continue
		}
		var most uint64
		for _, o := range l.offers {
			most = max(most, s.believed(o, now))
		}
		if most > 0 {
			p.Authors++
			p.Entries += most
		} else {
			p.Claimed++
		}
		if p.Since.IsZero() || l.since.Before(p.Since) {
			p.Since = l.since
		}
	}
	if left := float64(p.Entries) / p.PerSecond; p.PerSecond > 0 && left < (100*365*24*time.Hour).Seconds() {
		p.Left = time.Duration(left * float64(time.Second))
	}
	return p
}
