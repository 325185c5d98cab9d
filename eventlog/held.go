package eventlog

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/arrivals"
	"github.com/quipulog/quipu/eventlog/internal/held"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

var _ held.Source = (*readTx)(nil)

// Feed returns what is held of a's feed in the transaction.
func (tx *readTx) Feed(a crdt.Author) (crdt.Feed, error) {
	if tx.cached != nil {
		return tx.cached(a), nil
	}
	v := tx.feeds().Get(a[:])
	if v == nil {
		return crdt.Feed{Author: a}, tx.Err()
	}
	f, err := record.ParseFeed(a, v)
	if err != nil {
		return crdt.Feed{}, damagedFeed(a, err)
	}
	return f.Feed, nil
}

// Get returns a copy of the header of the op at key, and whether it is held.
func (tx *readTx) Get(a crdt.Author, key crdt.Key) (crdt.Signed, bool, error) {
	v := tx.value(a, key)
	if v == nil {
		return crdt.Signed{}, false, tx.Err()
	}
	s, err := signedAt(a, key, v)
	return s, err == nil, err
}

// Find returns a copy of the header of the op that ends a chain with head, and whether it is held.
func (tx *readTx) Find(a crdt.Author, head crdt.Head) (crdt.Signed, bool, error) {
	c := tx.opCursor(a)
	if !c.find(head) {
		return crdt.Signed{}, false, c.err
	}
	s, err := signedAt(a, c.key, c.value)
	return s, err == nil && s.Next() == head.Next, err
}

// Ops yields copies of the headers of a's ops whose first seq is at or above first, in order of key.
func (tx *readTx) Ops(a crdt.Author, first uint64) iter.Seq2[crdt.Signed, error] {
	return tx.Headers(a, crdt.Key{First: first})
}

// Headers is Ops from a key on.
func (tx *readTx) Headers(a crdt.Author, from crdt.Key) iter.Seq2[crdt.Signed, error] {
	return func(yield func(crdt.Signed, error) bool) {
		c := tx.opCursor(a)
		for key := range c.from(from) {
			s, err := signedAt(a, key, c.value)
			if !yield(s, err) || err != nil {
				return
			}
		}
		if c.err != nil {
			yield(crdt.Signed{}, c.err)
		}
	}
}

// signedAt returns a copy of the header in an op's value, checked by its hash, which the op's key has. Neither the
// offset nor the body is looked at.
func signedAt(a crdt.Author, key crdt.Key, v record.Op) (crdt.Signed, error) {
	s, err := v.CloneSigned(a, key)
	if err != nil {
		return crdt.Signed{}, damagedOp(a, key, err)
	}
	return s, nil
}

// arrivedAt returns a copy of the header in an op's value, which has arrived at the value's offset: with the two that
// say so, of an op that is to be forgotten no body need be read.
func (tx *readTx) arrivedAt(a crdt.Author, key crdt.Key, v record.Op) (crdt.Signed, error) {
	s, err := signedAt(a, key, v)
	if err != nil {
		return s, err
	}
	if arrivals.Of(tx.Tx).At(v.Offset()) != (record.Arrival{Offset: v.Offset(), Author: a, Key: key, Count: s.Count}) {
		err = cmp.Or(tx.Err(), damagedOp(a, key, fmt.Errorf("it is not what arrived at its offset %d", v.Offset())))
	}
	return s, err
}

// opAt returns the op in an op's value, which is what was written at the op's key: that is for whoever reads here. It
// shares v.
func opAt(a crdt.Author, key crdt.Key, v record.Op) (crdt.Op, error) {
	op, err := v.Open(a, key)
	if err != nil {
		return crdt.Op{}, damagedOp(a, key, err)
	}
	return op, nil
}

// verifiedAt is opAt for what goes to a peer, is proven or signed on from: all of it is checked against its hashes.
func verifiedAt(a crdt.Author, key crdt.Key, v record.Op) (crdt.Op, error) {
	op, err := v.Verify(a, key)
	if err != nil {
		return crdt.Op{}, damagedOp(a, key, err)
	}
	return op, nil
}

// feed returns what is held of a's feed. The caller does not write to it.
func (s *store) feed(a crdt.Author) crdt.Feed {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.state.Feed(a)
}

// held returns what the log holds, for laws that may look at more of it than one transaction should, until ctx ends.
func (s *store) held(ctx context.Context) held.Log {
	return held.Log{Ended: ctx.Err, View: func(fn func(held.Source) error) error {
		return s.view(func(tx *readTx) error { return fn(tx) })
	}}
}
