package metrics

import (
	"time"

	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/transport"
)

// memberStates are those of other nodes.
var memberStates = []gossip.State{gossip.Alive, gossip.Suspect, gossip.Dead, gossip.Left, gossip.Guest}

// lag are the rows about how far this node and the others are behind each other.
var lag = append([]metric{
	value(gauge, "behind_entries", "Entries that members have lately brought more of, and that this node lacks.", func(l *Look) float64 { return float64(l.Network.Progress.Entries) }),
	value(gauge, "behind_authors", "Authors of whom it lacks them.", func(l *Look) float64 { return float64(l.Network.Progress.Authors) }),
	value(gauge, "behind_seconds", "For how long it has lacked the first of them; 0 while it lacks none.", func(l *Look) float64 { return l.since(l.Network.Progress.Since) }),
	value(gauge, "starved_authors", "Authors of whom members have more, without bodies that this node keeps.", func(l *Look) float64 { return float64(len(l.Network.Starved)) }),
	words(gauge, "members", "Other nodes that are known, by state.", "state", memberStates, func(l *Look) map[gossip.State]uint64 {
		n := make(map[gossip.State]uint64)
		for _, m := range l.Network.Members {
			n[m.State]++
		}
		return n
	}),
	words(gauge, "links", "Links to other nodes, by kind: along a tree link news is pushed at once, on a lazy one it is announced.", "kind", []string{"tree", "lazy"}, func(l *Look) map[string]uint64 {
		n := make(map[string]uint64)
		for _, m := range l.Network.Members {
			switch {
			case m.Linked && m.Eager:
				n["tree"]++
			case m.Linked:
				n["lazy"]++
			}
		}
		return n
	}),
	value(gauge, "other_version_peers", "Linked peers that say that their program is of another version than this node's.", func(l *Look) float64 {
		n := 0
		for _, m := range l.Network.Members {
			if own := l.Network.Version; own != "" && m.Version != "" && m.Version != own {
				n++
			}
		}
		return float64(n)
	}),
	ofPeers("peer_linked", "Whether there is a link to a peer.", func(_ *Look, m *gossip.Member) (float64, bool) { return truth(m.Linked), true }),
	ofPeers("peer_head_seq", "Seq up to which a peer says that it holds this node's own feed.", func(l *Look, m *gossip.Member) (float64, bool) {
		next, said := l.Heads[m.Author]
		return float64(next), said
	}),
	ofPeers("peer_behind_entries", "Entries that a peer has and this node lacks.", func(_ *Look, m *gossip.Member) (float64, bool) { return float64(m.Behind), m.Linked }),
	ofPeers("peer_behind_seconds", "For how long this node has lacked the first of them; 0 while it lacks none.", func(l *Look, m *gossip.Member) (float64, bool) {
		return l.since(m.BehindSince), m.Linked
	}),
	ofPeers("peer_lacks_entries", "Entries that this node has and a peer lacked when the two last compared.", func(_ *Look, m *gossip.Member) (float64, bool) {
		return float64(m.Lacks), !m.Compared.IsZero()
	}),
	ofPeers("peer_lacks_seconds", "For how long each comparison has shown that a peer lacks some; 0 while it lacks none.", func(l *Look, m *gossip.Member) (float64, bool) {
		return l.since(m.LacksSince), !m.Compared.IsZero()
	}),
	ofPeers("peer_clock_offset_seconds", "By how much the wall clock of a peer is ahead of this node's.", func(_ *Look, m *gossip.Member) (float64, bool) {
		return m.Clock.Seconds(), m.ClockKnown
	}),
	ofPeers("peer_round_trip_seconds", "Round trip of the last probe that a peer has answered.", func(_ *Look, m *gossip.Member) (float64, bool) {
		return m.RTT.Seconds(), m.RTT > 0
	}),
	value(gauge, "clock_offset_seconds", "By how much the clocks of most peers are ahead of this node's; 0 where they do not disagree.", func(l *Look) float64 { return l.Network.Clock.Off.Seconds() }),
}, sampled(
	metric{
		name: "unreplicated_entries", kind: gauge, most: 1, help: "Entries of this node's own feed that no other node is known to hold. Absent while no other has been heard.",
		read: func(l *Look, put put) {
			if a := l.Sample.Alone; a != nil && a.Known {
				put(float64(a.Entries))
			}
		},
	},
	metric{
		name: "unreplicated_oldest_seconds", kind: gauge, most: 1, help: "How long ago the oldest of them was written; 0 where there is none.",
		read: func(l *Look, put put) {
			if a := l.Sample.Alone; a != nil && a.Known {
				put(l.since(a.Since))
			}
		},
	},
)...)

// since returns for how many seconds something has been so; 0 for the zero time.
func (l *Look) since(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, l.At.Sub(t).Seconds())
}

// count returns a row of what the gossip counts.
func count(name, help string, of func(c *gossip.Counts) uint64) metric {
	return value(counter, name, help, func(l *Look) float64 { return float64(of(&l.Network.Counts)) })
}

// traffic are the rows about what goes over links.
var traffic = []metric{
	count("sent_bytes_total", "Bytes of frames that were sent on links, without TLS.", func(c *gossip.Counts) uint64 { return c.BytesSent }),
	count("received_bytes_total", "Bytes of frames that came on links, without TLS.", func(c *gossip.Counts) uint64 { return c.BytesReceived }),
	count("saved_bytes_total", "Bytes that were not sent since frames were compressed.", func(c *gossip.Counts) uint64 { return c.BytesPacked }),
	count("sent_payload_bytes_total", "Bytes of ops that were sent.", func(c *gossip.Counts) uint64 { return c.PayloadSent }),
	count("received_payload_bytes_total", "Bytes of ops that came.", func(c *gossip.Counts) uint64 { return c.PayloadReceived }),
	count("pushed_payload_bytes_total", "Bytes of these that came along the tree.", func(c *gossip.Counts) uint64 { return c.PushedReceived }),
	count("taken_payload_bytes_total", "Bytes of the ops that came and were new here.", func(c *gossip.Counts) uint64 { return c.PayloadTaken }),
	count("sent_runs_total", "Runs of ops that were sent.", func(c *gossip.Counts) uint64 { return c.RunsSent }),
	count("pushed_runs_total", "Runs of these that were pushed along the tree.", func(c *gossip.Counts) uint64 { return c.RunsPushed }),
	count("sent_ops_total", "Ops that were sent.", func(c *gossip.Counts) uint64 { return c.OpsSent }),
	count("taken_ops_total", "Ops that came on links and were new here.", func(c *gossip.Counts) uint64 { return c.OpsTaken }),
	count("taken_entries_total", "Entries that came on links and were new here.", func(c *gossip.Counts) uint64 { return c.EntriesTaken }),
	count("duplicate_ops_total", "Ops that came on links and were held already.", func(c *gossip.Counts) uint64 { return c.Duplicates }),
	value(gauge, "duplicates_ratio", "Part of the ops that came on links since the start which were held already.", func(l *Look) float64 {
		c := &l.Network.Counts
		return float64(c.Duplicates) / float64(max(c.Duplicates+c.OpsTaken, 1))
	}),
	count("pending_runs_total", "Runs that could not be placed when they came.", func(c *gossip.Counts) uint64 { return c.Pending }),
	count("pending_kept_runs_total", "Runs of these that were kept until the ops before them came.", func(c *gossip.Counts) uint64 { return c.PendingKept }),
	count("fork_runs_total", "Runs that began a branch.", func(c *gossip.Counts) uint64 { return c.Forks }),
	count("offers_total", "Comparisons that were begun.", func(c *gossip.Counts) uint64 { return c.OffersSent }),
	count("probes_total", "Prints that were asked for in comparisons.", func(c *gossip.Counts) uint64 { return c.ProbesSent }),
	count("vectors_total", "Vectors of heads that were sent in comparisons.", func(c *gossip.Counts) uint64 { return c.VectorsSent }),
	count("asks_total", "Asks that were sent for what is missing.", func(c *gossip.Counts) uint64 { return c.Asks }),
	count("announced_heads_total", "Heads that were named on lazy links.", func(c *gossip.Counts) uint64 { return c.Announced }),
	count("grafts_total", "Links that this node has asked to be made tree links.", func(c *gossip.Counts) uint64 { return c.Grafts }),
	count("detaches_total", "Links that this node has asked to be made lazy.", func(c *gossip.Counts) uint64 { return c.Detaches }),
	count("read_failures_total", "Runs that could not be read for a peer.", func(c *gossip.Counts) uint64 { return c.ReadFailures }),
	words(counter, "transients_total", "Transient events, by what became of them.", "fate", fates, func(l *Look) map[string]uint64 {
		c := &l.Network.Counts
		return map[string]uint64{
			"sent": c.TransientsSent, "taken": c.TransientsTaken, "relayed": c.TransientsRelayed, "dropped": c.TransientsDropped,
			"repeated": c.TransientsRepeated, "stale": c.TransientsStale, "limited": c.TransientsLimited, "refused": c.TransientsRefused,
		}
	}),
}

// fates are what becomes of transient events.
var fates = []string{"sent", "taken", "relayed", "dropped", "repeated", "stale", "limited", "refused"}

// ill are what the membership refuses, by reason.
var ill = []string{"unsealed", "message", "announcement", "advert", "stale-announcement", "second-address", "table-full", "crowded"}

// rejects are the rows about what others send in vain.
var rejects = []metric{
	words(counter, "rejects_total", "What peers sent or did on links that was wrong or is not taken here, by reason.", "reason", gossip.Reasons, func(l *Look) map[gossip.Reason]uint64 { return l.Network.Counts.Faults }),
	words(counter, "refused_connections_total", "Connections that were refused, by reason.", "reason", transport.Reasons, func(l *Look) map[transport.Reason]uint64 { return l.Network.Transport.Refused }),
	words(counter, "failed_dials_total", "Connections to others that came to nothing, by reason.", "reason", transport.Reasons, func(l *Look) map[transport.Reason]uint64 { return l.Network.Transport.Failed }),
	words(counter, "refused_packets_total", "What the membership was sent and refused, by reason.", "reason", ill, func(l *Look) map[string]uint64 {
		m := &l.Network.Membership
		return map[string]uint64{
			"unsealed": m.Unsealed, "message": m.BadMessages, "announcement": m.BadAnnouncements, "advert": m.BadAdverts,
			"stale-announcement": m.StaleAnnouncements, "second-address": m.Conflicts, "table-full": m.TooMany, "crowded": m.Crowded,
		}
	}),
	words(gauge, "connections", "Connections between nodes, by state: open, or accepted with the peer not known yet.", "state", []string{"open", "half-open"}, func(l *Look) map[string]uint64 {
		t := &l.Network.Transport
		return map[string]uint64{"open": uint64(t.Open), "half-open": uint64(t.HalfOpen)}
	}),
}

// queueNames are what waits in memory: calls for their commit, what came on links for the log, runs for the ops before them,
// news and transient events for slow links.
var queueNames = []string{"append", "apply", "pending", "news", "transient"}

// queues are the rows about what waits.
var queues = []metric{
	words(gauge, "queue_length", "What waits in memory, by queue: appends for their commit, runs from peers for the log, pending runs for the ops before them, news and transient events for links that are slower.", "queue", queueNames, func(l *Look) map[string]uint64 {
		return l.queued(func(q gossip.Queue) int { return q.Waiting })
	}),
	words(gauge, "queue_bytes", "Bytes that this keeps in memory.", "queue", queueNames, func(l *Look) map[string]uint64 {
		return l.queued(func(q gossip.Queue) int { return q.Bytes })
	}),
}

// queued returns what is to be known of each queue.
func (l *Look) queued(of func(gossip.Queue) int) map[string]uint64 {
	q := &l.Network.Queues
	all := make(map[string]uint64)
	for i, queue := range []gossip.Queue{{Waiting: l.Log.Waiting, Bytes: l.Log.WaitingBytes}, q.Apply, q.Pending, q.News, q.Transient} {
		all[queueNames[i]] = uint64(max(of(queue), 0))
	}
	return all
}
