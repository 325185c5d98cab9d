package backfill

import (
	"cmp"
	"container/list"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// lack is an author of whom something is lacking.
type lack struct {
	author   crdt.Author
	place    *list.Element // in the queue
	since    time.Time     // when it was first seen
	stood    time.Time     // since when the feed has not grown by itself
	grew     time.Time     // when the feed grew last
	next     uint64        // the height of the feed here: the base
	branches int           // of the feed here
	offers   []*offer
	asks     []*ask    // those that are not given up
	pending  []stretch // delivered by asks that are over, and not placed
	cost     int64     // of the spans that are asked for or pending, in bytes
	density  density
	whole    bool // spans are no good for this feed
	failures int
}

// stretch is a part of a feed that was delivered and has not been placed here yet.
type stretch struct {
	from, next uint64
	bytes      int64
	peer       *peer // nil: nobody is to blame when it does not come true
	at         time.Time
}

// density is how many bytes the entries of a feed take, lately.
type density struct{ bytes, entries float64 }

func (d *density) add(bytes int, entries uint64) {
	d.bytes = d.bytes*7/8 + float64(bytes)
	d.entries = d.entries*7/8 + float64(entries)
}

// bytesPerEntry returns 0 when nothing is known.
func (d density) bytesPerEntry() float64 {
	if d.entries == 0 {
		return 0
	}
	return d.bytes / d.entries
}

// placing reports whether what was delivered can be placed now, and has not been.
func (l *lack) placing() bool {
	return slices.ContainsFunc(l.pending, func(p stretch) bool { return p.from <= l.next })
}

// wholeAsked reports whether somebody is asked for the whole of the feed.
func (l *lack) wholeAsked() bool { return len(l.asks) > 0 && l.asks[0].Span == nil }

// unasked returns the lowest stretch above the base that is neither asked for nor delivered. Above all
// that is, it has no end.
func (l *lack) unasked() (from, upto uint64) {
	covered := slices.Clone(l.pending)
	for _, a := range l.asks {
		covered = append(covered, stretch{from: a.Span.From, next: max(a.Span.Upto, a.reached)})
	}
	slices.SortFunc(covered, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	from = l.next
	for _, c := range covered {
		if c.from > from {
			return from, c.from
		}
		from = max(from, c.next)
	}
	return from, crdt.MaxSeq
}

// keep keeps in mind what an ask that is over has delivered and is not placed yet.
func (l *lack) keep(a *ask, now time.Time) {
	p := stretch{next: a.reached, at: now}
	if a.Span != nil {
		p.from, p.bytes, p.peer = a.Span.From, a.bytes, a.offer.peer
	} else {
		p.from = l.next // roughly; it only keeps the same from being asked for again at once
	}
	if p.next > max(l.next, p.from) {
		l.pending = append(l.pending, p)
	}
}

// checkStuck drops a delivered stretch that ought to have been placed long ago: it was not what it was
// taken for.
func (s *Schedule) checkStuck(l *lack, now time.Time) {
	for i, p := range l.pending {
		if p.peer != nil && p.peer.busy || p.from > l.next || now.Sub(later(p.at, l.grew)) < s.cfg.Deliver {
			continue
		}
		l.pending = slices.Delete(l.pending, i, i+1)
		if p.peer != nil {
			s.bar(p.peer, l.author, now)
			l.failures++
			l.whole = l.whole || l.failures >= maxFailures
		}
		s.account(l)
		return
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
