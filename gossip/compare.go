package gossip

import (
	"context"
	"fmt"
	"iter"
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

// smallFrontier is the number of authors up to which a whole frontier is sent at once.
const smallFrontier = 100

// comparison is ours with a peer, and what it has found so far.
type comparison struct {
	*crdt.Comparison
	found   differences
	unknown int // authors among those found lacking of whom nothing is held
}

// differences is what a comparison has found, of at most [crdt.MaxDiffer] authors each.
type differences struct {
	round   uint32
	lacking crdt.Frontier // heads of the peer that lead to something we lack
	behind  crdt.Frontier // heads of the peer where they are not ours: it may lack something
	more    bool          // there are new authors that the peer may not bring yet
}

// answers reports whether round is that of the comparison under way, and begins it with the first
// answer.
func (r *reader) answers(round uint32) bool {
	if round == 0 || round != r.l.round.Load() {
		return false // It has been given up.
	}
	if r.comparison.found.round != round {
		c := crdt.NewComparison(r.l.roots.digest())
		r.comparison = comparison{Comparison: c, found: differences{round: round, lacking: make(crdt.Frontier), behind: c.Behind()}}
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
		g.unread(ctx, l.peer, "comparing with a peer failed", err)
		return
	}
	for _, w := range wants {
		switch unknown := g.applier.brings(l.peer, g.log.Feed(w.Author)); {
		case len(c.found.lacking) >= crdt.MaxDiffer:
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
	r.g.loop.do(func(s *state) { s.spread.compared(l, found, equal) })
}

// answerOffer writes what begins a comparison on the peer's side.
func (w *writer) answerOffer(ctx context.Context, o wire.Offer) error {
	at := time.Now()
	d := w.l.roots.digest()
	switch {
	case d.Root() == o.Root:
		w.g.loop.do(func(s *state) { s.spread.equal(w.l, at) })
		return w.write(ctx, wire.Same{Round: o.Round})
	case d.Len() <= smallFrontier:
		return w.vectors(ctx, o.Round, d, []crdt.Path{{}})
	}
	top, heads := d.Answer(crdt.Probe{})
	if heads {
		return fmt.Errorf("answer offer: a digest of %d authors has no top", d.Len())
	}
	return w.write(ctx, wire.Nodes{Round: o.Round, Nodes: []crdt.Node{top}, Last: true})
}

// answerProbe writes what lies under the paths that a peer probes.
func (w *writer) answerProbe(ctx context.Context, m wire.Probe) error {
	d := w.l.roots.digest()
	var nodes []crdt.Node
	var ranges []crdt.Path
	for _, p := range m.Probes {
		if n, heads := d.Answer(p); heads {
			ranges = append(ranges, p.Path)
		} else {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) > 0 {
		if err := w.write(ctx, wire.Nodes{Round: m.Round, Nodes: nodes, Last: len(ranges) == 0}); err != nil {
			return err
		}
	}
	return w.vectors(ctx, m.Round, d, ranges)
}

// vectors writes what is held of the authors under paths; the last message ends the answer.
func (w *writer) vectors(ctx context.Context, round uint32, d crdt.Digest, paths []crdt.Path) error {
	for i, p := range paths {
		after, upto := p.AuthorRange()
		for v := range wire.Vectors(after, upto, w.heads(d, after, upto)) {
			v.Round, v.Last = round, i == len(paths)-1 && v.Upto == upto
			w.g.sent.vectors.Add(1)
			if err := w.write(ctx, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// heads yields the heads of the authors of d in a range.
func (w *writer) heads(d crdt.Digest, after, upto crdt.Author) iter.Seq2[crdt.Author, []crdt.Head] {
	return func(yield func(crdt.Author, []crdt.Head) bool) {
		for a := range d.Between(after, upto) {
			if heads := w.g.log.Feed(a).Heads(); len(heads) > 0 && !yield(a, heads) {
				return
			}
		}
	}
}
