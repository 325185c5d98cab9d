package eventlog

import (
	"cmp"
	"errors"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/holes"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// filled takes note of what was put back.
func (s *store) filled(all []holes.Filled) {
	for _, h := range all {
		s.holes.Filled(h.Author, h.Stretch)
		s.logger.Debug("put back what could not be read", "author", h.Author, "from", h.From, "upto", h.Upto)
		if d := s.damage.Load(); d != nil && d.op != nil && d.op.Author == h.Author && h.From <= d.op.Seq && d.op.Seq < h.Upto {
			s.damage.CompareAndSwap(d, nil)
		}
	}
}

// holesOf returns the part of the file that ops of a's are put back into.
func holesOf(tx *writeTx, a crdt.Author) (f holes.File, err error) {
	f = holes.File{Arrivals: tx.arrivals.Tree(), Next: tx.staged}
	var failed error
	f.Ops, err = opsOf(tx, a)
	f.Sweep, failed = tx.sweep()
	return f, errors.Join(err, failed)
}

// putBack puts an op back, with the offset that it had.
func putBack(tx *writeTx, op crdt.Op) error {
	f, err := holesOf(tx, op.Author)
	if err != nil {
		return err
	}
	feed := tx.edit(op.Author)
	moved, err := f.Restore(feed, op, tx.room(record.OpSize(op)))
	if moved && err == nil {
		tx.staged += op.Count
		err = tx.beginSweep()
		feed.PruneSweep = tx.ownSweep
	}
	if n := len(tx.filled); n > 0 && tx.filled[n-1].Author == op.Author && tx.filled[n-1].Upto == op.First {
		tx.filled[n-1].Upto = op.Next()
	} else {
		tx.filled = append(tx.filled, holes.Filled{Author: op.Author, Stretch: holes.Stretch{From: op.First, Upto: op.Next()}})
	}
	return cmp.Or(err, tx.ids().Add(op))
}

// opsOf returns the ops of a's feed for writing to.
func opsOf(tx *writeTx, a crdt.Author) (ops *disk.Tree, err error) {
	if ops = tx.written[a]; ops == nil {
		ops, err = tx.Tree(bucketOps).Packed().CreateGrowing(a[:])
		tx.written[a] = ops
	}
	return ops, err
}
