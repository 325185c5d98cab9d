package gossip

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/find"
)

// WaitCaughtUp waits until this node holds everything that the peers it is linked to held when they first answered it
// after the call. It waits for a link while there are nodes to join that have not been tried; one that cannot be
// reached is not waited for, unless there is nobody else. Its error is why ctx ended, that [Gossip.Run] has, or a
// [*HeldBackError] where something is known to be elsewhere and does not come.
//
// Nothing is waited for that a peer claims and does not make good: what counts is found by comparing,
// and a peer whose link ends has no say any more.
func (g *Gossip) WaitCaughtUp(ctx context.Context) error {
	c := newCatchUp(time.Now())
	var held error
	err := g.loop.poll(ctx, g.pace.tick, func(s *state) (over bool) {
		over, held = s.joined() && c.done(s), s.spread.heldBack()
		for peer, p := range s.links {
			if _, compared := c.lacking[peer]; !compared {
				p.hurry(c.since, time.Now(), g.pace.soon)
			}
		}
		return over
	})
	if err != nil {
		return err
	}
	return held
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

// joined reports whether there is somebody to compare with, or nobody to be expected.
func (s *state) joined() bool {
	if len(s.links) > 0 {
		for _, seed := range s.g.seeds.All() {
			if seed.Tries == 0 && seed.Source != find.MDNS {
				return false
			}
		}
		return true
	}
	return len(s.g.seeds.All()) == 0 && len(s.g.members.Members()) == 0
}

// catchUp waits for what peers were found to have.
type catchUp struct {
	since   time.Time
	lacking map[linkID]crdt.Frontier // by peer: what its first comparison since then found, less what has come
	refused map[crdt.Author]bool     // of whom something is not waited for, since it was not made good or not taken
}

func newCatchUp(since time.Time) *catchUp {
	return &catchUp{since: since, lacking: make(map[linkID]crdt.Frontier), refused: make(map[crdt.Author]bool)}
}

// done reports whether everything has come that the linked peers had.
func (c *catchUp) done(s *state) bool {
	all := true
	for _, p := range s.links {
		all = c.has(s, p) && all
	}
	return all
}

// has reports whether everything has come that p had. What it claimed and has not made good is not waited for.
func (c *catchUp) has(s *state, p *peering) bool {
	lacking, compared := c.lacking[p.id]
	if !compared {
		if !p.foundSince.After(c.since) || p.partial {
			return false
		}
		lacking = p.found.lacking.Clone()
		c.lacking[p.id] = lacking
	}
	for a, heads := range lacking {
		claimed, fork := s.spread.schedule.Claims(p.id, a)
		switch {
		case !claimed, !fork && holds(s.g.log.Feed(a), heads):
			delete(lacking, a)
		case s.spread.schedule.Barred(p.id, a, time.Now()):
			delete(lacking, a)
			c.refused[a] = true
		}
	}
	return len(lacking) == 0
}
