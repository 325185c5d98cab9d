package eventlog

import (
	"bytes"
	"cmp"

	"github.com/quipulog/quipu/eventlog/internal/excerpt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// plan is what the index has found for a query: where to look instead of everywhere.
type plan struct {
	// offsets are those of the ops that may hold what is asked for, in order.
	offsets []uint64
	// reached is where the index ends. From there on all is looked at.
	reached uint64
}

// foundWalk reads in arrival order what the index has found, and then, or before it with reverse, what
// the index has not reached.
type foundWalk struct {
	arrivalWalk
	offsets []uint64 // of the ops that were not read yet
	rest    *arrivalWalk
}

// newFoundWalk makes a walk of what scan would read all of.
func newFoundWalk(scan *arrivalWalk, p plan) *foundWalk {
	rest := *scan
	rest.from = max(rest.from, p.reached)
	w := &foundWalk{arrivalWalk: *scan, offsets: p.offsets, rest: &rest}
	w.to = min(w.to, p.reached)
	return w
}

func (w *foundWalk) fill(tx *readTx, k *chunk) (more bool, err error) {
	if w.reverse && w.rest != nil {
		return w.fillRest(tx, k)
	}
	feeds, c := make(openFeeds), tx.arrivalCursor()
	for len(w.offsets) > 0 {
		if k.full() {
			return true, nil
		}
		k.bytes += opOverhead
		if offset := w.next(); !c.get(offset) {
			if c.err != nil {
				return false, c.err
			}
			at := max(w.from, offset) // The op may begin below the range.
			k.lost(excerpt.PrunedOffsets(at, at+1), tx.pruneSweep)
			continue
		}
		if err := w.take(tx, k, feeds, c.arrival); err != nil {
			return false, err
		}
	}
	if w.rest != nil && !k.full() {
		return w.fillRest(tx, k)
	}
	return w.rest != nil, nil
}

// fillRest reads what the index has not reached.
func (w *foundWalk) fillRest(tx *readTx, k *chunk) (more bool, err error) {
	more, err = w.rest.fill(tx, k)
	if !more {
		w.rest = nil
	}
	return more || len(w.offsets) > 0, err
}

// next takes the next offset out of those that were found.
func (w *foundWalk) next() (offset uint64) {
	last := len(w.offsets) - 1
	if w.reverse {
		offset, w.offsets = w.offsets[last], w.offsets[:last]
		return offset
	}
	offset, w.offsets = w.offsets[0], w.offsets[1:]
	return offset
}

// get moves to the arrival that begins at offset and reports whether there is one.
func (c *arrivalCursor) get(offset uint64) bool {
	key := record.Offset(offset)
	k, v := c.c.Seek(key[:])
	c.err = cmp.Or(c.err, c.c.Err())
	return bytes.Equal(k, key[:]) && c.at(k, v)
}
