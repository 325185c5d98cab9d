package gossip

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/gossip/wire"
)

// countFor is how long a member that nobody hears of counts.
const countFor = wire.MaxAgo * time.Second

// maxKnown bounds what is kept of a peer's answer to who: members that only others know of, those heard of last.
const maxKnown = 256

// knowing is what the loop knows of whom a peer has heard of. Only a node that asks where its feed ends asks that.
//
//	asker                       peer
//	│ Who      round 3            │
//	├────────────────────────────▶│  its membership, and whom it remembers from earlier runs
//	│ Members  round 3, a list    │
//	│◀────────────────────────────┤
type knowing struct {
	whoRound uint32       // of the last question
	whoSent  time.Time    // when that was asked
	whoTold  time.Time    // when the last question that was answered was asked; zero if none was
	knows    []wire.Known // of that answer, what this node does not know itself
}

// askWho asks a peer whom it has heard of, if it was not asked for so long, and has answered or had time to.
func (p *peering) askWho(now time.Time, pause time.Duration, pace pace) {
	if !p.whoTold.Equal(p.whoSent) {
		pause = pace.compare
	}
	if !p.both(wire.FeatureWho) || now.Sub(p.whoSent) < pause {
		return
	}
	p.whoRound++
	p.whoSent = now
	p.out.askWho(p.whoRound)
}

// toldWho takes in whom a peer has heard of.
func (s *state) toldWho(l *link, m wire.Members) {
	p := s.peering(l)
	if p == nil || m.Round != p.whoRound || m.Round == 0 || p.whoTold.Equal(p.whoSent) {
		return
	}
	p.whoTold = p.whoSent
	known := make(map[crdt.Author]time.Time)
	for k := range s.g.acquainted(time.Now()) {
		known[k.Author] = k.heard
	}
	maps.DeleteFunc(s.heardOf, func(a crdt.Author, _ time.Time) bool { return known[a].IsZero() })
	var hints []wire.Known
	for _, k := range m.List {
		heard := p.whoTold.Add(-time.Duration(k.Ago) * time.Second)
		switch ours := known[k.Author]; {
		case k.Author == p.peer:
		case ours.IsZero():
			hints = append(hints, k)
		case heard.After(later(ours, s.heardOf[k.Author])):
			s.heardOf[k.Author] = heard
		}
	}
	ago := func(k wire.Known) int64 {
		if k.Author == s.g.self {
			return -1 // A copy of this node comes first.
		}
		return int64(k.Ago)
	}
	slices.SortStableFunc(hints, func(a, b wire.Known) int { return cmp.Compare(ago(a), ago(b)) })
	p.knows = slices.Clone(hints[:min(len(hints), maxKnown)])
}

// whoFor returns the answer to a peer that asks whom this node has heard of.
func (s *state) whoFor(l *link, round uint32) wire.Members {
	now := time.Now()
	m := wire.Members{Round: round}
	for k := range s.g.acquainted(now) {
		if k.Author != l.peer {
			m.List = append(m.List, wire.Known{Author: k.Author, Name: nameFor(k.Name), Ago: uint32(max(now.Sub(k.heard), 0) / time.Second)})
		}
	}
	for _, p := range s.peers[l.peer] {
		if p.id != l.id && !p.quiet(s.g.pace, now) {
			m.List = append(m.List, wire.Known{Author: l.peer, Name: p.name})
			break
		}
	}
	slices.SortStableFunc(m.List, func(a, b wire.Known) int { return cmp.Compare(a.Ago, b.Ago) })
	m.List = m.List[:min(len(m.List), wire.MaxMembers)]
	slices.SortFunc(m.List, func(a, b wire.Known) int { return a.Author.Compare(b.Author) })
	return m
}

// nameFor returns a name as peers take it: what was read from a file may be anything.
func nameFor(name string) string { return clip.Start(strings.ToValidUTF8(name, "?"), wire.MaxName) }

// acquaintance is a member that this node has heard of itself.
type acquaintance struct {
	Author crdt.Author
	Name   string
	Addr   string
	heard  time.Time // by the host's own clock
}

// acquainted yields the members that this node has heard of itself in the last 30 days, each once: by its membership
// or in an earlier run.
func (g *Gossip) acquainted(now time.Time) func(yield func(acquaintance) bool) {
	return func(yield func(acquaintance) bool) {
		seen := map[crdt.Author]bool{g.self: true, {}: true}
		for _, m := range g.members.Members() {
			k := acquaintance{Author: m.Author, Name: m.Name, Addr: m.Addr.String(), heard: now}
			if !m.Alive {
				k.heard = later(m.Heard, m.Since)
			}
			seen[m.Author] = true
			if now.Sub(k.heard) <= countFor && !yield(k) {
				return
			}
		}
		wall := g.cfg.Now()
		for _, r := range g.cfg.Remembered {
			k := acquaintance{Author: r.Author, Name: r.Name, heard: now.Add(-max(wall.Sub(r.Seen), 0))}
			if len(r.Addrs) > 0 {
				k.Addr = r.Addrs[0]
			}
			if seen[r.Author] || now.Sub(k.heard) > countFor {
				continue
			}
			seen[r.Author] = true
			if !yield(k) {
				return
			}
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
