package eventlog

import (
	"context"
	"encoding/binary"
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

// beginSweep numbers the transaction.
func (tx *writeTx) beginSweep() error {
	last, err := tx.sweep()
	if err != nil {
		return err
	}
	tx.ownSweep = last + 1
	return tx.Tree(bucketMeta).Put(metaSweep, binary.BigEndian.AppendUint64(nil, tx.ownSweep))
}
