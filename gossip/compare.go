package gossip

import (
	"context"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backfill"
	"github.com/quipulog/quipu/gossip/wire"
)

// A node that wants to know what a peer has offers the root of its digest, and the peer answers from
// its own, without keeping anything:
//
//	asker                          peer
//	│ Offer  round 7, root           │
//	├───────────────────────────────▶│  roots are equal: Same, and that is all
//	│ Nodes  the top: 16 prints      │  (or the whole Vector, if it is small)
//	│◀───────────────────────────────┤
//	│ Probe  where prints differ     │
//	├───────────────────────────────▶│
//	│ Nodes, Vector of small ranges  │
//	│◀───────────────────────────────┤  … until nothing is left to probe
//
// Each side asks for itself, with a [crdt.Comparison]. With d differing authors of n that takes O(d log n) bytes.

// comparison is ours with a peer, and what it has found so far.
type comparison struct {
	*crdt.Comparison
	found   differences
	unknown int // authors among those found lacking of whom nothing is held
	basis   basis
	since   uint64 // what the peer had said before
}

// differences is what a comparison has found, of at most [crdt.MaxDiffer] authors each.
type differences struct {
	round   uint32
	lacking crdt.Frontier // heads of the peer that lead to something we lack
	behind  crdt.Frontier // heads of the peer where they are not ours: it may lack something
	more    bool          // there are new authors that the peer may not bring yet
}

// answers takes note of an answer, and reports whether its round is that of the comparison under way, which it
// begins with the first.
func (r *reader) answers(round uint32) bool {
	r.l.transient.Answered(round, time.Now())
	if round == 0 || round != r.l.round.Load() {
		return false // It has been given up.
	}
	if r.comparison.found.round != round {
		b := r.l.roots.basis()
		c := crdt.NewComparison(b.digest)
		r.comparison = comparison{Comparison: c, basis: b, since: r.l.process.Now(), found: differences{round: round, lacking: make(crdt.Frontier), behind: c.Behind()}}
	}
	return true
}

// same ends a comparison that found nothing.
func (r *reader) same(m wire.Same) {
	if r.answers(m.Round) {
		r.conclude(true)
	}
}

// nodes takes in a part of the answer to a probe.
func (r *reader) nodes(m wire.Nodes) {
	if !r.answers(m.Round) {
		return
	}
	r.comparison.Nodes(m.Nodes)
	if m.Last {
		r.step()
	}
}

// vector looks for what a peer holds and we lack, and where it is behind us.
func (r *reader) vector(ctx context.Context, m wire.Vector) {
	if !r.answers(m.Round) {
		return
	}
	g, l, c := r.g, r.l, &r.comparison
	theirs, asked := c.Heads(m.After, m.Upto, m.Heads)
	if !asked {
		return
	}
	theirs = theirs.Without(l.roots.excluded())
	wants, err := g.log.Wants(ctx, theirs, 0)
	if err != nil {
		g.unread(ctx, l.peer, "a comparison", err)
		return
	}
	for _, w := range wants {
		switch unknown := g.applier.brings(l.peer, g.log.Feed(w.Author)); {
		case len(c.found.lacking) >= crdt.MaxDiffer && w.Author != g.self: // Of our own feed, a comparison tells all.
		case unknown && c.unknown >= g.applier.newcomers.room(l.peer, time.Now()):
			c.found.more = true // the next comparison may find them
		default:
			if unknown {
				c.unknown++
			}
			c.found.lacking[w.Author] = r.notHeld(ctx, w.Author, theirs[w.Author])
		}
	}
	if m.Last {
		r.step()
	}
}

// notHeld returns a copy of those of heads, at most [backfill.MaxOfferHeads], that lead to something we
// lack. Heads that we do hold would hide the others where there are many.
func (r *reader) notHeld(ctx context.Context, a crdt.Author, heads []crdt.Head) []crdt.Head {
	if len(heads) <= backfill.MaxOfferHeads {
		return slices.Clone(heads)
	}
	var lacking []crdt.Head
	for _, h := range slices.Backward(heads) {
		wants, err := r.g.log.Wants(ctx, crdt.Frontier{a: {h}}, 1)
		if err == nil && len(wants) == 0 {
			continue
		}
		if lacking = append(lacking, h); len(lacking) == backfill.MaxOfferHeads {
			break
		}
	}
	slices.SortFunc(lacking, crdt.Head.Compare)
	return lacking
}

// step goes on with a comparison, or ends it.
func (r *reader) step() {
	if probes := r.comparison.Next(wire.MaxProbes); len(probes) > 0 {
		r.l.out.probe(wire.Probe{Round: r.comparison.found.round, Probes: probes})
		return
	}
	r.conclude(false)
}

// conclude ends the comparison under way.
func (r *reader) conclude(equal bool) {
	l, found := r.l, r.comparison.found
	l.round.CompareAndSwap(found.round, 0)
	r.stands(equal)
	r.g.loop.do(func(s *state) { s.spread.compared(l, found, equal) })
}
