package eventlog

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

var _ crdt.Held = (*readTx)(nil)

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
	return tx.headers(a, crdt.Key{First: first})
}

// headers is Ops from a key on.
func (tx *readTx) headers(a crdt.Author, from crdt.Key) iter.Seq2[crdt.Signed, error] {
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
	if !tx.arrivedWith(s, v.Offset()) {
		err = cmp.Or(tx.Err(), damagedOp(a, key, fmt.Errorf("it is not what arrived at its offset %d", v.Offset())))
	}
	return s, err
}

// arrivedWith reports whether the op is what arrived at an offset.
func (tx *readTx) arrivedWith(op crdt.Signed, offset uint64) bool {
	k := record.Offset(offset)
	a, err := record.ParseArrival(k[:], tx.arrivals().Get(k[:]))
	return err == nil && a.Author == op.Author && a.Key == op.Key() && a.Count == op.Count
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

// heldChunk is how many ops one transaction of [heldLog.Ops] looks at.
const heldChunk = 256

// heldLog is what the log holds, for laws that may look at more of it than one transaction should:
// each call reads in a transaction of its own, and Ops in several. What is held only grows, so all of
// them together see at least what the first one saw; but for a prune in between, after which the run
// that was to be read is empty, and is planned anew.
type heldLog struct {
	store *store
	// ended is why the call that the value is made for ended, if it did.
	ended func() error
}

var _ crdt.Held = heldLog{}

func (s *store) held(ctx context.Context) heldLog { return heldLog{store: s, ended: ctx.Err} }

// Feed returns what is held of a's feed.
func (h heldLog) Feed(a crdt.Author) (f crdt.Feed, err error) {
	err = h.store.view(func(tx *readTx) error {
		f, err = tx.Feed(a)
		return err
	})
	return f, err
}

// Get returns the op at key, and whether it is held.
func (h heldLog) Get(a crdt.Author, key crdt.Key) (s crdt.Signed, found bool, err error) {
	err = h.store.view(func(tx *readTx) error {
		s, found, err = tx.Get(a, key)
		return err
	})
	return s, found, err
}

// Find returns the op that ends a chain with head, and whether it is held.
func (h heldLog) Find(a crdt.Author, head crdt.Head) (s crdt.Signed, found bool, err error) {
	err = h.store.view(func(tx *readTx) error {
		s, found, err = tx.Find(a, head)
		return err
	})
	return s, found, err
}

// Ops yields a's ops whose first seq is at or above first, in order of key. The first transaction looks
// at one op only, since most callers want no more.
func (h heldLog) Ops(a crdt.Author, first uint64) iter.Seq2[crdt.Signed, error] {
	return func(yield func(crdt.Signed, error) bool) {
		from := crdt.Key{First: first}
		var ops []crdt.Signed
		for most := 1; ; most = heldChunk {
			if err := h.ended(); err != nil {
				yield(crdt.Signed{}, err)
				return
			}
			ops = ops[:0]
			err := h.store.view(func(tx *readTx) error {
				for op, err := range tx.headers(a, from) {
					if err != nil {
						return err
					}
					if ops = append(ops, op); len(ops) == most {
						break
					}
				}
				return nil
			})
			for _, op := range ops {
				if !yield(op, nil) {
					return
				}
			}
			if err != nil {
				yield(crdt.Signed{}, err)
				return
			}
			if len(ops) < most {
				return
			}
			from = record.KeyAfter(ops[len(ops)-1].Key())
		}
	}
}
