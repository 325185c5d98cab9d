package eventlog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/holes"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/retention"
)

// pruning forgets the ops of one feed below its floor.
type pruning struct {
	*forgetting
	author crdt.Author
	// lost says that nobody who is known keeps what lies below the floor: what of a hole there was known before does not come
	// back, and goes as if it could be read.
	lost bool
}

// left returns what is left of the feed. Of an op that arrived later than tx.next it has the offset.
func (p *pruning) left(tx *readTx) *holes.Left {
	return &holes.Left{Ops: tx.ops(p.author), Author: p.author, Next: tx.next, Gone: p.gone}
}

// gone reports whether nobody can give back what stood at a seq and cannot be read.
func (p *pruning) gone(seq uint64) bool { return p.lost && p.store.holes.Covers(p.author, seq) }

// find looks for them in order from the first.
func (p *pruning) find(tx *readTx, f *found) error {
	feed, err := tx.Feed(p.author)
	if err != nil || feed.Forgettable() <= feed.First() {
		return err
	}
	left := p.left(tx)
	hold := func(offset, count uint64) bool { return p.holders.Hold(offset, count, true) }
	f.keys, f.more = left.Prunable(feed, holes.Bounds{Most: p.most, Look: trimLook, Hold: hold})
	if left.Err != nil {
		return damagedOp(p.author, left.Key, left.Err)
	}
	return nil
}

// forget drops the ops, and what is missing between them. Those that may not be forgotten any more, since a fork has become
// known, stay.
func (p *pruning) forget(tx *writeTx, keys []crdt.Key, count *Forgotten) error {
	a := p.author
	ops, floor := tx.ops(a), tx.feedState(a).Feed.Forgettable()
	keys = slices.DeleteFunc(keys, func(k crdt.Key) bool { return k.First >= floor })
	if ops == nil || len(keys) == 0 {
		return nil
	}
	f, c, last, before := tx.edit(a), tx.opCursor(a), keys[len(keys)-1], count.Entries
	if !c.seek(record.KeyAfter(last)) {
		return cmp.Or(c.err, damagedOp(a, last, errMissing))
	}
	start, err := signedAt(a, c.key, c.value)
	if err != nil {
		return err
	}
	offset, next := c.offset(), f.Feed.First()
	lacks := func(key crdt.Key) {
		if _, begins := f.Feed.BranchFrom(key); key.First > next && !begins {
			count.Lost = append(count.Lost, retention.Lost{Author: a, From: next, Upto: key.First})
		}
	}
	keys = p.left(&tx.readTx).Upto(last) // another trim may have been faster, and what was missing may be back
	for i, key := range keys {
		k := record.OpKey(key)
		v := record.Op(ops.Get(k[:]))
		s, err := tx.arrivedAt(a, key, v)
		if err == nil {
			lacks(key)
			count.Count(s.Count, len(v)+record.ArrivalSize)
			at := record.Offset(v.Offset())
			f.Drop(v, s.Count, tx.ownSweep)
			next, err = s.Next(), tx.arrivals.Tree().Remove(at[:])
		} else if p.gone(key.First) {
			f.Lose(v, append(keys, start.Key())[i+1].First-key.First)
			err = nil
		}
		if err = errors.Join(err, tx.ids().Forget(a, key, v), ops.Remove(k[:])); err != nil {
			return fmt.Errorf("prune op: %w", err)
		}
	}
	if lacks(start.Key()); f.Forget(start, count.Entries-before, tx.ownSweep) == 0 {
		return nil
	}
	return holes.Forget(tx.arrivals.Tree(), start, offset)
}
