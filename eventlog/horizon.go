package eventlog

import "math"

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
	return snapshot{Bound: s.state.Next, Sweep: s.state.Sweep}, nil
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
