package node

import (
	"os"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/backfill"
	"github.com/quipulog/quipu/gossip/find"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/condition"
)

// Describe fills in the part of a status that only a running node knows. What a log knows by itself is there already.
func (n *Node) Describe(s *api.Status) {
	network := n.gossip.Status()
	s.Listen = network.Addr.String()
	s.Socket = n.path
	s.PID = os.Getpid()
	s.Started = n.started.UTC()
	for _, m := range network.Members {
		if m.State == gossip.Alive {
			s.Members++
		}
		if m.Linked {
			s.Linked++
		}
	}
	for _, seed := range network.Seeds {
		s.Seeds = append(s.Seeds, describeSeed(seed))
	}
	all := n.conditions(&network, s.Recovering)
	s.Conditions = condition.Told(all)
	s.LastTrim = n.tellTrim()
	for _, f := range network.Starved {
		s.Starved = append(s.Starved, api.Starved{Author: f.Author, Peer: f.Peer, Since: f.Since.UTC(), Error: f.Err.Error()})
	}
	s.Alone = alone(&network)
	s.Behind = behind(network.Progress, len(s.Shut))
	if at := n.caughtUp.Load(); at != nil && !holdsBack(all) && s.Behind.Entries == 0 && (s.Linked > 0 || s.Alone) {
		s.CaughtUp = *at
	}
	c := network.Counts
	s.Counts = map[string]uint64{
		"bytesSent": c.BytesSent, "bytesReceived": c.BytesReceived,
		"opsSent": c.OpsSent, "opsTaken": c.OpsTaken, "entriesTaken": c.EntriesTaken,
		"bytesPacked": c.BytesPacked, "payloadReceived": c.PayloadReceived, "payloadTaken": c.PayloadTaken,
		"offers": c.OffersSent, "probes": c.ProbesSent, "vectors": c.VectorsSent, "asks": c.Asks,
		"announced": c.Announced, "grafts": c.Grafts, "detaches": c.Detaches, "pendingKept": c.PendingKept,
		"transientsSent": c.TransientsSent, "transientsTaken": c.TransientsTaken, "transientsRelayed": c.TransientsRelayed,
		"transientsDropped": c.TransientsDropped, "transientsRepeated": c.TransientsRepeated, "transientsStale": c.TransientsStale,
		"transientsLimited": c.TransientsLimited, "transientsRefused": c.TransientsRefused,
		"duplicates": c.Duplicates, "pending": c.Pending, "forks": c.Forks, "notWritten": c.NotWritten,
	}
	for reason, count := range c.Faults {
		s.Counts["fault: "+string(reason)] = count
	}
	for reason, count := range network.Transport.Refused {
		s.Counts["refused: "+string(reason)] = count
	}
	m := network.Membership
	for what, count := range map[string]uint64{
		"fault: member-message": m.BadMessages, "fault: announcement": m.BadAnnouncements, "fault: advert": m.BadAdverts,
		"refused: unsealed": m.Unsealed, "refused: member-crowded": m.Crowded, "refused: member-table-full": m.TooMany,
		"refused: stale-announcement": m.StaleAnnouncements, "refused: second-address": m.Conflicts,
	} {
		if count > 0 {
			s.Counts[what] = count
		}
	}
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
	seed := api.Seed{Addr: s.Addr, Source: string(s.Source), From: s.From, Joined: s.Joined}
	if !s.Peer.IsZero() {
		seed.Author = s.Peer.String()
	}
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
		Author: n.Author(), Name: name, Addr: n.gossip.Told().String(), State: "self", Linked: true, Conditions: names(condition.Kinds(n.conditions(&network, n.Recovery()))),
	}}
	for _, m := range network.Members {
		told := api.Member{
			Author: m.Author, Name: m.Name, Addr: m.Addr.String(), Source: sourceOf(m.Author, network.Seeds), State: string(m.State),
			Linked: m.Linked, Eager: m.Eager, BehindSince: m.BehindSince.UTC(), EqualAt: m.EqualAt.UTC(),
			RTT: m.RTT.Seconds(), Conditions: names(m.Conditions),
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

// names returns conditions as words.
func names(kinds []gossip.Condition) []string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.String())
	}
	return all
}
