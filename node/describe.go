package node

import (
	"os"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/backfill"
	"github.com/quipulog/quipu/gossip/find"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/condition"
	"github.com/quipulog/quipu/node/metrics"
)

// Describe fills in the part of a status that only a running node knows. What a log knows by itself is there already.
func (n *Node) Describe(s *api.Status) {
	network := n.gossip.Status()
	s.Listen = network.Addr.String()
	s.Socket, s.HTTP = n.path, n.URL()
	s.PID = os.Getpid()
	s.Started = n.started.UTC()
	for _, m := range network.Members {
		if m.State == gossip.Alive {
			s.Members++
		}
	}
	for _, seed := range network.Seeds {
		s.Seeds = append(s.Seeds, describeSeed(seed))
	}
	r := n.regard(&network, s.Recovering)
	s.Conditions, s.Unready, s.Linked = condition.Told(r.conditions), r.unready, r.linked
	s.Alone, s.Behind, s.CaughtUp = r.alone, r.behind, r.caughtUp
	s.LastTrim = n.tellTrim()
	for _, f := range network.Starved {
		s.Starved = append(s.Starved, api.Starved{Author: f.Author, Peer: f.Peer, Since: f.Since.UTC(), Error: f.Err.Error()})
	}
	s.Counts = metrics.Counts(n.look(network))
}

// alone reports whether no other node is known or looked for.
func alone(network *gossip.Status) bool { return len(network.Members)+len(network.Seeds) == 0 }

// behind returns how far this node is behind. Of each author that is shut at least an entry is lacking, but
// nobody tells how many.
func behind(p backfill.Progress, shut int) *api.Behind {
	return &api.Behind{
		Entries: p.Entries + uint64(shut), Authors: p.Authors + shut, AtLeast: shut > 0, Claimed: p.Claimed,
		Since: p.Since.UTC(), PerSecond: p.PerSecond, Left: p.Left.Seconds(),
	}
}

// describeSeed returns a seed as the status shows it.
func describeSeed(s gossip.Seed) api.Seed {
	seed := api.Seed{Addr: s.Addr, Source: string(s.Source), From: s.From, Joined: s.Joined, Author: s.Peer}
	if s.Err != nil {
		seed.Error = s.Err.Error()
	}
	return seed
}

// sourceOf returns how this node came by a member, from the seeds, of which the first counts.
func sourceOf(a crdt.Author, seeds []gossip.Seed) string {
	for _, s := range seeds {
		// Who is at a configured address or behind a name is known only from having joined there, which stays
		// true when that node has left. Others are said to be at theirs.
		joined := s.Joined || s.Source == find.Configured || s.Source == find.DNS
		if joined && s.Peer == a {
			return string(s.Source)
		}
	}
	return "members"
}

// Members returns this node and the others that it knows of.
func (n *Node) Members() []api.Member {
	name := n.cfg.Name
	if name == "" {
		name = n.Author().Short()
	}
	network := n.gossip.Status()
	all := []api.Member{{
		Author: n.Author(), Name: name, Addr: n.gossip.Told().String(), State: "self", Linked: true, Version: network.Version, Conditions: names(condition.Kinds(n.conditions(&network, n.Recovery()))),
	}}
	for _, m := range network.Members {
		told := api.Member{
			Author: m.Author, Name: m.Name, Addr: m.Addr.String(), Source: sourceOf(m.Author, network.Seeds), State: string(m.State),
			Linked: m.Linked, Eager: m.Eager, BehindSince: m.BehindSince.UTC(), EqualAt: m.EqualAt.UTC(),
			RTT: m.RTT.Seconds(), Conditions: names(m.Conditions), Version: m.Version, Page: m.Page,
		}
		if m.ClockKnown {
			off := m.Clock.Seconds()
			told.ClockOff = &off
		}
		if !m.Compared.IsZero() {
			told.Behind, told.Lacks = &m.Behind, &m.Lacks
		}
		all = append(all, told)
	}
	return all
}

// Links returns the links that the node has.
func (n *Node) Links() []api.Link {
	all := []api.Link{}
	for _, l := range n.gossip.Links() {
		all = append(all, api.Link{
			Author: l.Author, Name: l.Name, Addr: l.Addr.String(), Dialled: l.Dialled, Since: l.Since.UTC(), Heard: l.Heard.UTC(),
			Eager: l.Eager, Received: l.Received, Sent: l.Sent,
		})
	}
	return all
}

// names returns conditions as words.
func names(kinds []gossip.Condition) []string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.String())
	}
	return all
}
