package gossip

import (
	"context"
	"errors"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// state is what the loop knows. Every field belongs to the loop's goroutine.
type state struct {
	g     *Gossip
	links map[crdt.Author]*peering
	calls map[crdt.Author]*call     // by peer: how dialling it goes
	left  map[crdt.Author]time.Time // peers that said they leave, and when
	spread
}

// peering is a link as the loop sees it.
type peering struct {
	*link
	offers    map[crdt.Author][]crdt.Head // what the peer says it has and we lack
	asks      int                         // authors it is being asked for
	moved     time.Time                   // when it last delivered something new of what it was asked for
	nextOffer time.Time
	equalAt   time.Time // when its root was last seen to be ours
}

// call is how reaching a peer goes.
type call struct {
	backoff
	dialling bool
	apart    time.Time // since when there has been no link
	out      backoff   // after an offence: until when the peer is kept out
}

func newState(g *Gossip) *state {
	return &state{
		g:      g,
		links:  make(map[crdt.Author]*peering),
		calls:  make(map[crdt.Author]*call),
		left:   make(map[crdt.Author]time.Time),
		spread: newSpread(),
	}
}

// maxCalls bounds the peers whose dialling is remembered.
const maxCalls = 4096

// call returns how reaching a goes.
func (s *state) call(a crdt.Author, now time.Time) *call {
	c := s.calls[a]
	if c == nil {
		if len(s.calls) >= maxCalls {
			s.forgetCalls(now)
		}
		c = &call{apart: now}
		s.calls[a] = c
	}
	return c
}

// forgetCalls drops what is remembered of peers that are neither linked nor kept out.
func (s *state) forgetCalls(now time.Time) {
	for a, c := range s.calls {
		if s.links[a] == nil && !c.dialling && c.out.over(now) {
			delete(s.calls, a)
		}
	}
}

// reserve says whether a may be dialled, and takes note that it is.
func (s *state) reserve(a crdt.Author, now time.Time) bool {
	c := s.call(a, now)
	if s.links[a] != nil || c.dialling || !c.out.over(now) {
		return false
	}
	c.dialling = true
	return true
}

// failed takes note that dialling a came to nothing.
func (s *state) failed(a crdt.Author, now time.Time) {
	c := s.call(a, now)
	c.dialling = false
	c.fail(now, s.g.pace.dialLow, s.g.pace.dialHigh)
}

// open takes a link in, or says why not. Of two links to one peer, both ends keep the one that the
// lower author dialled, or the newer if one end dialled both, or if the old one has gone quiet.
func (s *state) open(ctx context.Context, l *link, now time.Time) error {
	c := s.call(l.peer, now)
	if l.dialled {
		c.dialling = false
	}
	if err := s.admit(ctx, l, c, now); err != nil {
		c.fail(now, s.g.pace.dialLow, s.g.pace.dialHigh)
		return err
	}
	if old := s.links[l.peer]; old != nil {
		s.drop(old)
		old.stop(errSpare)
	}
	s.links[l.peer] = &peering{link: l, offers: make(map[crdt.Author][]crdt.Head), nextOffer: now, moved: now}
	delete(s.left, l.peer)
	s.g.logger.Info("linked", "peer", l.peer.Short(), "name", l.name, "remote", l.addr, "dialled", l.dialled)
	return nil
}

// admit says why a link is not taken in, or nil.
func (s *state) admit(ctx context.Context, l *link, c *call, now time.Time) error {
	old := s.links[l.peer]
	switch {
	case ctx.Err() != nil:
		return errLeaving
	case !c.out.over(now):
		return errForbidden
	case old == nil && len(s.links) >= s.g.cfg.MaxPeers:
		return errCrowded
	case old != nil && !s.better(l, old.link, now):
		return errSpare
	}
	return nil
}

// better reports whether a new link to a peer is to be kept rather than the old.
func (s *state) better(l, old *link, now time.Time) bool {
	by, before := l.dialler(s.g.self), old.dialler(s.g.self)
	if by == before || now.Sub(old.lastHeard()) > 3*s.g.pace.offer {
		return true
	}
	return by.Compare(before) < 0
}

// steady is how long a link must have lasted for its peer to be dialled again at once.
const steady = 10 * time.Second

// closed takes a link out that has ended.
func (s *state) closed(l *link, err error, now time.Time) {
	c := s.call(l.peer, now)
	if own, ok := errors.AsType[*closing](err); ok && own.code == wire.CodeOffence {
		c.out.fail(now, quarantine, quarantineMost)
	}
	p := s.links[l.peer]
	if p == nil || p.link != l {
		return // Another link has taken its place.
	}
	s.drop(p)
	c.apart = now
	bye, said := errors.AsType[*ByeError](err)
	switch {
	case said && bye.Code == wire.CodeLeaving:
		s.leaves(l.peer, now)
		c.fail(now, s.g.pace.dialLow, s.g.pace.dialHigh)
	case said && bye.Code == wire.CodeSpare:
		// The peer has another link with our author, and it is none of ours: a copy of this node took
		// its place. Both must have time for an exchange, for that is how the fork is found.
		c.fail(now, s.g.pace.dialLow, s.g.pace.dialHigh)
	case now.Sub(l.since) > steady:
		c.backoff = backoff{}
	default:
		c.fail(now, s.g.pace.dialLow, s.g.pace.dialHigh)
	}
	s.g.logger.Info("link ended", "peer", l.peer.Short(), "name", l.name, "why", err)
}

// leaves remembers that a peer said it leaves.
func (s *state) leaves(a crdt.Author, now time.Time) {
	if len(s.left) >= maxCalls {
		clear(s.left)
	}
	s.left[a] = now
}

// drop takes a link out, with what was asked of it.
func (s *state) drop(p *peering) {
	for a, ask := range s.asks {
		if ask.of == p {
			delete(s.asks, a)
		}
	}
	delete(s.links, p.peer)
}

// peering returns how the loop sees a link, nil if it is not in any more.
func (s *state) peering(l *link) *peering {
	if p := s.links[l.peer]; p != nil && p.link == l {
		return p
	}
	return nil
}

// tick does what is due.
func (s *state) tick(ctx context.Context, now time.Time) {
	s.dialMembers(ctx, now)
	s.expireAsks(now)
	s.expireHints(now)
	for _, p := range s.links {
		if !now.Before(p.nextOffer) {
			p.nextOffer = now.Add(jittered(s.g.pace.offer))
			p.out.offer()
		}
	}
	s.plan(now)
}

// maxDialling bounds the members that are dialled at a time.
const maxDialling = 16

// dialMembers dials members that are alive and not linked. The lower author of a pair dials; the
// higher one too when nothing has come of that for a while.
func (s *state) dialMembers(ctx context.Context, now time.Time) {
	dialling := 0
	for _, c := range s.calls {
		if c.dialling {
			dialling++
		}
	}
	for a, c := range s.calls {
		if dialling >= maxDialling || ctx.Err() != nil {
			return
		}
		if s.links[a] != nil || c.dialling || !c.over(now) || !c.out.over(now) {
			continue
		}
		m, known := s.g.members.Member(a)
		if !known || !m.Alive {
			continue
		}
		if s.g.self.Compare(a) > 0 && now.Sub(c.apart) < s.g.pace.dialBack {
			continue
		}
		c.dialling = true
		dialling++
		s.g.work.Go(func() { s.g.dialMember(ctx, m) })
	}
}

// membersChanged sees to it that new members are dialled.
func (s *state) membersChanged(now time.Time) {
	for _, m := range s.g.members.Members() {
		if !m.Alive {
			continue
		}
		c := s.call(m.Author, now)
		if m.Since.After(c.apart) && s.links[m.Author] == nil && !c.dialling {
			c.apart, c.backoff = m.Since, backoff{} // It is new, or has come back.
		}
	}
}

// takeHints takes in what the membership carried.
func (s *state) takeHints(now time.Time) {
	adverts, differs := s.g.members.Hints()
	for _, a := range adverts {
		s.hinted(a, now)
	}
	if differs {
		s.offerSoon(now, nil)
	}
}

// advertiseOwn tells others of our head when it has moved.
func (s *state) advertiseOwn() {
	heads := s.g.log.Feed(s.g.self).Heads()
	if n := len(heads); n > 0 && heads[n-1] != s.advertised {
		s.advertised = heads[n-1]
		s.g.members.Advertise(s.g.self, heads)
	}
}
