package gossip

import (
	"errors"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// maxStarved bounds the authors that are remembered as starved.
const maxStarved = 1024

// Starved is an author whose feed cannot be completed here: the members that have it have dropped bodies
// that this node's policy keeps. It ends when one comes that has them, when they are old enough for this
// node too, or when the node is started with a policy like theirs.
type Starved struct {
	Author crdt.Author
	Peer   crdt.Author // who sent it last without them
	Since  time.Time
	Err    error // which op, and what this node keeps; wraps [crdt.ErrStripped]
}

// starve takes note of a run that was refused, if that was for want of bodies, and reports whether its
// author was starved before.
func (s *spread) starve(a arrival, err error, now time.Time) (known bool) {
	author := a.run.Author()
	old, known := s.starved[author]
	if !errors.Is(err, crdt.ErrStripped) || !known && len(s.starved) >= maxStarved {
		return false
	}
	if !known {
		old.Since = now
	}
	s.schedule.Withhold(author, true)
	s.starved[author] = Starved{Author: author, Peer: a.link.peer, Since: old.Since, Err: err}
	return known
}

// allStarved returns the authors that are starved, in order.
func (s *spread) allStarved() []Starved {
	var all []Starved
	for _, f := range s.starved {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Starved) int { return a.Author.Compare(b.Author) })
	return all
}
