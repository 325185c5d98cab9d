package backfill

import (
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Halt has nobody asked for anything, until it is called with false: nothing can be stored here. What was
// asked for is not waited for, and nobody is blamed for it. Meanwhile what is claimed counts as lag, since
// it cannot be put to the test.
func (s *Schedule) Halt(on bool, now time.Time) {
	s.halted = on
	for _, p := range s.peers {
		for _, a := range slices.Clone(p.asks) {
			s.giveUp(a, false, now)
			s.drop(a, now)
		}
	}
}

// Withhold says whether what is claimed of an author can be had only without bodies that this node keeps.
// Then it counts as lag, though nobody is asked for it.
func (s *Schedule) Withhold(author crdt.Author, on bool) {
	if on {
		s.withheld[author] = true
	} else {
		delete(s.withheld, author)
	}
}
