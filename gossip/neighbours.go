package gossip

import (
	"context"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backoff"
	"github.com/quipulog/quipu/gossip/overlay"
)

// neighbours is which members this node is to be linked with: all of them where they are few, a ring
// and a random few where they are many.
type neighbours struct {
	overlay overlay.Config
	wanted  map[crdt.Author]bool // to be dialled
	chosen  time.Time            // when that was last thought about; zero when it must be at once
}

// rechoose is how often the choice is looked at when nothing has changed.
const rechoose = time.Second

// chooseNeighbours looks at the members and the links, and ends the links that are too many.
func (s *state) chooseNeighbours(now time.Time) {
	if now.Sub(s.chosen) < rechoose {
		return
	}
	s.chosen = now
	s.tellOfDeaths(now)
	alive := make(map[crdt.Author]bool)
	var members []crdt.Author
	for _, m := range s.g.members.Members() {
		if !m.Alive {
			continue
		}
		alive[m.Author] = true
		if !s.failing(m.Author, now) {
			members = append(members, m.Author)
		}
	}
	var links []overlay.Link
	for a := range s.peers {
		if p := s.linkTo(a); alive[a] && p.pinned.Load() == 0 {
			links = append(links, overlay.Link{Peer: a, Dialled: p.dialled, Since: p.link.since})
		}
	}
	dialling := make(map[crdt.Author]bool)
	for a, c := range s.calls {
		if c.dialling && alive[a] && s.linkTo(a) == nil {
			dialling[a] = true
			links = append(links, overlay.Link{Peer: a, Dialled: true, Since: now})
		}
	}
	dial, end := overlay.Choose(s.overlay, s.g.self, members, links)
	s.wanted = dialling
	for _, a := range dial {
		s.wanted[a] = true
		s.call(a, now)
	}
	for _, a := range end {
		if p := s.linkTo(a); p != nil {
			p.stop(errEnough)
		}
	}
}

// failing reports whether a member could not be reached of late. Others are linked in its place until it is
// tried again: it may not exist.
func (s *state) failing(a crdt.Author, now time.Time) bool {
	c := s.calls[a]
	return c != nil && !c.dialling && !c.Over(now) && s.linkTo(a) == nil
}

// membersChanged sees to it that new members are looked at.
func (s *state) membersChanged(now time.Time) {
	s.chosen = time.Time{}
	for _, m := range s.g.members.Members() {
		if !m.Alive {
			continue
		}
		c := s.call(m.Author, now)
		if m.Since.After(c.apart) && s.linkTo(m.Author) == nil && !c.dialling {
			c.apart, c.Pause = m.Since, backoff.Pause{} // It is new, or has come back.
		}
	}
}

// maxDialling bounds the members that are dialled at a time.
const maxDialling = 16

// dialNeighbours dials the members that are wanted and not linked. The lower author of a pair dials;
// the higher one too when nothing has come of that for a while.
func (s *state) dialNeighbours(ctx context.Context, now time.Time) {
	dialling := 0
	for _, c := range s.calls {
		if c.dialling {
			dialling++
		}
	}
	for a := range s.wanted {
		if dialling >= maxDialling || ctx.Err() != nil {
			return
		}
		c := s.call(a, now)
		if s.linkTo(a) != nil || c.dialling || !c.Over(now) || !c.out.Over(now) {
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
