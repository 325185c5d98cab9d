package eventlog

import (
	"fmt"
	"iter"

	"github.com/quipulog/quipu/eventlog/internal/choice"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// arrivalWalk reads in arrival order: along the arrivals, opening each op that they name.
type arrivalWalk struct {
	filter  *choice.Filter
	reverse bool
	// from ≤ offset < to is what was not read yet.
	from, to uint64
}

func newArrivalWalk(f *choice.Filter, reverse bool, after *pageEnd, bound uint64) *arrivalWalk {
	w := &arrivalWalk{filter: f, reverse: reverse, from: f.FromOffset, to: bound}
	if after != nil {
		if reverse {
			w.to = min(w.to, after.Offset)
		} else {
			w.from = max(w.from, after.Offset+1)
		}
	}
	return w
}

func (w *arrivalWalk) fill(tx *readTx, k *chunk) (more bool, err error) {
	feeds := make(openFeeds)
	c := tx.arrivalCursor()
	for a := range w.arrivals(c) {
		if k.full() {
			return true, nil
		}
		k.bytes += opOverhead
		if err := w.upTo(tx, k, a); err != nil {
			return false, err
		}
		if err := w.take(tx, k, feeds, a); err != nil {
			return false, err
		}
		if w.reverse {
			w.to = a.Offset
		} else {
			w.from = a.Offset + a.Count
		}
		if w.from >= w.to {
			break
		}
	}
	if c.err == nil && w.reverse {
		c.err = w.passHole(tx, k, w.from, w.to) // before the first arrival
	}
	return false, c.err
}

// arrivals yields the arrivals from the one on that has the first offset to be read.
func (w *arrivalWalk) arrivals(c *arrivalCursor) iter.Seq[record.Arrival] {
	if w.from >= w.to {
		return func(func(record.Arrival) bool) {}
	}
	if w.reverse {
		return c.from(w.to-1, true)
	}
	return c.from(w.from, false)
}

// upTo looks for a hole between what was read and the next arrival.
func (w *arrivalWalk) upTo(tx *readTx, k *chunk, a record.Arrival) error {
	if w.reverse {
		return w.passHole(tx, k, max(w.from, a.Offset+a.Count), w.to)
	}
	return w.passHole(tx, k, w.from, min(a.Offset, w.to))
}

// passHole tells of the offsets from ≤ offset < next, which have no arrival: their ops were pruned, it is not known
// when. Where none ever was, that is damage.
func (w *arrivalWalk) passHole(tx *readTx, k *chunk, from, next uint64) error {
	if from < next && tx.pruneSweep == 0 {
		return damagedArrival(from, fmt.Errorf("%w, and nothing was ever pruned", errMissing))
	}
	if from < next {
		k.lost(excerpt.PrunedOffsets(from, next), tx.pruneSweep)
	}
	return nil
}

// take opens the op of one arrival, unless no entry of its author is wanted.
func (w *arrivalWalk) take(tx *readTx, k *chunk, feeds openFeeds, a record.Arrival) error {
	from, to := max(w.from, a.Offset), min(w.to, a.Offset+a.Count)
	if from >= to || !w.filter.TakesAuthor(a.Author) {
		return nil
	}
	f, err := feeds.open(tx, k, a.Author)
	if err != nil {
		return err
	}
	if !f.c.get(a.Key) {
		if f.c.err != nil {
			return f.c.err
		}
		return damagedOp(a.Author, a.Key, errMissing)
	}
	if f.c.offset() != a.Offset {
		return damagedArrival(a.Offset, fmt.Errorf("its op has the offset %d", f.c.offset()))
	}
	op, _, err := f.read(k, f.c)
	if err != nil {
		return err
	}
	if op == nil {
		return nil
	}
	if op.Count != a.Count {
		return damagedArrival(a.Offset, fmt.Errorf("its op has %d entries, not %d", op.Count, a.Count))
	}
	k.excerpts = append(k.excerpts, excerpt.Excerpt{Op: op, From: a.Key.First + from - a.Offset, To: a.Key.First + to - a.Offset})
	return nil
}
