package backfill

import (
	"container/list"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Schedule is what is known to be lacking, who offers it, and what is asked of whom. Its methods are
// called from one goroutine, with times that do not go back.
type Schedule struct {
	cfg    Config
	peers  []*peer // those with a link in the order in which they came, and those that are not forgiven
	lacks  map[crdt.Author]*lack
	queue  *list.List // the same, each in its turn
	asks   map[uint32]*ask
	lastID uint32
	live   int   // asks that are not given up
	cost   int64 // what all spans take up, in bytes
	ticked time.Time
	swept  time.Time // when old avoidances were last forgotten
	shrink rate      // in entries
	grown  uint64    // entries since ticked
	halted bool      // nothing can be stored
	// withheld are the authors of whom more is to be had only without bodies that are kept here.
	withheld map[crdt.Author]bool
}

// New returns a schedule in which nobody offers anything.
func New(cfg Config) *Schedule {
	return &Schedule{
		cfg: cfg.withDefaults(), queue: list.New(),
		lacks: make(map[crdt.Author]*lack), asks: make(map[uint32]*ask), withheld: make(map[crdt.Author]bool),
	}
}

// Plan returns the asks to send now. They count as sent: one that is not, after all, is given back with
// [Schedule.Needless]. feed returns what is held of an author's feed.
//
// It looks at a bounded number of authors; the others have their turn at the next call.
func (s *Schedule) Plan(feed func(crdt.Author) crdt.Feed, now time.Time) []Ask {
	var asks []Ask
	if s.halted {
		return nil
	}
	visits := 0
	for idle := 0; idle < s.queue.Len() && visits < maxVisits && s.room(); visits++ {
		l := s.queue.Front().Value.(*lack)
		s.queue.MoveToBack(l.place)
		s.see(l, feed(l.author))
		if s.forget(l, now) {
			continue
		}
		if a, ok := s.next(l, now); ok {
			asks = append(asks, a)
			idle = 0
		} else {
			idle++
		}
	}
	return asks
}

// Quiet reports whether nothing is known to be lacking and nobody is asked.
func (s *Schedule) Quiet() bool { return len(s.lacks) == 0 && len(s.asks) == 0 }

// room reports whether anybody may be asked for more.
func (s *Schedule) room() bool {
	return s.live < s.cfg.All && slices.ContainsFunc(s.peers, func(p *peer) bool { return s.free(p) })
}

func (s *Schedule) free(p *peer) bool { return p.linked && len(p.asks) < s.cfg.PerPeer }

// next asks for the next of what is lacking of one author.
func (s *Schedule) next(l *lack, now time.Time) (Ask, bool) {
	s.checkStuck(l, now)
	if l.wholeAsked() || s.leftToPush(l, now) {
		return Ask{}, false
	}
	if s.inSpans(l, now) {
		if a, ok := s.askSpan(l, now); ok {
			return a, true
		}
		// Those who could answer for spans have enough to do; it may never end.
	}
	if len(l.asks) > 0 || l.placing() {
		return Ask{}, false
	}
	o := s.chooseWhole(l, now)
	if o == nil {
		return Ask{}, false
	}
	l.pending = nil
	return s.ask(Ask{Peer: o.peer.id, Author: l.author, Heads: o.heads}, o, now), true
}

// leftToPush reports whether a lack is small and fresh, so that live push may do.
func (s *Schedule) leftToPush(l *lack, now time.Time) bool {
	if len(l.asks) > 0 || len(l.pending) > 0 || now.Sub(l.stood) >= s.cfg.Patience {
		return false
	}
	return !slices.ContainsFunc(l.offers, func(o *offer) bool {
		// What does not go on where the feed ends does not come by push, however the feed grows.
		aside := o.fork && now.Sub(l.since) >= s.cfg.Patience
		return aside || o.beyond > Big || o.peer.entries > Big || len(o.peer.offers) > bigAuthors
	})
}

// inSpans reports whether a feed is asked for in spans: it is plainly one chain and much is lacking.
func (s *Schedule) inSpans(l *lack, now time.Time) bool {
	if l.whole || l.branches > 1 {
		return false
	}
	begun := len(l.asks) > 0 || len(l.pending) > 0
	return slices.ContainsFunc(l.offers, func(o *offer) bool {
		if !o.bySpan() || s.avoids(o, now) == barred {
			return false
		}
		lacking := o.next() - min(l.next, o.next())
		return lacking > 0 && begun || lacking > Big || float64(lacking)*l.density.bytesPerEntry() > 2*float64(s.cfg.SpanBytes)
	})
}

// askSpan asks for the lowest stretch that nobody was asked for.
func (s *Schedule) askSpan(l *lack, now time.Time) (Ask, bool) {
	from, upto := l.unasked()
	size := s.spanBytes(l, now)
	if from >= upto || from > l.next && !s.windowOpen(l, size) {
		return Ask{}, false
	}
	o := s.chooseSpan(l, from, now)
	if o == nil {
		return Ask{}, false
	}
	head := o.heads[0]
	upto = min(upto, head.Next, from+s.spanEntries(l, size))
	span := crdt.Span{Author: l.author, Head: head, From: from, Upto: upto}
	return s.ask(Ask{Peer: o.peer.id, Author: l.author, Span: &span, MaxBytes: size}, o, now), true
}

// windowOpen reports whether a span that must wait to be placed may be asked for.
func (s *Schedule) windowOpen(l *lack, size uint32) bool {
	window := int64(s.cfg.SpanBytes) * int64(s.cfg.Window-1) // the last is for the base
	return l.cost+int64(size) <= window && s.cost+int64(size) <= s.cfg.Pending
}

// spanBytes returns how many bytes to ask for: less than a full span when so many peers can be asked
// that two full spans for each would not fit in the window.
func (s *Schedule) spanBytes(l *lack, now time.Time) uint32 {
	peers := 0
	for _, o := range l.offers {
		if o.bySpan() && s.avoids(o, now) == welcome {
			peers++
		}
	}
	if 2*peers <= s.cfg.Window {
		return s.cfg.SpanBytes
	}
	share := uint64(s.cfg.SpanBytes) * uint64(s.cfg.Window) / uint64(2*peers)
	return max(uint32(share), s.cfg.SpanBytes/smallest)
}

// spanEntries returns the entries that are likely to fill a span.
func (s *Schedule) spanEntries(l *lack, size uint32) uint64 {
	per := l.density.bytesPerEntry()
	if per <= 0 {
		return maxSpan
	}
	n := uint64(float64(size) / per)
	return min(max(n, 1), maxSpan)
}

// account brings up to date what the spans of l take up.
func (s *Schedule) account(l *lack) {
	var cost int64
	for _, a := range l.asks {
		if a.Span != nil {
			cost += max(a.bytes, int64(a.MaxBytes))
		}
	}
	for _, p := range l.pending {
		cost += max(p.bytes, int64(s.cfg.SpanBytes/smallest)) // so that their number is bounded too
	}
	s.cost += cost - l.cost
	l.cost = cost
}

// lack returns the record of an author of whom something is lacking, a new one if there is none.
func (s *Schedule) lack(author crdt.Author, now time.Time) *lack {
	l := s.lacks[author]
	if l == nil {
		l = &lack{author: author, since: now, stood: now}
		s.lacks[author] = l
		l.place = s.queue.PushBack(l)
	}
	return l
}

// forget drops the record of an author when nobody offers anything of it and nobody is asked. What is
// delivered and not placed is remembered for a while, lest a peer that comes back sends it again.
func (s *Schedule) forget(l *lack, now time.Time) bool {
	if len(l.offers) > 0 || len(l.asks) > 0 {
		return false
	}
	for _, p := range l.pending {
		if now.Sub(p.at) < s.cfg.Avoid {
			return false
		}
	}
	l.pending = nil
	s.account(l)
	if s.lacks[l.author] == l {
		delete(s.lacks, l.author)
		s.queue.Remove(l.place)
	}
	return true
}

// see takes in what is held of the feed here.
func (s *Schedule) see(l *lack, f crdt.Feed) {
	l.next, l.branches = f.Next(), len(f.Branches)
	l.pending = slices.DeleteFunc(l.pending, func(p stretch) bool { return p.next <= l.next })
	s.account(l)
}
