package eventlog

import (
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// secondWriter puts on record that op, which is signed with our key, was not written here. The record
// stays: a restart does not make two writers one.
func (tx *writeTx) secondWriter(op crdt.Signed) error {
	if tx.second != nil || tx.log.second() != nil {
		return nil
	}
	tx.second = &op
	if err := tx.tree(bucketMeta).put(metaSecondWriter, op.Bytes()); err != nil {
		return fmt.Errorf("record second writer: %w", err)
	}
	return nil
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
