package eventlog

import (
	"context"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
)

// What other nodes hold is said in the words of package elsewhere.
type (
	Receipt            = elsewhere.Receipt
	Replication        = elsewhere.Replication
	NotReplicatedError = elsewhere.NotReplicatedError
)

// Elsewhere returns what is proven of other nodes and what l holds.
func (l *Log) Elsewhere() *elsewhere.Ledger { return l.elsewhere }

// WaitReplicated waits until the entry at p, which this node wrote, is held elsewhere as wanted, and returns the
// receipts. When ctx ends first the error is a [*NotReplicatedError], and the entry stays. Other errors are those of
// [elsewhere.Ledger.Receipts] and [elsewhere.ErrNotOurs].
func (l *Log) WaitReplicated(ctx context.Context, p crdt.Place, want Replication) ([]Receipt, error) {
	return l.elsewhere.Wait(ctx, p, want)
}

// Unreplicated returns how much of our own feed is on no other node that was heard since the log was opened. It reads
// a few ops at most.
func (l *Log) Unreplicated() elsewhere.Alone {
	alone, err := l.elsewhere.Alone(context.Background())
	if err != nil && !l.store.unsure.Swap(true) { // it is asked for again and again
		l.store.logger.Warn("cannot tell how much of our feed is elsewhere", "err", err)
	}
	return alone
}

// newLedger returns the ledger of what others hold of l.
func newLedger(l *Log) *elsewhere.Ledger {
	s := l.store
	return elsewhere.New(elsewhere.Config{
		Author: s.author, Receipts: s.cfg.Receipts, Entry: l.entryAt, Feed: s.feed, Closed: s.closing, Now: s.cfg.Now,
		Held: func(ctx context.Context) crdt.Held { return s.held(ctx) },
	})
}

// entryAt returns the op that holds the entry at p, with or without its body.
func (l *Log) entryAt(ctx context.Context, p crdt.Place) (e elsewhere.Entry, err error) {
	var gone excerpt.Hole
	err = l.store.view(func(tx *readTx) error {
		_, c, pruned, err := tx.at(p)
		if gone = pruned; err != nil || gone.Count > 0 {
			return err
		}
		if e.Offset = c.offset(); e.Offset >= tx.next {
			return ErrNotFound // it may still be lost
		}
		e.Op, err = signedAt(p.Author, c.key, c.value)
		return err
	})
	if err == nil && gone.Count > 0 {
		err = l.store.explain(ctx, gone, false)
	}
	if err != nil {
		return e, fmt.Errorf("look up %s: %w", p, err)
	}
	return e, nil
}
