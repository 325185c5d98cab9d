package node

import (
	"os"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node/api"
)

// Describe fills in the part of a status that only a running node knows.
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
	if at := n.caughtUp.Load(); at != nil {
		s.CaughtUp = *at
	}
	if full := network.Full; full != nil {
		s.Stuck, s.StuckSince = full.Err.Error(), full.Since.UTC()
	}
	s.LastTrim = n.tellTrim()
	for _, f := range network.Starved {
		s.Starved = append(s.Starved, api.Starved{Author: f.Author, Peer: f.Peer, Since: f.Since.UTC(), Error: f.Err.Error()})
	}
	p := network.Progress
	s.Behind = api.Behind{
		Entries: p.Entries, Authors: p.Authors, Claimed: p.Claimed, Since: p.Since.UTC(), PerSecond: p.PerSecond, Left: p.Left.Seconds(),
	}
	c := network.Counts
	s.Counts = map[string]uint64{
		"bytesSent": c.BytesSent, "bytesReceived": c.BytesReceived,
		"opsSent": c.OpsSent, "opsTaken": c.OpsTaken, "entriesTaken": c.EntriesTaken,
		"bytesPacked": c.BytesPacked, "payloadReceived": c.PayloadReceived, "payloadTaken": c.PayloadTaken,
		"offers": c.OffersSent, "probes": c.ProbesSent, "vectors": c.VectorsSent, "asks": c.Asks,
		"announced": c.Announced, "grafts": c.Grafts, "detaches": c.Detaches, "parked": c.Parked,
		"transientsSent": c.TransientsSent, "transientsTaken": c.TransientsTaken, "transientsRelayed": c.TransientsRelayed,
		"transientsDropped": c.TransientsDropped, "transientsRepeated": c.TransientsRepeated, "transientsStale": c.TransientsStale,
		"transientsLimited": c.TransientsLimited, "transientsRefused": c.TransientsRefused,
		"duplicates": c.Duplicates, "pending": c.Pending, "forks": c.Forks, "secondWriter": c.SecondWriter,
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
		if s.Joined && s.Peer == a {
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
	all := []api.Member{{Author: n.Author(), Name: name, Addr: n.Addr().String(), State: "self", Linked: true}}
	seeds := n.gossip.Seeds()
	for _, m := range n.gossip.Members() {
		all = append(all, api.Member{
			Author: m.Author, Name: m.Name, Addr: m.Addr.String(), Source: sourceOf(m.Author, seeds), State: string(m.State),
			Linked: m.Linked, Eager: m.Eager, Behind: m.Behind, BehindSince: m.BehindSince.UTC(), EqualAt: m.EqualAt.UTC(),
			RTT: m.RTT.Seconds(),
		})
	}
	return all
}
