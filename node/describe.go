package node

import (
	"os"

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
	c := network.Counts
	s.Counts = map[string]uint64{
		"bytesSent": c.BytesSent, "bytesReceived": c.BytesReceived,
		"opsSent": c.OpsSent, "opsTaken": c.OpsTaken, "entriesTaken": c.EntriesTaken,
		"duplicates": c.Duplicates, "pending": c.Pending, "forks": c.Forks, "secondWriter": c.SecondWriter,
	}
	for reason, count := range c.Faults {
		s.Counts["fault: "+string(reason)] = count
	}
	for reason, count := range network.Transport.Refused {
		s.Counts["refused: "+string(reason)] = count
	}
}

// Members returns this node and the others that it knows of.
func (n *Node) Members() []api.Member {
	name := n.cfg.Name
	if name == "" {
		name = n.Author().Short()
	}
	all := []api.Member{{Author: n.Author(), Name: name, Addr: n.Addr().String(), State: "self", Linked: true}}
	for _, m := range n.gossip.Members() {
		all = append(all, api.Member{
			Author: m.Author, Name: m.Name, Addr: m.Addr.String(), State: string(m.State),
			Linked: m.Linked, Behind: m.Behind, RTT: m.RTT.Seconds(),
		})
	}
	return all
}
