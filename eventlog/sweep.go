package eventlog

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// A sweep is a transaction that forgets something. Sweeps are numbered, so that a reading can tell what
// went while it was under way from what was gone before.

// sweeping is held by who sweeps, and by who must not see a sweep or must not run beside another who holds
// it: see [Log.Verify] and [Log.Compact]. Whoever waits for it and for the queue waits for it first.
type sweeping chan struct{}

func newSweeping() sweeping { return make(sweeping, 1) }

// wait waits until nobody holds s. The caller leaves.
func (s sweeping) wait(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s sweeping) leave() { <-s }

// sweep returns the number of the last sweep; 0 before there was one.
func (tx *readTx) sweep() (uint64, error) {
	v := tx.Tree(bucketMeta).Get(metaSweep)
	if v == nil {
		return 0, nil
	}
	if len(v) != 8 {
		return 0, &DamagedError{What: "the number of the last sweep", Err: record.ErrLength}
	}
	return binary.BigEndian.Uint64(v), nil
}

// beginSweep numbers the transaction.
func (tx *writeTx) beginSweep() error {
	last, err := tx.sweep()
	if err != nil {
		return err
	}
	tx.ownSweep = last + 1
	return tx.Tree(bucketMeta).Put(metaSweep, binary.BigEndian.AppendUint64(nil, tx.ownSweep))
}

// trimOps drops the bodies of ops of one feed, and counts them.
func (tx *writeTx) trimOps(a crdt.Author, keys []crdt.Key, count *Forgotten) error {
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
		s, err := signedAt(a, key, v)
		if err != nil {
			return err
		}
		trimmed := record.NewTrimmed(v.Offset(), s, tx.ownSweep)
		count.add(s.Count, len(v)-len(trimmed))
		if err := ops.Packed().Put(k[:], trimmed); err != nil {
			return fmt.Errorf("trim op: %w", err)
		}
		f := tx.edit(a)
		f.Trimmed += s.Count
		f.Grow(len(trimmed) - len(v))
	}
	return nil
}

// pruneOps drops ops of one feed that lie below a floor, in order from the first, and counts them. Those
// that may not be forgotten any more, since a fork has become known, stay.
func (tx *writeTx) pruneOps(a crdt.Author, keys []crdt.Key, count *Forgotten) error {
	ops, floor := tx.ops(a), tx.feedState(a).Feed.Forgettable()
	keys = slices.DeleteFunc(keys, func(k crdt.Key) bool { return k.First >= floor })
	if ops == nil || len(keys) == 0 {
		return nil
	}
	f := tx.edit(a)
	for _, key := range keys {
		k := record.OpKey(key)
		v := record.Op(ops.Get(k[:]))
		if v == nil {
			continue // another trim was faster
		}
		s, err := signedAt(a, key, v)
		if err != nil {
			return err
		}
		count.add(s.Count, len(v)+record.ArrivalSize)
		if v.Bodiless() {
			f.Trimmed -= s.Count
		}
		offset := record.Offset(v.Offset())
		if err := ops.Remove(k[:]); err != nil {
			return fmt.Errorf("prune op: %w", err)
		}
		if err := tx.arrivals().Remove(offset[:]); err != nil {
			return fmt.Errorf("prune arrival: %w", err)
		}
		f.Ops--
		f.Grow(-len(v))
		f.Entries -= s.Count
		f.Pruned += s.Count
		f.PruneSweep = tx.ownSweep
	}
	c := tx.opCursor(a)
	if !c.seek(keyAfter(keys[len(keys)-1])) {
		return damagedOp(a, keys[len(keys)-1], errMissing)
	}
	start, err := signedAt(a, c.key, c.value)
	if err == nil {
		f.Feed.Forget(start)
	}
	return err
}
