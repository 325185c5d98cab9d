package holes

import (
	"bytes"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// File is the part of a log's file that an op is put back into.
type File struct {
	Ops, Arrivals *disk.Tree // the ops of the feed; what arrived
	Next          uint64     // the offset of the next entry that arrives
	Sweep         uint64     // the last one
}

// Stands reports whether an op stands at a key of author's, and whether it can be read.
func (f File) Stands(author crdt.Author, key crdt.Key) (stands, readable bool) {
	k := record.OpKey(key)
	v := f.Ops.Get(k[:])
	if v == nil {
		return false, false
	}
	_, err := record.Op(bytes.Clone(v)).Verify(author, key)
	return true, err == nil
}

// Restore puts an op in its place, where one stands that cannot be read or is missing, and brings the feed's record up to
// date, but for its heads. An op that had no body here has none again. Its offset is that of its arrival; where that is
// not there, one that is free, between those of the ops beside it if it can be. Where none are, the op has moved: it has
// those from Next on, and the ones that it had count as pruned. The value is made in room, see [record.NewOp].
func (f File) Restore(r *record.Feed, op crdt.Op, room []byte) (moved bool, err error) {
	key := record.OpKey(op.Key())
	was := record.Op(f.Ops.Get(key[:]))
	offset, arrived, err := f.offset(r, op, was)
	if moved = !arrived && offset == f.Next; moved {
		r.Pruned += op.Count
	}
	if err == nil {
		err = f.arrive(op, offset)
	}
	if err != nil {
		return false, fmt.Errorf("put op %s/%d back: %w", op.Author.Short(), op.First, err)
	}
	value := f.value(was, offset, op, room)
	if was == nil {
		r.Ops++
		r.Trimmed += trimmed(value.Bodiless(), op.Count)
	} else {
		r.Trimmed += trimmed(value.Bodiless(), op.Count) - trimmed(stripped(was, op), op.Count)
	}
	if b := r.Feed.Branches; len(b) == 1 && op.Next() <= b[0].Start.First {
		b[0].Start, b[0].Parent, b[0].Rooted = op.Key(), op.Prev, op.First == 0
	}
	r.Grow(len(value) - len(was))
	r.TrimmedTo = min(r.TrimmedTo, op.First)
	return moved, f.Ops.Put(key[:], value)
}

// value returns the value of an op at an offset, of which was stands there.
func (f File) value(was record.Op, offset uint64, op crdt.Op, room []byte) record.Op {
	sweep := was.Sweep()
	if sweep == 0 || sweep > f.Sweep {
		sweep = f.Sweep
	}
	if !stripped(was, op) || sweep == 0 {
		return record.NewOp(room, offset, op)
	}
	return record.NewTrimmed(offset, op.Signed, sweep)
}

// stripped reports whether was, a value of op's that cannot be read, had no body. Its length tells: no body is as short
// as what stands in the place of one.
func stripped(was record.Op, op crdt.Op) bool {
	return was != nil && len(was) <= len(record.NewTrimmed(0, op.Signed, 0))
}

// trimmed returns how many of an op's entries count as trimmed.
func trimmed(bodiless bool, count uint64) uint64 {
	if bodiless {
		return count
	}
	return 0
}
