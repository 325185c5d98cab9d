package gossip

import (
	"context"
	"time"
)

// state is what the loop knows, in parts. It hands what happens to the parts that it concerns. Everything in
// it belongs to the loop's goroutine.
//
//	links open and end ─┬─▶ linked: who is linked
//	members come and go ┼─▶ neighbours: whom to be linked with
//	ops, news, answers ─┴─▶ spread: whom to push what to, and whom to ask for what
type state struct {
	g *Gossip
	*linked
	neighbours *neighbours
	spread     *spread
}

func newState(g *Gossip) *state {
	links := newLinked()
	return &state{g: g, linked: links, neighbours: newNeighbours(g, links), spread: newSpread(g, links)}
}

// open takes a link in, or says why not. Of two links to one peer, both ends keep the one that the
// lower author dialled, of two processes with one key the lower instance, or the newer if one end dialled
// both, or if the old one has gone quiet.
func (s *state) open(ctx context.Context, l *link, now time.Time) error {
	if err := s.neighbours.admit(ctx, l, now); err != nil {
		return err
	}
	if old := s.links[l.id]; old != nil {
		s.drop(old)
		old.stop(errSpare)
	}
	s.add(&peering{link: l, comparing: comparing{nextOffer: now}})
	s.spread.opened(l)
	s.neighbours.opened(ctx, l, now)
	return nil
}

// closed takes a link out that has ended.
func (s *state) closed(l *link, err error, now time.Time) {
	s.neighbours.keepOut(l, err, now)
	if p := s.peering(l); p != nil { // else another link has taken its place
		s.drop(p)
		s.neighbours.closed(l, err, now)
	}
}

// drop takes a link out.
func (s *state) drop(p *peering) {
	s.spread.closed(p.link)
	s.remove(p)
}

// tick does what is due.
func (s *state) tick(ctx context.Context, now time.Time) {
	s.neighbours.choose(now)
	s.neighbours.dial(ctx, now)
	s.spread.tick(now)
}
