package answer

import (
	"iter"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// smallFrontier is the number of authors up to which a whole frontier is sent at once.
const smallFrontier = 100

// Held is what is needed of a log to answer comparisons.
type Held interface {
	Feed(crdt.Author) crdt.Feed
}

// Offer yields what begins a comparison on the peer's side, of the log whose digest is d.
func Offer(log Held, d crdt.Digest, o wire.Offer) iter.Seq[wire.Message] {
	return func(yield func(wire.Message) bool) {
		top, heads := d.Answer(crdt.Probe{})
		switch {
		case d.Root() == o.Root:
			yield(wire.Same{Round: o.Round})
		case heads || d.Len() <= smallFrontier:
			vectors(log, o.Round, d, []crdt.Path{{}}, yield)
		default:
			yield(wire.Nodes{Round: o.Round, Nodes: []crdt.Node{top}, Last: true})
		}
	}
}

// Probe yields what lies under the paths that a peer probes.
func Probe(log Held, d crdt.Digest, m wire.Probe) iter.Seq[wire.Message] {
	return func(yield func(wire.Message) bool) {
		var nodes []crdt.Node
		var ranges []crdt.Path
		for _, p := range m.Probes {
			if n, heads := d.Answer(p); heads {
				ranges = append(ranges, p.Path)
			} else {
				nodes = append(nodes, n)
			}
		}
		if len(nodes) == 0 || yield(wire.Nodes{Round: m.Round, Nodes: nodes, Last: len(ranges) == 0}) {
			vectors(log, m.Round, d, ranges, yield)
		}
	}
}

// vectors yields what is held of the authors under paths; the last message ends the answer.
func vectors(log Held, round uint32, d crdt.Digest, paths []crdt.Path, yield func(wire.Message) bool) {
	for i, p := range paths {
		after, upto := p.AuthorRange()
		for v := range wire.Vectors(after, upto, heads(log, d, after, upto)) {
			v.Round, v.Last = round, i == len(paths)-1 && v.Upto == upto
			if !yield(v) {
				return
			}
		}
	}
}

// heads yields the heads of the authors of d in a range.
func heads(log Held, d crdt.Digest, after, upto crdt.Author) iter.Seq2[crdt.Author, []crdt.Head] {
	return func(yield func(crdt.Author, []crdt.Head) bool) {
		for a := range d.Between(after, upto) {
			if heads := log.Feed(a).Heads(); len(heads) > 0 && !yield(a, heads) {
				return
			}
		}
	}
}
