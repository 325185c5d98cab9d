package eventlog

import (
	"math"

	"github.com/quipulog/quipu/crdt"
)

// snapshot is what a reading shows: what has an offset below Bound, less what was forgotten by then. Page
// tokens have it.
type snapshot struct {
	Bound uint64 // the offset after the last entry in it
	Sweep uint64 // the last one before it
}

const (
	// noSweep comes before all: to whoever keeps a cursor, all that ever went may have been to come.
	noSweep uint64 = 0
	// everySweep comes after all: whatever goes, went before.
	everySweep uint64 = math.MaxUint64
)

// snapshot returns what a reading shows that begins now.
func (s *store) snapshot() (snapshot, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return snapshot{}, ErrClosed
	}
	return snapshot{Bound: s.state.next, Sweep: s.state.sweep}, nil
}

// horizon is how far a reading sees of what is forgotten. What lies behind it is left out as if it had never
// been; of all else that is gone the chunk tells, and whoever drains it decides.
type horizon struct {
	gone  Gone
	sweep uint64 // what went with a later one is not behind the horizon
}

// showsGone is the horizon of who takes ops as they are, with or without their bodies.
func showsGone() horizon { return horizon{gone: ShowGone, sweep: everySweep} }

// skipsGone is the horizon of who takes what is there.
func skipsGone() horizon { return horizon{gone: SkipGone, sweep: everySweep} }

// passes reports whether what went with the given sweep, 0 if it never was here, is left out.
func (h horizon) passes(sweep uint64) bool { return h.gone != StopAtGone && sweep <= h.sweep }

// hole is a stretch of entries that are not here: their bodies are gone, or they are, or never came.
type hole struct {
	author crdt.Author // zero where the arrivals are gone too, so that nobody knows any more whose they were
	seq    uint64      // of the first
	count  uint64
	// from ≤ offset < to are the offsets that it takes up: those of entries that never came are none, which
	// lie before the entry at from. Of what was pruned along a feed they are not known.
	from, to uint64
	pruned   bool
}

// missed returns how many of the entries never came, where the hole is one in the arrivals.
func (h *hole) missed() uint64 { return h.count - (h.to - h.from) }

// prunedOffsets returns the hole of offsets from ≤ offset < to that have no arrival.
func prunedOffsets(from, to uint64) hole {
	return hole{count: to - from, from: from, to: to, pruned: true}
}

// prunedSeqs returns the hole of a feed's entries from ≤ seq < to. What of it never came lies before offset.
func prunedSeqs(a crdt.Author, from, to, offset uint64) hole {
	return hole{author: a, seq: from, count: to - from, from: offset, to: offset, pruned: true}
}
