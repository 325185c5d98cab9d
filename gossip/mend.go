package gossip

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backfill"
	"github.com/quipulog/quipu/gossip/wire"
)

// mendBit marks, beside graftBit, the asks for what the log cannot read.
const mendBit = 1 << 30

// mends reports whether an ask is one for what the log cannot read.
func mends(ask uint32) bool { return ask&(graftBit|mendBit) == graftBit|mendBit }

// lookForHoles tells the loop what the log cannot read, until ctx ends: every so often, and when something was put back.
func (g *Gossip) lookForHoles(ctx context.Context) {
	tick := time.NewTicker(g.pace.offer)
	defer tick.Stop()
	for some := false; ; {
		holes, err := g.log.Damaged(ctx)
		if err != nil {
			g.unread(ctx, g.self, "looking for what cannot be read failed", err)
		} else if some || len(holes) > 0 {
			some = len(holes) > 0
			g.loop.do(func(s *state) { s.spread.mend(holes, time.Now()) })
		}
		select {
		case <-tick.C:
		case <-g.mended:
		case <-ctx.Done():
			return
		}
	}
}

// mend asks peers for holes.
func (s *spread) mend(holes []crdt.Span, now time.Time) {
	s.mending.Holes(holes)
	s.askForHoles(now)
}

func (s *spread) askForHoles(now time.Time) {
	if s.g.applier.full.Load() != nil {
		return // With no room, nothing is asked for.
	}
	peers := slices.Collect(maps.Keys(s.links))
	rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	for _, a := range s.mending.Plan(peers, now) {
		s.links[a.Peer].out.ask(backfill.Ask{ID: graftBit | mendBit | a.ID, Peer: a.Peer, Author: a.Span.Author, Span: &a.Span, MaxBytes: a.MaxBytes})
	}
}

// broughtBack takes in what became of a run that was asked for to mend the log.
func (s *spread) broughtBack(a arrival, f fate, now time.Time) {
	s.mending.Arrived(a.link.id, a.ask&(mendBit-1), a.run.Size(), f.Repaired, now)
}

// mendDone takes note that a peer's answer to an ask for a hole is over.
func (s *spread) mendDone(l *link, d wire.Done, now time.Time) {
	if s.mending.Done(l.id, d.Ask&(mendBit-1), now) {
		select {
		case s.g.mended <- struct{}{}:
		default:
		}
	}
	s.askForHoles(now)
}

// Mend asks the peers that this node is linked to for what the log cannot read, those too that had nothing of it
// before, and returns once none is left that has any of it. It needs [Gossip.Run] to run. Its error is ctx's, or the log's,
// or says that there is no room.
func (g *Gossip) Mend(ctx context.Context) error {
	for again := true; ; again = false {
		holes, err := g.log.Damaged(ctx)
		if err != nil {
			return err
		}
		settled := len(holes) == 0
		if err := g.roomless(); !settled && err != nil {
			return err
		}
		if !settled && !g.loop.ask(func(s *state) {
			if again {
				s.spread.mending.Again()
			}
			s.spread.mend(holes, time.Now())
			settled = s.spread.mending.Settled(slices.Collect(maps.Keys(s.links)), time.Now())
		}) {
			return errLeaving
		}
		if settled {
			return nil
		}
		if err := sleep(ctx, g.pace.tick); err != nil {
			return err
		}
	}
}
