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
	ticked     time.Time // when tick was last called
	wall       time.Time // what the wall clock said then
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
	l.process = s.g.standings.Linked(l.peer, l.id)
	s.add(&peering{link: l, comparing: comparing{nextOffer: now}})
	s.spread.opened(l)
	s.neighbours.opened(ctx, l, now)
	return nil
}

// changed takes note that members may have come or gone.
func (s *state) changed(now time.Time) {
	s.neighbours.changed(now)
	s.g.seeds.Look(now.Add(s.g.pace.dialLow))
	s.g.lookout.nudge()
}

// closed takes a link out that has ended.
func (s *state) closed(l *link, err error, now time.Time) {
	s.neighbours.keepOut(l, err, now)
	if p := s.peering(l); p != nil { // else another link has taken its place
		s.drop(p)
		s.neighbours.closed(l, err, now)
		s.g.lookout.nudge()
	}
}

// drop takes a link out.
func (s *state) drop(p *peering) {
	s.spread.closed(p.link)
	s.remove(p)
	s.g.standings.Unlinked(p.process, time.Now())
}

// tick does what is due.
func (s *state) tick(ctx context.Context, now time.Time) {
	if s.suspended(now) {
		s.spread.stirAll(now)
	}
	s.neighbours.choose(now)
	s.neighbours.dial(ctx, now)
	s.spread.tick(now)
}

// suspended reports whether the machine slept since the last tick: then its wall clock has gone on without its other
// clock. What has become of the links meanwhile shows when they are used.
func (s *state) suspended(now time.Time) bool {
	wall := s.g.cfg.Now().Round(0)
	slept := wall.Sub(s.wall) - now.Sub(s.ticked)
	first := s.ticked.IsZero()
	s.ticked, s.wall = now, wall
	return !first && slept > s.g.pace.offer
}

// pause returns how long the loop may wait for the next tick.
func (s *state) pause(now time.Time) time.Duration {
	if s.neighbours.busy() || s.spread.busy() {
		return s.g.pace.tick
	}
	due := s.neighbours.chosen.Add(rechoose)
	for _, p := range s.links {
		due = earlier(due, p.due(s.g.pace))
	}
	return max(due.Sub(now), s.g.pace.tick)
}
