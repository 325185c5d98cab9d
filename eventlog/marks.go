package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// markEvery is how far apart the marks are: what arrived between two of them is known to have been here
// since the later one at latest.
const markEvery = time.Hour

// The marks say at which time of this node's wall clock an offset was given. They tell how long an op
// has been here where its own clock cannot be believed: one that is years ahead would else keep
// its entries from ever growing old.

// putMark records when the first entry of this transaction arrives, if the last mark is an hour old, or
// the wall clock was set back behind it.
func (tx *writeTx) putMark() error {
	since := tx.now.Sub(tx.log.lastMark())
	if tx.added == 0 || since >= 0 && since < markEvery {
		return nil
	}
	k := encodeOffset(tx.readTx.next)
	v := binary.BigEndian.AppendUint64(nil, uint64(tx.now.UnixMilli()))
	if err := tx.tree(bucketMarks).packed().put(k[:], v); err != nil {
		return fmt.Errorf("store mark: %w", err)
	}
	tx.mark = tx.now
	return nil
}

func (l *Log) lastMark() time.Time {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.mark
}

// lastMark returns the time of the last mark; the zero time if there is none.
func (tx *readTx) lastMark() (time.Time, error) {
	k, v := tx.tree(bucketMarks).Cursor().Last()
	if k == nil {
		return time.Time{}, nil
	}
	return decodeMark(v)
}

// heldSince returns a time since when the op that arrived at offset has been here at the latest, as this
// node's wall clock had it: the later of the marks around it, so that a wall clock that was wrong for a
// while makes nothing look older than it is. It is now where no mark tells.
func (tx *readTx) heldSince(offset uint64, now time.Time) (time.Time, error) {
	k := encodeOffset(offset + 1)
	c := tx.tree(bucketMarks).Cursor()
	after, v := c.Seek(k[:])
	if after == nil {
		return now, nil
	}
	since, err := decodeMark(v)
	if err != nil {
		return now, err
	}
	before, v := c.Prev()
	if before == nil {
		return since, nil
	}
	earlier, err := decodeMark(v)
	if earlier.After(since) {
		since = earlier
	}
	return since, err
}

func decodeMark(v []byte) (time.Time, error) {
	if len(v) != 8 {
		return time.Time{}, &DamagedError{What: "the marks", Err: errors.New("wrong length")}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(v))), nil
}
