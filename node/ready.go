package node

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/find"
	"github.com/quipulog/quipu/gossip/wire"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/condition"
)

// catchUpFor is how long after its start a node is at most not ready because it has not caught up.
const catchUpFor = 30 * time.Second

// regard is how a node does at one moment. All that is asked about that is answered from it: /livez, /readyz, the
// status and status --check.
type regard struct {
	conditions []condition.Condition
	behind     *api.Behind
	linked     int  // members
	alone      bool // no other node is known or looked for
	caughtUp   time.Time
	unready    []api.Condition
}

// regard looks at the node. Recovery is what [Node.Recovery] has returned.
func (n *Node) regard(network *gossip.Status, recovery *api.Recovery) (r regard) {
	r.conditions = n.conditions(network, recovery)
	r.behind = behind(network.Progress, len(n.log.ShutReasons()))
	r.alone = alone(network)
	for _, m := range network.Members {
		if m.Linked {
			r.linked++
		}
	}
	if at := n.caughtUp.Load(); at != nil && !holdsBack(r.conditions) && r.behind.Entries == 0 && (r.linked > 0 || r.alone) {
		r.caughtUp = *at
	}
	add := func(word, why string, fails api.Demand) {
		r.unready = append(r.unready, api.Condition{Condition: word, Why: why, Fails: fails})
	}
	if n.stopping() || n.writers.isShut() {
		add(api.UnreadyStopping, "the node is stopping", api.DemandReady)
	}
	if recovery != nil && condition.Passing(recovery) {
		add(wire.ConditionRecovering.String(), recovery.String(), api.DemandReady)
	}
	r.unready = append(r.unready, condition.Told(r.conditions)...)
	switch {
	case n.catchesUp() && expects(network):
		add(api.UnreadyBehind, r.lacks(), api.DemandReady)
	case !r.caughtUp.IsZero():
	case r.behind.Entries > 0, (r.linked > 0 || r.alone) && !holdsBack(r.conditions):
		add(api.UnreadyBehind, r.lacks(), api.DemandCaughtUp)
	case r.linked == 0 && !r.alone:
		add(api.UnreadyUnlinked, "no member is linked: whether something is lacking is not known", api.DemandCaughtUp)
	}
	return r
}

// catchesUp reports whether the node has not caught up since its start, which was lately.
func (n *Node) catchesUp() bool {
	began := n.ran.Load()
	return !n.arrived.Load() && (began == nil || time.Since(*began) < catchUpFor)
}

// expects reports whether a node has reached others, or may within a moment: what could not be reached is not waited for.
func expects(network *gossip.Status) bool {
	return slices.ContainsFunc(network.Members, func(m gossip.Member) bool { return m.Linked || m.State == gossip.Alive }) ||
		slices.ContainsFunc(network.Seeds, func(s gossip.Seed) bool { return s.Tries == 0 && s.Source != find.MDNS })
}

// lacks says in words what members have more.
func (r *regard) lacks() string {
	if r.behind.Entries == 0 {
		return "it has not caught up with the members since its start"
	}
	least := ""
	if r.behind.AtLeast {
		least = "at least "
	}
	return fmt.Sprintf("members have more: %s%d of the entries of %d authors", least, r.behind.Entries, r.behind.Authors)
}

// Unready returns why others had better be sent to another node, and what else is not well, each with the least demand
// that it fails.
func (n *Node) Unready() []api.Condition {
	network := n.gossip.Status()
	return n.regard(&network, n.Recovery()).unready
}

// Dead returns why the node has to be started anew; none while it need not.
func (n *Node) Dead() []api.Condition {
	var failed error
	if err := n.failed.Load(); err != nil {
		failed = *err
	}
	return dead(n.log.Health(), failed)
}

// dead is [Node.Dead] of a log and why Run ends early, which is nil while it does not.
func dead(h eventlog.Health, failed error) (why []api.Condition) {
	_, damaged := errors.AsType[*eventlog.DamagedError](h.ReadOnly)
	switch {
	case h.Broken && damaged:
		why = append(why, api.Condition{Condition: wire.ConditionDamaged.String(), Why: h.ReadOnly.Error(), Fails: api.DemandReady})
	case h.Broken:
		why = append(why, api.Condition{Condition: wire.ConditionReadOnly.String(), Why: h.ReadOnly.Error(), Fails: api.DemandReady})
	case failed != nil:
		why = append(why, api.Condition{Condition: api.DeadEnded, Why: failed.Error(), Fails: api.DemandReady})
	}
	return why
}
