package eventlog

import (
	"encoding/binary"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// ownEnd returns where our own writing ended, once an op has come that was not written here; the zero Head
// before that, and where nothing was written.
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

// appendable says why nothing can be appended to a log that can be written to, or nil. Peers' ops are
// stored all the same.
func (l *Log) appendable() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	switch {
	case l.secondOp != nil:
		return fmt.Errorf("%w: op %s/%d with the id %s was not written here", ErrSecondWriter,
			l.secondOp.Author.Short(), l.secondOp.First, l.secondOp.ID)
	case l.headless != nil:
		return l.headless
	case l.recovering != nil:
		return l.recovering
	}
	return nil
}
