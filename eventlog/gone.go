package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// goneError ends a reading at what is gone. It is what a transaction knows; explainGone makes a
// [*TrimmedError] of it.
type goneError struct {
	author    crdt.Author // zero where offsets are missing from the arrivals
	seq, next uint64      // what is gone begins at seq and goes up to next at least
	offset    uint64      // of seq; not known where the author is and it was pruned
	pruned    bool
	// arrivals says that the reading goes along the arrivals, and missed how many of the entries have no
	// offset.
	arrivals bool
	missed   uint64
}

func (e *goneError) Error() string {
	return fmt.Sprintf("entries of %s from %d on are gone", e.author.Short(), e.seq)
}

func isGone(err error) bool {
	_, gone := errors.AsType[*goneError](err)
	return gone
}

// explainGone turns a goneError into a [*TrimmedError]; any other error stays as it is.
func (s *store) explainGone(ctx context.Context, err error) error {
	gone, ok := errors.AsType[*goneError](err)
	if !ok {
		return err
	}
	scan := goneScan{
		found: &TrimmedError{Author: gone.author, Gone: gone.next - gone.seq, Pruned: gone.pruned},
		seq:   gone.next, from: gone.offset, offset: gone.offset, arrivals: gone.arrivals || gone.author.IsZero(), missed: gone.missed,
	}
	scan.here = gone.author.IsZero() || gone.pruned
	if !gone.author.IsZero() {
		scan.found.Seq = gone.seq
	}
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := s.view(func(tx *readTx) (err error) {
			more, err = scan.step(tx)
			return err
		}); err != nil {
			return err
		}
	}
	scan.found.Elsewhere = !scan.here
	return scan.found
}

// goneStep bounds the ops that one transaction of a goneScan looks at.
const goneStep = 1 << 12

// goneScan looks for the first place, and the first offset, at which there is something again.
type goneScan struct {
	found  *TrimmedError
	seq    uint64
	from   uint64 // the first offset that is gone
	offset uint64
	placed bool // found.First is known
	here   bool // it is known that not all of it came without a body
	// arrivals says that what is gone is counted along the arrivals, not along the feed.
	arrivals bool
	missed   uint64 // entries that have no offset
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
	if !c.holding(s.from) {
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
		s.found.Gone = s.offset - s.from + s.missed
	}
	return false, c.err
}

// valueOf returns the value of an op that arrived.
func (tx *readTx) valueOf(a record.Arrival) (record.Op, error) {
	t := tx.ops(a.Author)
	if t == nil {
		return nil, damagedArrival(a.Offset, fmt.Errorf("no op of author %s is held", a.Author.Short()))
	}
	k := record.OpKey(a.Key)
	return t.Get(k[:]), nil
}

// pruneOvertakes returns the error that ends a reading which would go on at seq begin of feed f, where
// what stood there was pruned.
func (tx *readTx) pruneOvertakes(k *chunk, f crdt.Feed, begin uint64) error {
	if f.First() <= begin || len(f.Leave.Bytes()) == 0 {
		return nil
	}
	v := tx.feeds().Get(f.Author[:])
	if v == nil {
		return nil
	}
	kept, err := record.ParseFeed(f.Author, v)
	if err != nil {
		return damagedFeed(f.Author, err)
	}
	if !k.gone.prunedBy(kept.PruneSweep) {
		return nil
	}
	return &goneError{author: f.Author, seq: begin, next: f.First(), pruned: true}
}

// hole is a stretch of offsets whose entries are not here: from ≤ offset < to.
type hole struct {
	author   crdt.Author // zero when the arrival is gone too: the entries were pruned
	seq      uint64      // of the entry at from
	from, to uint64
	// missed is how many entries of the author never came, where the hole is one of its feed, and takes up no
	// offsets: it lies before the entry at from.
	missed uint64
}

// pruned reports whether the arrivals of the hole are gone too.
func (h *hole) pruned() bool { return h.author.IsZero() }

// count returns how many entries are gone.
func (h *hole) count() uint64 { return h.to - h.from + h.missed }

// trimmed returns the error for whoever stands before a hole and is not to skip it.
func (s *store) trimmed(ctx context.Context, h hole) (*TrimmedError, error) {
	err := s.explainGone(ctx, &goneError{
		author: h.author, seq: h.seq, next: h.seq + h.count(), offset: h.from, pruned: h.pruned() || h.missed > 0,
		arrivals: true, missed: h.missed,
	})
	if trimmed, ok := errors.AsType[*TrimmedError](err); ok {
		return trimmed, nil
	}
	return nil, err
}

// Pruned reports whether the entry at p was forgotten by its author's leave: dropped here, or dropped
// elsewhere before it could come. The branch that p may name is not looked at.
func (l *Log) Pruned(p crdt.Place) bool { return pruned(l.Feed(p.Author), p.Seq) != nil }

// pruned returns the error for an entry of f that was pruned; nil if it was not.
func pruned(f crdt.Feed, seq uint64) error {
	if seq < f.First() {
		return &goneError{author: f.Author, seq: seq, next: f.First(), pruned: true}
	}
	for _, m := range f.Missed() {
		if m.From <= seq && seq < m.To {
			return &goneError{author: f.Author, seq: seq, next: m.To, pruned: true}
		}
	}
	return nil
}

// GoneFrom says what of one author's feed is not here.
type GoneFrom struct {
	Author crdt.Author
	// First is the first seq that is here: what stood below was pruned, here or before it came.
	First uint64
	// Trimmed counts the entries from First on whose bodies are gone, Missed those between two pieces that
	// are here: they were pruned before this node, which was away, could get them.
	Trimmed, Missed uint64
	// Floor is the seq below which the author has given leave to forget the feed; 0 for none.
	Floor uint64
}

// Gone returns what is not here of the feeds that are not here as a whole, in order of author.
func (l *Log) Gone() []GoneFrom {
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	var gone []GoneFrom
	for a, f := range l.store.state.feeds {
		g := GoneFrom{Author: a, First: f.Feed.First(), Trimmed: f.Trimmed, Floor: f.Feed.Floor()}
		for _, m := range f.Feed.Missed() {
			g.Missed += m.To - m.From
		}
		if g.First > 0 || g.Missed > 0 || g.Trimmed > 0 || g.Floor > 0 {
			gone = append(gone, g)
		}
	}
	slices.SortFunc(gone, func(a, b GoneFrom) int { return a.Author.Compare(b.Author) })
	return gone
}
