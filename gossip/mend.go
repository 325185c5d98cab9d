package gossip

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backfill"
	"github.com/quipulog/quipu/gossip/backoff"
	"github.com/quipulog/quipu/gossip/wire"
)

// mendBit marks, beside graftBit, the asks for what the log cannot read.
const mendBit = 1 << 30

// mostFurther bounds the pause after all holes were asked for in vain, in times of the first one.
const mostFurther = 30

// mends reports whether an ask is one for what the log cannot read.
func mends(ask uint32) bool { return ask&(graftBit|mendBit) == graftBit|mendBit }

// lookForHoles tells the loop what the log cannot read, until ctx ends: every so often, and when something was put back.
func (g *Gossip) lookForHoles(ctx context.Context) {
	tick := time.NewTicker(g.pace.offer)
	defer tick.Stop()
	for some := false; ; {
		holes, err := g.log.Damaged(ctx)
		if err != nil {
			g.unread(ctx, g.self, "what cannot be read", err)
		} else if some || len(holes) > 0 {
			some = len(holes) > 0
			g.loop.do(func(s *state) {
				s.spread.mend(holes, time.Now())
				s.spread.lookFurther(holes, time.Now())
			})
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

// lookFurther has the log tell of other holes once those that it has told of were asked for in vain, of all who are linked.
// After all there are it pauses, for longer each time.
func (s *spread) lookFurther(holes []crdt.Span, now time.Time) {
	if len(holes) == 0 || !s.further.Over(now) || !s.mending.Tried(slices.Collect(maps.Keys(s.links))) {
		return
	}
	if round := s.g.log.DamagedFurther(holes); round != s.round {
		s.further.Fail(now, s.g.pace.avoid, mostFurther*s.g.pace.avoid)
		s.round = round
		return
	}
	s.lookAgain()
}

// triedAll reports whether nobody of peers has any of the holes, of all that there are since a round began. Where those that
// were asked for are not all, it has the log tell of others.
func (s *spread) triedAll(holes []crdt.Span, peers []linkID, round uint64) bool {
	return len(holes) == 0 || len(peers) == 0 || s.mending.Tried(peers) && s.g.log.DamagedFurther(holes) > round
}

// lookAgain has the holes looked for now.
func (s *spread) lookAgain() {
	select {
	case s.g.mended <- struct{}{}:
	default:
	}
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
		s.further = backoff.Pause{}
		s.lookAgain()
	}
	if s.askForHoles(now); !s.mending.Busy() {
		s.lookAgain() // for others, in place of those that nobody has
	}
}

// Mend asks the peers that this node is linked to for what the log cannot read, those too that had nothing of it
// before, and returns once none is left that has any of it. It needs [Gossip.Run] to run. Its error is ctx's, or the log's,
// or says that there is no room.
func (g *Gossip) Mend(ctx context.Context) error {
	round := g.log.DamagedFurther(nil)
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
			settled = s.spread.triedAll(holes, slices.Collect(maps.Keys(s.links)), round)
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
