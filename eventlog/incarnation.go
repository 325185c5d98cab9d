package eventlog

import (
	"encoding/hex"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/incarnation"
)

// Origin names the log on disk, in hex, however often its arrivals begin anew. A copy of the file has the same.
func (l *Log) Origin() string { return hex.EncodeToString(l.store.origin[:]) }

// Incarnation returns the present name of this log's arrivals, in hex. Arrivals begin anew, under another name, where
// the file may be older than what was told of it: an earlier name holds up to there, see [Log.Common].
func (l *Log) Incarnation() string {
	present := l.store.names().Present
	return hex.EncodeToString(present[:])
}

// Common returns up to where all that an incarnation, in hex, counts below offset has arrived here at the same offsets:
// at most offset, and 0 where that is not known.
func (l *Log) Common(incarnation string, offset uint64) uint64 {
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	return l.store.incarnations.Common(incarnation, offset, l.store.state.Next)
}

// names returns the names of the arrivals.
func (s *store) names() incarnation.Names {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.incarnations
}

// readIncarnations reads the names of the arrivals, of which origin is the first.
func (tx *readTx) readIncarnations(origin []byte) (incarnation.Names, error) {
	b := tx.Tree(bucketMeta).Get(metaIncarnations)
	if b == nil {
		b = origin
	}
	names, err := incarnation.Parse(b)
	if err != nil {
		err = &DamagedError{What: "the names of the arrivals", Err: err}
	}
	return names, err
}

// parted returns up to where the arrivals are those that were told of, when op of our own shows that others may have been
// told of. Nobody knows when the file was put back to an older state: but what we wrote before op, and what had arrived
// by then, was there.
func (tx *writeTx) parted(op crdt.Signed) uint64 {
	c := tx.opCursor(op.Author)
	if !c.before(op.First) {
		return 0
	}
	last, err := c.signed()
	if err != nil || last.Next() > op.First {
		return c.offset()
	}
	return c.offset() + last.Count
}

// beginIncarnation lets the arrivals begin anew: what was told of them holds below offset. It is called in the
// transaction that first records that the file may be older than what was told of it, not when that is over: so nothing
// arrives in between at an offset that, under the same name, another entry may have had.
func (tx *writeTx) beginIncarnation(offset uint64) error {
	names := &tx.store.incarnations // whoever leads changes it, and needs no lock to read it
	if tx.incarnations != nil {
		names = tx.incarnations
	}
	var sweep uint64
	if offset >= tx.next {
		sweep = tx.store.state.Sweep
	}
	begun := names.Begin(incarnation.New(), offset, sweep)
	tx.incarnations = &begun
	if err := tx.Tree(bucketMeta).Put(metaIncarnations, begun.Encode()); err != nil {
		return fmt.Errorf("begin arrivals anew: %w", err)
	}
	return nil
}
