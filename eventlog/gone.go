package eventlog

import (
	"context"
	"math"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/retention"
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
	if s.cfg.ReadOnly {
		if err := s.view(func(*readTx) error { return nil }); err != nil { // which looks what was forgotten since
			return snapshot{}, err
		}
	}
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

// explain returns the [*TrimmedError] for whoever stands before a hole and is not to pass it: with along in the
// arrivals, forward, else in the feed.
func (s *store) explain(ctx context.Context, h excerpt.Hole, along bool) error {
	scan := goneScan{
		found: &TrimmedError{Author: h.Author, Seq: h.Seq, Gone: h.Count, Pruned: h.Pruned},
		hole:  h, seq: h.Seq + h.Count, offset: h.From, here: h.Pruned, arrivals: along || h.Author.IsZero(),
	}
	if err := s.views(ctx, scan.step); err != nil {
		return err
	}
	scan.found.Elsewhere = !scan.here
	return scan.found
}

// goneStep bounds the ops that one transaction of a goneScan looks at.
const goneStep = 1 << 12

// goneScan looks for the first place, and the first offset, at which there is something again.
type goneScan struct {
	found  *TrimmedError
	hole   excerpt.Hole // that it begins with
	seq    uint64
	offset uint64
	placed bool // found.First is known
	here   bool // it is known that not all of it came without a body
	// arrivals says that what is gone is counted along the arrivals, not along the feed.
	arrivals bool
}

func (s *goneScan) step(tx *readTx) (more bool, err error) {
	if !s.found.Author.IsZero() && !s.placed {
		if err := s.begin(tx); err != nil {
			return false, err
		}
		if s.placed, err = s.place(tx); err != nil || !s.placed {
			return true, err
		}
	}
	return s.arrive(tx)
}

// begin looks at the op that the scan begins with.
func (s *goneScan) begin(tx *readTx) error {
	if s.here {
		return nil
	}
	c := tx.arrivalCursor()
	if !c.holding(s.hole.From) {
		return c.err
	}
	v, err := tx.valueOf(c.arrival)
	s.look(v)
	return err
}

// look notes whether the value of an op has lost its body here.
func (s *goneScan) look(v record.Op) { s.here = s.here || v.Sweep() > 0 }

// place looks along the feed, and reports whether it has come to an end with it.
func (s *goneScan) place(tx *readTx) (bool, error) {
	c, looked := tx.opCursor(s.found.Author), 0
	for range c.from(crdt.Key{First: s.seq}) {
		if !c.value.Bodiless() {
			if s.found.Pruned && !s.arrivals {
				s.offset = c.offset()
			}
			break
		}
		if looked++; looked > goneStep {
			return false, nil
		}
		op, err := c.signed()
		if err != nil {
			return false, err
		}
		if !s.arrivals {
			s.look(c.value)
			s.found.Gone += op.Next() - max(s.seq, op.First)
		}
		s.seq = op.Next()
	}
	s.found.First = crdt.Place{Author: s.found.Author, Seq: s.seq}
	return true, c.err
}

// arrive looks along the arrivals, and reports whether there may be more to look at.
func (s *goneScan) arrive(tx *readTx) (more bool, err error) {
	c, looked := tx.arrivalCursor(), 0
	for a := range c.from(s.offset, false) {
		v, err := tx.valueOf(a)
		if looked++; err != nil || looked > goneStep {
			return true, err
		}
		s.offset = max(s.offset, a.Offset)
		if !v.Bodiless() {
			break
		}
		if s.arrivals {
			s.look(v)
		}
		s.offset = a.Offset + a.Count
	}
	if s.found.Offset = s.offset; s.arrivals {
		s.found.Gone = s.offset - s.hole.From + s.hole.Missed()
	}
	return false, c.err
}

// Pruned reports whether the entry at p was forgotten by its author's leave: dropped here, or dropped
// elsewhere before it came. The branch of p is not looked at.
func (l *Log) Pruned(p crdt.Place) bool {
	_, pruned := excerpt.PrunedAt(l.store.feed(p.Author), p.Seq)
	return pruned
}

// Gone returns, in order of author, what is not here of each feed that is not here as a whole.
func (l *Log) Gone() []GoneFrom {
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	var gone []GoneFrom
	for _, f := range l.store.state.Feeds {
		if g, some := retention.GoneOf(f.Feed, f.Trimmed); some {
			gone = append(gone, g)
		}
	}
	slices.SortFunc(gone, func(a, b GoneFrom) int { return a.Author.Compare(b.Author) })
	return gone
}
