package gossip

import (
	"fmt"
	"slices"
	"strings"
	"time"

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
	if !w.l.tells || now == nil || slices.Equal(*now, w.told) {
		return nil
	}
	w.told = *now
	return []wire.Message{wire.Conditions{List: *now}}
}

// HeldBackError is returned by [Gossip.WaitCaughtUp] when all has come that can, and this node does not
// have all that others do.
type HeldBackError struct {
	Starved int // authors, see [Starved]
	Shut    int // authors of whom the log takes no more
}

func (e *HeldBackError) Error() string {
	var why []string
	if e.Starved > 0 {
		why = append(why, fmt.Sprintf("others have more of %d authors, without bodies that this node keeps", e.Starved))
	}
	if e.Shut > 0 {
		why = append(why, fmt.Sprintf("this node takes no more of %d authors", e.Shut))
	}
	return "not all is here: " + strings.Join(why, "; ")
}

// heldBack says why what others have does not come, however long this node waits, or returns nil.
func (s *spread) heldBack() error {
	if n, shut := len(s.starved), len(s.g.log.Shut()); n+shut > 0 {
		return &HeldBackError{Starved: n, Shut: shut}
	}
	return nil
}

// lacksUnknown is how long after a comparison began what the peer lacked then says nothing any more, in
// times of the longest pause between two.
const lacksUnknown = 4

// lacking returns how many entries the peer lacked that this node had, when the two last compared; false
// when they have not lately. An author that the peer has shut is not compared, and counts as one entry.
func (p *peering) lacking(pace pace, now time.Time) (entries uint64, known bool) {
	if p.lacksAt.IsZero() || now.Sub(p.lacksAt) > lacksUnknown*pace.offer+pace.compare {
		return 0, false
	}
	return p.lacks + p.roots.withheld(), true
}
