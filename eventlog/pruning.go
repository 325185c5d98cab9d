package eventlog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/holes"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// pruning forgets the ops of one feed below its floor.
type pruning struct {
	*forgetting
	author crdt.Author
}

// find looks for them in order from the first. The op that arrived last of all stays: it says which offset is next. So does
// one before a hole unless one behind the hole goes, too.
func (p *pruning) find(tx *readTx, f *found) error {
	feed, err := tx.Feed(p.author)
	if err != nil {
		return err
	}
	floor := feed.Forgettable()
	if floor <= feed.First() {
		return nil
	}
	c := tx.opCursor(p.author)
	barrier, err := c.barrier(feed)
	if err != nil {
		return err
	}
	held := false // from there on it is counted alone what is kept back
	hole := false // between what goes and what is met
	next, looked := feed.First(), 0
	for key := range c.from(crdt.Key{}) {
		_, begins := feed.BranchFrom(key)
		hole = hole || !held && len(f.keys) > 0 && key.First > next && !begins
		if looked++; looked > trimLook || key.First >= floor {
			break
		}
		if len(f.keys) >= p.most && !held && !hole {
			f.more = true
			return nil
		}
		s, err := c.signed()
		if err != nil {
			return err
		}
		if s.Next() > floor || c.offset()+s.Count >= tx.next {
			break
		}
		if held = p.holders.Hold(max(c.offset(), barrier), s.Count, true) || held; !held {
			f.keys, next, hole = append(f.keys, key), s.Next(), false
		}
	}
	if hole { // it may be kept back, or not be below the floor
		f.keys = f.keys[:len(f.keys)-1]
	}
	return c.err
}

// barrier returns the offset of the op behind what was last missed of a feed, 0 if nothing was: whoever has not
// come that far is still to be told of it, and nothing shows it once what lies below is pruned.
func (c *opCursor) barrier(feed crdt.Feed) (uint64, error) {
	missed := feed.Missed()
	if len(missed) == 0 {
		return 0, nil
	}
	if !c.get(missed[len(missed)-1].End) {
		return 0, cmp.Or(c.err, damagedOp(feed.Author, missed[len(missed)-1].End, errMissing))
	}
	return c.offset(), nil
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
	keys = keys[:0] // another trim may have been faster, and what was missing may be back
	for key := range c.from(crdt.Key{}) {
		if key.Compare(last) > 0 {
			break
		}
		keys = append(keys, key)
	}
	for _, key := range keys {
		k := record.OpKey(key)
		v := record.Op(ops.Get(k[:]))
		s, err := tx.arrivedAt(a, key, v)
		if err != nil {
			return err
		}
		count.Count(s.Count, len(v)+record.ArrivalSize)
		offset := record.Offset(v.Offset())
		f.Drop(v, s.Count, tx.ownSweep)
		if err := errors.Join(ops.Remove(k[:]), tx.arrivals().Remove(offset[:])); err != nil {
			return fmt.Errorf("prune op: %w", err)
		}
	}
	if c = tx.opCursor(a); !c.seek(record.KeyAfter(last)) {
		return damagedOp(a, last, errMissing)
	}
	start, err := signedAt(a, c.key, c.value)
	if err != nil {
		return err
	}
	if f.Forget(start, count.Entries-before, tx.ownSweep) == 0 {
		return nil
	}
	return holes.Forget(tx.arrivals(), start, c.offset())
}
