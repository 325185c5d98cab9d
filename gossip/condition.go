package gossip

import (
	"slices"

	"github.com/quipulog/quipu/gossip/wire"
)

// Condition is something that keeps a node from having, taking or writing what it could.
type Condition = wire.Condition

// SetConditions tells the linked peers this node's conditions, in ascending order and each once: those
// that [Gossip.Status] shows, and those that the rest of the node knows. What it was told before is replaced.
func (g *Gossip) SetConditions(now []Condition) {
	now = slices.Clone(now[:min(len(now), wire.MaxConditions)])
	if old := g.conditions.Swap(&now); old != nil && slices.Equal(*old, now) || !g.loop.running() {
		return
	}
	g.loop.do(func(s *state) {
		for _, p := range s.links {
			p.out.nudge()
		}
	})
}

// says returns the conditions that the peer has told.
func (l *link) says() []Condition {
	if c := l.conditions.Load(); c != nil {
		return *c
	}
	return nil
}

// telling returns the message that says our conditions, where the peer has been told others.
func (w *writer) telling() []wire.Message {
	now := w.g.conditions.Load()
	if !w.l.both(wire.FeatureConditions) || now == nil || slices.Equal(*now, w.told) {
		return nil
	}
	w.told = *now
	return []wire.Message{wire.Conditions{List: *now}}
}
