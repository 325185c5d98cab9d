package eventlog

import (
	"encoding/binary"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// secondWriter puts on record that op, which is signed with our key, was not written here, and where our
// own writing ended. The record stays: a restart does not make two writers one.
func (tx *writeTx) secondWriter(op crdt.Signed) error {
	if tx.second != nil || tx.log.second() != nil {
		return nil
	}
	tx.second = &op
	meta := tx.tree(bucketMeta)
	if err := meta.put(metaSecondWriter, op.Bytes()); err != nil {
		return fmt.Errorf("record second writer: %w", err)
	}
	feed := tx.feedState(op.Author).feed
	if feed.IsZero() {
		return nil
	}
	// Until now all of the feed was written here, on one branch.
	end := encodeHead(feed.Branches[0].Head)
	if err := meta.put(metaOwnEnd, end[:]); err != nil {
		return fmt.Errorf("record the end of our own writing: %w", err)
	}
	return nil
}

// ownEnd returns where our own writing ended, once there is a second writer; the zero Head before that,
// and where nothing was written.
func (tx *readTx) ownEnd() (crdt.Head, error) {
	v := tx.tree(bucketMeta).get(metaOwnEnd)
	if v == nil {
		return crdt.Head{}, nil
	}
	if len(v) != opKeySize {
		return crdt.Head{}, &DamagedError{What: "the record of our own last op", Err: errLength}
	}
	return crdt.Head{Next: binary.BigEndian.Uint64(v), ID: crdt.OpID(v[8:])}, nil
}

// second returns the header of the op of our own that somebody else wrote, or nil.
func (l *Log) second() *crdt.Signed {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.secondOp
}

// appendable says why nothing can be appended, or nil. Peers' ops are stored all the same.
func (l *Log) appendable() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.secondOp != nil {
		return fmt.Errorf("%w: op %s/%d with the id %s was not written here", ErrSecondWriter,
			l.secondOp.Author.Short(), l.secondOp.First, l.secondOp.ID)
	}
	return l.headless
}
