package backfill

import (
	"cmp"
	"time"
)

// candidates returns the offers of an author that pass ok, whose peers may be asked for more. Slow
// peers are among them only when nobody else offers it.
func (s *Schedule) candidates(l *lack, now time.Time, ok func(*offer) bool) []*offer {
	best := barred
	var found []*offer
	for _, o := range l.offers {
		r := s.avoids(o, now)
		if o.answered || r == barred || r > best || !ok(o) {
			continue
		}
		if r < best {
			best, found = r, found[:0]
		}
		found = append(found, o)
	}
	var free []*offer
	for _, o := range found {
		if s.free(o.peer) {
			free = append(free, o)
		}
	}
	return free
}

// chooseWhole returns whom to ask for the whole of a feed, nil if nobody can be asked: somebody who
// brought something before rather than one who failed, then whoever has the fewest asks.
func (s *Schedule) chooseWhole(l *lack, now time.Time) *offer {
	free := s.candidates(l, now, func(*offer) bool { return true })
	return s.least(free, func(o *offer) float64 {
		score := float64(len(o.peer.asks))
		if len(o.peer.avoided) > 0 {
			score += float64(2 * s.cfg.PerPeer)
		}
		if o.brought > 0 {
			score -= float64(2 * s.cfg.PerPeer)
		}
		return score
	})
}

// chooseSpan returns whom to ask for the span that begins at from, nil if nobody can be asked: whoever
// is likely to have delivered it first. What all else waits for is asked of a proven peer, if there is
// one.
func (s *Schedule) chooseSpan(l *lack, from uint64, now time.Time) *offer {
	proven := false
	free := s.candidates(l, now, func(o *offer) bool {
		fits := o.bySpan() && o.next() > from
		proven = proven || fits && o.proven
		return fits
	})
	known, sum := 0, 0.0
	for _, o := range free {
		if v := o.peer.speed.perSecond(); v > 0 {
			known, sum = known+1, sum+v
		}
	}
	usual := 1.0
	if known > 0 {
		usual = sum / float64(known)
	}
	var fit []*offer
	for _, o := range free {
		n := l.spansOf(o.peer)
		if n == 0 && (o.proven || !proven || from > l.next) || o.proven && n < s.depth(o.peer) {
			fit = append(fit, o)
		}
	}
	return s.least(fit, func(o *offer) float64 {
		speed := cmp.Or(o.peer.speed.perSecond(), usual)
		return float64(o.peer.owes()+int64(s.cfg.SpanBytes)) / speed
	})
}

// depth returns how many spans of one author a proven peer is asked for at a time: as many as it sends
// in a second and one more, so that a slow one does not sit on what others could send.
func (s *Schedule) depth(p *peer) int {
	v := p.speed.perSecond()
	if v <= 0 {
		return 2
	}
	return int(min(v/float64(s.cfg.SpanBytes)+2, pipeline))
}

// least returns the offer with the least score, any of several.
func (s *Schedule) least(offers []*offer, score func(*offer) float64) *offer {
	var best *offer
	least, same := 0.0, 0
	for _, o := range offers {
		v := score(o)
		switch {
		case best == nil || v < least:
			best, least, same = o, v, 1
		case v == least:
			if same++; s.cfg.Rand.IntN(same) == 0 {
				best = o
			}
		}
	}
	return best
}

// spansOf returns how many asks for spans of the author p has, those given up too.
func (l *lack) spansOf(p *peer) int {
	n := 0
	for _, a := range p.asks {
		if a.Author == l.author {
			n++
		}
	}
	return n
}

// owes returns about how many bytes the peer has yet to send.
func (p *peer) owes() int64 {
	var owed int64
	for _, a := range p.asks {
		owed += max(int64(a.MaxBytes)-a.bytes, 1)
	}
	return owed
}
