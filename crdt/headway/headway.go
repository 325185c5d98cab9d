// Package headway says how fast something that takes long goes on, and how long it still takes.
package headway

import "time"

const (
	// marks is how many moments a [Gauge] remembers, and apart how far they are from each other at least: a
	// rate is that of the last half minute, so that it follows what slows down or had a head start.
	marks = 30
	apart = time.Second
)

// Gauge measures something that counts up. The zero value has measured nothing.
type Gauge struct {
	kept []mark // the oldest first; at most marks
	last mark
}

// mark is a moment and what was done by then.
type mark struct {
	at   time.Time
	done uint64
}

// Reached says how much is done now. One that is less than before begins something else: what was measured is
// forgotten.
func (g *Gauge) Reached(now time.Time, done uint64) {
	if done < g.last.done {
		g.kept = g.kept[:0]
	}
	g.last = mark{now, done}
	switch n := len(g.kept); {
	case n > 0 && now.Sub(g.kept[n-1].at) < apart:
	case n == marks:
		copy(g.kept, g.kept[1:])
		g.kept[n-1] = g.last
	default:
		g.kept = append(g.kept, g.last)
	}
}

// Rate returns how much is done in a second; 0 where nothing was done, or less than two moments are known.
func (g *Gauge) Rate() float64 {
	if len(g.kept) == 0 {
		return 0
	}
	from := g.kept[0]
	took := g.last.at.Sub(from.at)
	if took <= 0 {
		return 0
	}
	return float64(g.last.done-from.done) / took.Seconds()
}

// Left returns how long it takes at that rate until so much is done. It reports false where nobody can tell: the
// rate is 0, or the time is longer than a century.
func (g *Gauge) Left(total uint64) (time.Duration, bool) {
	const century = 100 * 365 * 24 * 60 * 60
	if g.last.done >= total {
		return 0, true
	}
	rate := g.Rate()
	seconds := float64(total-g.last.done) / rate
	if rate == 0 || seconds > century {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}
