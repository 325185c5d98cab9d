package transient

import (
	"time"

	"github.com/quipulog/quipu/crdt"
)

const (
	// keepSeen is how long the id of an event is remembered at least: as long as it passes for fresh.
	keepSeen = crdt.MaxBroadcastAge + crdt.MaxAhead
	// maxSeen bounds the ids that are remembered, twice so many in all. More in [keepSeen] take the place
	// of the oldest, and an event of those could be told twice.
	maxSeen = 1 << 17
)

// seen is the ids of the events of the last minutes, each with whether the event was sent on. There are
// two sets: when the young one is full of ids or of minutes, it takes the place of the old one.
type seen struct {
	young, old map[seenID]bool
	turned     time.Time // when young began
}

// seenID is the beginning of an event's id.
type seenID [16]byte

// note takes note of an event, which may be sent on if it came from its author, and says whether it is
// the first time that it came, and whether it is to be sent on now.
func (s *seen) note(id crdt.Hash, first bool, now time.Time) (fresh, relay bool) {
	if s.young == nil || now.Sub(s.turned) >= keepSeen || len(s.young) >= maxSeen {
		s.young, s.old, s.turned = make(map[seenID]bool), s.young, now
	}
	key := seenID(id[:])
	relayed, known := s.young[key]
	if !known {
		relayed, known = s.old[key]
	}
	relay = first && !relayed
	if !known || relay {
		s.young[key] = relayed || relay
	}
	return !known, relay
}
