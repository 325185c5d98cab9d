package eventlog

import (
	"cmp"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/times"
)

// trimming drops the bodies of ops of one feed.
type trimming struct {
	*forgetting
	author crdt.Author
}

// find looks for ops whose bodies may go, from where the last look has ended.
func (t *trimming) find(tx *readTx, f *found) error {
	feed, err := tx.Feed(t.author)
	if err != nil {
		return err
	}
	if f.from == (crdt.Key{}) {
		f.trimmedTo = t.trimmedTo(t.author)
		f.from.First = f.trimmedTo
	}
	next, now := feed.Next(), t.store.cfg.Now()
	clear := f.from.First == f.trimmedTo // nothing was left behind so far
	c := tx.opCursor(t.author)
	looked := 0
	for key := range c.from(f.from) {
		if f.from = key; len(f.keys) == t.most || looked == trimLook {
			f.more = true
			return nil
		}
		looked++
		s, err := c.signed()
		if err != nil {
			return err
		}
		if !t.policy.BeyondCount(s.Header, next) && len(feed.Branches) == 1 {
			break
		}
		fate, err := t.fate(tx, c, s, next, now)
		if err != nil {
			return err
		}
		if fate == fateTrim {
			f.keys = append(f.keys, c.key)
		}
		if clear = clear && fate >= fateSettle; clear {
			f.trimmedTo = s.Next()
		}
		if fate == fateYoung && len(feed.Branches) == 1 && !s.Clock.Ahead(now) {
			break // those after it are younger, and came later
		}
	}
	return c.err
}

// trimFate is what a trim does with an op.
type trimFate uint8

const (
	fateKeep   trimFate = iota // a later trim may have to look at it again
	fateYoung                  // the same, since it is not old enough
	fateSettle                 // nothing is ever to be done
	fateTrim
)

func (t *trimming) fate(tx *readTx, c *opCursor, s crdt.Signed, next uint64, now time.Time) (trimFate, error) {
	if s.Retention != crdt.Trimmable || c.value.Bodiless() {
		return fateSettle, nil
	}
	if !t.policy.BeyondCount(s.Header, next) {
		return fateKeep, nil
	}
	since, err := t.ageOf(tx, c, s, now)
	if err != nil {
		return fateKeep, err
	}
	if !t.policy.Old(since, now) {
		t.report.Keep(s, now)
		return fateYoung, nil
	}
	if t.holders.Hold(c.offset(), s.Count, false) {
		return fateKeep, nil
	}
	return fateTrim, nil
}

// How old an op is counts from the later of its clock and its arrival here: the clock is its writer's word,
// and one that runs behind would have its entries forgotten everywhere as soon as they came. A clock that is
// ahead of ours says nothing, and arrival alone counts. What we wrote arrived when its clock says.

// ageOf returns since when the op that c is at counts as old, by a wall clock that says now.
func (t *trimming) ageOf(tx *readTx, c *opCursor, s crdt.Signed, now time.Time) (time.Time, error) {
	ahead := s.Clock.Ahead(now)
	if s.Author == t.store.author && !ahead {
		return s.Clock.Time(), nil
	}
	_, arrived := t.store.lastArrival()
	since, err := times.Since(tx.Tree(bucketTimes), c.offset(), arrived)
	if clock := s.Clock.Time(); !ahead && clock.After(since) {
		since = clock
	}
	return since, damagedTimes(err)
}

// forget drops the bodies.
func (t *trimming) forget(tx *writeTx, keys []crdt.Key, count *Forgotten) error {
	a := t.author
	ops := tx.ops(a)
	if ops == nil {
		return nil
	}
	for _, key := range keys {
		k := record.OpKey(key)
		v := record.Op(ops.Get(k[:]))
		if v == nil || v.Bodiless() {
			continue // another trim was faster
		}
		s, err := tx.arrivedAt(a, key, v)
		if err != nil {
			return err
		}
		trimmed := record.NewTrimmed(v.Offset(), s, tx.ownSweep)
		count.Count(s.Count, len(v)-len(trimmed))
		if err := cmp.Or(tx.ids().Forget(a, key, v), ops.Put(k[:], trimmed)); err != nil {
			return fmt.Errorf("trim op: %w", err)
		}
		f := tx.edit(a)
		f.Trimmed += s.Count
		f.Grow(len(trimmed) - len(v))
	}
	return nil
}
