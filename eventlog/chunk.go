package eventlog

import (
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

const (
	// chunkSize is about how many bytes of ops one read transaction copies out: enough that the
	// transactions cost nothing, little enough that none of them is long.
	chunkSize = 64 << 10
	// bufferSize leaves room for the op that fills the chunk.
	bufferSize = chunkSize + 16<<10
	// opOverhead is what finding an op or a feed counts for, so that a walk over much that it does
	// not copy ends its transaction too.
	opOverhead = 128
)

// chunk is what one transaction copies out of the file: some ops, in memory of their own, and the
// spans that they were merged to. bytes counts what was read, held or not.
type chunk struct {
	bound uint64 // ops from this offset on are not in the snapshot
	room  int    // bytes that are made room for at a time at most; 0 for what a single op takes
	// disputed says which ops the views take for being disputed or not, and gone what is done about
	// those without a body.
	disputed Disputed
	gone     gonePolicy
	spans    []span
	buffer   []byte
	bytes    int
}

// full reports whether the chunk has reached its size.
func (k *chunk) full() bool { return k.bytes >= chunkSize }

// reset empties the chunk. What was copied stays with whoever holds it.
func (k *chunk) reset() {
	clear(k.spans)
	k.spans, k.buffer, k.bytes = k.spans[:0], nil, 0
}

// read copies the op that the cursor is at and returns its header too. The op is nil when it is not in
// the snapshot, or has no body and the chunk leaves those out. Where they end the reading, the error is
// a [*goneError].
func (k *chunk) read(c *opCursor) (*opened, crdt.Signed, error) {
	k.bytes += opOverhead
	if c.offset() >= k.bound {
		s, err := c.signed()
		if err == nil && c.offset() >= c.most {
			err = damagedOp(c.author, c.key, fmt.Errorf("it has the offset %d, where the log ends at %d", c.offset(), c.most))
		}
		return nil, s, err
	}
	op, err := opAt(c.author, c.key, k.copy(c.value))
	if err != nil {
		return nil, crdt.Signed{}, err
	}
	if op.Trimmed() && k.gone.want != ShowGone {
		return nil, op.Signed, k.gone.ends(op.Signed, c)
	}
	return newOpened(op, c.offset()), op.Signed, nil
}

// copy returns a copy of b in the chunk's memory. That grows with what is read, so that whoever keeps a
// little does not keep room for much.
func (k *chunk) copy(b []byte) []byte {
	k.bytes += len(b)
	if len(b) > cap(k.buffer)-len(k.buffer) {
		k.buffer = make([]byte, 0, max(min(k.room, k.bytes), len(b)))
	}
	from := len(k.buffer)
	k.buffer = append(k.buffer, b...)
	return k.buffer[from:len(k.buffer):len(k.buffer)]
}
