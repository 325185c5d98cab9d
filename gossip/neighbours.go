package gossip

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backoff"
	"github.com/quipulog/quipu/gossip/membership"
	"github.com/quipulog/quipu/gossip/overlay"
	"github.com/quipulog/quipu/gossip/rarely"
)

// neighbours is which members this node is to be linked with: all of them where they are few, a ring
// and a random few where they are many.
type neighbours struct {
	g *Gossip
	*linked
	overlay overlay.Config
	wanted  map[crdt.Author]bool      // to be dialled
	chosen  time.Time                 // when that was last thought about; zero when it must be at once
	calls   map[crdt.Author]*call     // by peer: how dialling it goes
	left    map[crdt.Author]time.Time // peers that said they leave, and when
	dead    map[crdt.Author]time.Time // members of whose death the log was told, and when they died
	// loops are lines about what may come and go in a loop: the links with one peer, or the members, which are
	// nobody's.
	loops rarely.Lines[crdt.Author]
}

func newNeighbours(g *Gossip, links *linked) *neighbours {
	return &neighbours{
		g:       g,
		linked:  links,
		overlay: overlay.Config{Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))},
		calls:   make(map[crdt.Author]*call),
		left:    make(map[crdt.Author]time.Time),
		dead:    make(map[crdt.Author]time.Time),
		loops:   rarely.Lines[crdt.Author]{Most: 20},
	}
}

// rechoose is how often the choice is looked at when nothing has changed.
const rechoose = time.Second

// choose looks at the members and the links, and ends the links that are too many.
func (n *neighbours) choose(now time.Time) {
	if now.Sub(n.chosen) < rechoose {
		return
	}
	n.chosen = now
	n.tellOfDeaths(now)
	alive := make(map[crdt.Author]bool)
	var members []crdt.Author
	for _, m := range n.g.members.Members() {
		if !m.Alive {
			continue
		}
		alive[m.Author] = true
		if !n.failing(m.Author, now) {
			members = append(members, m.Author)
		}
	}
	asked := n.toAsk()
	var links []overlay.Link
	for a := range n.peers {
		if p := n.linkTo(a); alive[a] && p.pinned.Load() == 0 && !asked[a] {
			links = append(links, overlay.Link{Peer: a, Dialled: p.dialled, Since: p.link.since})
		}
	}
	dialling := make(map[crdt.Author]bool)
	for a, c := range n.calls {
		if c.dialling && alive[a] && n.linkTo(a) == nil {
			dialling[a] = true
			links = append(links, overlay.Link{Peer: a, Dialled: true, Since: now})
		}
	}
	dial, end := overlay.Choose(n.overlay, n.g.self, members, links)
	n.wanted = dialling
	for a := range asked {
		if alive[a] && n.linkTo(a) == nil && !n.failing(a, now) {
			dial = append(dial, a)
		}
	}
	for _, a := range dial {
		n.wanted[a] = true
		n.call(a, now)
	}
	for _, a := range end {
		if p := n.linkTo(a); p != nil {
			p.stop(errEnough)
		}
	}
}

// toAsk returns the members that are linked, whoever else is, to be asked where our feed ends.
func (n *neighbours) toAsk() map[crdt.Author]bool {
	all := make(map[crdt.Author]bool)
	for _, asking := range n.ownEnds {
		maps.Copy(all, asking.links)
	}
	return all
}

// failing reports whether a member could not be reached of late. Others are linked in its place until it is
// tried again: it may not exist.
func (n *neighbours) failing(a crdt.Author, now time.Time) bool {
	c := n.calls[a]
	return c != nil && !c.dialling && !c.Over(now) && n.linkTo(a) == nil
}

// changed sees to it that new members are looked at.
func (n *neighbours) changed(now time.Time) {
	n.chosen = time.Time{}
	for _, m := range n.g.members.Members() {
		if !m.Alive {
			continue
		}
		c := n.call(m.Author, now)
		if m.Since.After(c.apart) && n.linkTo(m.Author) == nil && !c.dialling {
			c.apart, c.Pause = m.Since, backoff.Pause{} // It is new, or has come back.
		}
	}
}

// maxDialling bounds the members that are dialled at a time.
const maxDialling = 16

// dial dials the members that are wanted and not linked. The lower author of a pair dials;
// the higher one too when nothing has come of that for a while.
func (n *neighbours) dial(ctx context.Context, now time.Time) {
	dialling := 0
	for _, c := range n.calls {
		if c.dialling {
			dialling++
		}
	}
	for a := range n.wanted {
		if dialling >= maxDialling || ctx.Err() != nil {
			return
		}
		c := n.call(a, now)
		if n.linkTo(a) != nil || c.dialling || !c.Over(now) || !c.out.Over(now) {
			continue
		}
		m, known := n.g.members.Member(a)
		if !known || !m.Alive {
			continue
		}
		if n.g.self.Compare(a) > 0 && now.Sub(c.apart) < n.g.pace.dialBack {
			continue
		}
		c.dialling = true
		dialling++
		n.g.work.Go(func() { n.g.dialMember(ctx, m) })
	}
}

// busy reports whether a member is to be linked and is not.
func (n *neighbours) busy() bool {
	for a := range n.wanted {
		if n.linkTo(a) == nil {
			return true
		}
	}
	return false
}

// unlinked returns the state of a member without a link.
func (n *neighbours) unlinked(m membership.Member, now time.Time) State {
	if left, said := n.left[m.Author]; said && !(m.Alive && m.Since.After(left)) {
		return Left
	}
	switch {
	case !m.Alive:
		return Dead
	case (n.wanted[m.Author] || n.failing(m.Author, now)) && now.Sub(m.Since) > n.g.pace.suspect && now.Sub(m.Heard) > n.g.pace.suspect:
		return Suspect
	}
	return Alive
}

// tellOfDeaths tells the log which members have died since it was last called, and which are back. Only of
// one that was linked is it known that it did not say that it leaves.
func (n *neighbours) tellOfDeaths(now time.Time) {
	for _, m := range n.g.members.Members() {
		c := n.calls[m.Author]
		died, was := n.dead[m.Author]
		switch gone := n.linkTo(m.Author) == nil && n.unlinked(m, now) == Dead; {
		case gone && !was && c != nil && c.met && len(n.dead) < maxCalls:
			n.dead[m.Author] = m.Since
			n.g.logger.Log(context.Background(), n.loops.Level(slog.LevelWarn, crdt.Author{}, now), "member is dead", "peer", m.Author.Short(), "name", m.Name, "addr", m.Addr, n.loops.Repeated(crdt.Author{}))
		case !gone && was:
			delete(n.dead, m.Author)
			if n.left[m.Author].IsZero() {
				n.g.logger.Log(context.Background(), n.loops.Level(slog.LevelWarn, crdt.Author{}, now), "member is back", "peer", m.Author.Short(), "name", m.Name, "addr", m.Addr,
					"after", now.Sub(died).Round(time.Second), n.loops.Repeated(crdt.Author{}))
			}
		}
	}
}
