package node

import (
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/condition"
	"github.com/quipulog/quipu/node/metrics"
)

// look returns what the parts of the node say now. It reads nothing of the log's file: what takes reading is of the
// last sample.
func (n *Node) look(network gossip.Status) metrics.Look {
	health := n.log.Health()
	now := n.regard(&network, n.Recovery())
	meets := func(d api.Demand) bool { return api.Failing(now.unready, d) == nil }
	l := metrics.Look{
		At: time.Now(), Version: n.cfg.Version, Self: n.Author(), Conditions: condition.Kinds(now.conditions),
		Ready: meets(api.DemandReady), CaughtUp: meets(api.DemandCaughtUp), Appends: health.Mute == nil && health.ReadOnly == nil,
		Log: n.log.Meters(), Feeds: n.log.EachFeed, Shut: n.log.ShutReasons(), Network: network, Heads: make(map[crdt.Author]uint64),
		Trims: n.trims.soFar(), Sample: n.sample.Load(),
	}
	if n.gateway != nil {
		l.Certificate = n.gateway.Certificate()
	}
	if asked := n.asked.Load(); asked != nil {
		l.Calls = asked.Counts()
	}
	for _, s := range n.gossip.Standings(n.Author()) {
		for _, h := range s.Heads {
			l.Heads[s.Author] = max(l.Heads[s.Author], h.Next)
		}
	}
	return l
}

// trims counts what a node trims.
type trims struct {
	mu   sync.Mutex
	made metrics.Trims // guarded by mu
}

// count counts a trim.
func (t *trims) count(began time.Time, report eventlog.TrimReport, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.made.Runs++
	if err != nil {
		t.made.Failed++
	}
	t.made.Trimmed.Add(report.Trimmed)
	t.made.Pruned.Add(report.Pruned)
	t.made.Trimmed.Lost, t.made.Pruned.Lost = nil, nil // those are not counted, and would be kept
	t.made.Last, t.made.Held = began, report.Held
}

// soFar returns what was trimmed so far.
func (t *trims) soFar() metrics.Trims {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.made
}
