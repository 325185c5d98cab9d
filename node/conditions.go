package node

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/rarely"
	"github.com/quipulog/quipu/gossip/wire"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/condition"
)

const (
	// conditionsEvery is how often a node looks at its conditions.
	conditionsEvery = time.Second
	// seekRoomEvery is how often a node whose disk was full looks for room, where nobody writes.
	seekRoomEvery = 3 * time.Second
)

// watchConditions tells the log and the peers when a condition of this node begins or ends, until ctx ends. Its
// error is that the disk has failed for good.
func (n *Node) watchConditions(ctx context.Context) error {
	tick := time.NewTicker(conditionsEvery)
	defer tick.Stop()
	var warned rarely.Lines[gossip.Condition]
	var sought time.Time
	var finding progress
	for {
		now := time.Now()
		if now.Sub(sought) >= seekRoomEvery {
			n.log.SeekRoom()
			sought = now
		}
		recovery := n.Recovery()
		n.lookAtConditions(&warned, recovery, now)
		if how := finding.tell(recovery, now); how != "" {
			n.logger.Info("finding the end of this node's own feed", "how", how)
		}
		if h := n.log.Health(); h.Broken {
			return h.ReadOnly
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// lookAtConditions compares the conditions that hold now with those of the last look. Of each that begins the
// log is warned where warned lets that pass: one that comes and goes does not fill it.
func (n *Node) lookAtConditions(warned *rarely.Lines[gossip.Condition], recovery *api.Recovery, now time.Time) {
	network := n.gossip.Status()
	n.noteClock(network.Clock)
	all := n.conditions(&network, recovery)
	for i := range all {
		if all[i].Since.IsZero() {
			all[i].Since = now
		}
	}
	before := n.holding.Swap(&all)
	for _, c := range all {
		if before != nil && among(*before, c.Kind) != nil {
			continue
		}
		n.logger.Log(context.Background(), warned.Level(slog.LevelWarn, c.Kind, now), "condition begins", "condition", c.Kind, "why", c.Why, warned.Repeated(c.Kind))
	}
	if before != nil {
		for _, c := range *before {
			if among(all, c.Kind) == nil {
				n.logger.Info("condition is over", "condition", c.Kind, "after", now.Sub(c.Since).Round(time.Second))
			}
		}
	}
	n.gossip.SetConditions(condition.Kinds(all))
}

// conditions returns the conditions that hold, with the times at which those that held at the last look were
// first seen. Recovery is what [Node.Recovery] has returned.
func (n *Node) conditions(network *gossip.Status, recovery *api.Recovery) []condition.Condition {
	all := condition.Of(n.log, network, recovery)
	if before := n.holding.Load(); before != nil {
		for i := range all {
			if c := among(*before, all[i].Kind); c != nil {
				all[i].Since = c.Since
			}
		}
	}
	return all
}

// holdsBack reports whether one of the conditions keeps the node from having what others have.
func holdsBack(all []condition.Condition) bool {
	return slices.ContainsFunc(all, func(c condition.Condition) bool { return c.Kind != wire.ConditionClock })
}

// among returns the condition of a kind, nil if it is not among them.
func among(all []condition.Condition, kind gossip.Condition) *condition.Condition {
	if at := slices.IndexFunc(all, func(c condition.Condition) bool { return c.Kind == kind }); at >= 0 {
		return &all[at]
	}
	return nil
}
