package excerpt

import (
	"slices"

	"github.com/quipulog/quipu/crdt"
)

// Unpacker reads the entries of excerpts into one place, one after the other.
type Unpacker struct {
	// Entry and Offset are the place, which the caller has made.
	Entry  *crdt.Entry
	Offset *uint64

	reader  crdt.EntryReader
	entries []crdt.Entry // of an op that is read last to first
}

// Each calls yield, once the next entry of x in order is in the place, until it returns false; it reports whether it did
// not. Without its body, the op is one entry that stands for all of x. A body that cannot be read is an error.
func (u *Unpacker) Each(x *Excerpt, reverse bool, yield func() bool) (bool, error) {
	op := x.Op
	switch {
	case op.Trimmed():
		*u.Entry = crdt.Entry{
			Author: op.Author, Seq: x.From, Op: op.ID, Clock: op.Clock,
			Event: crdt.Event{Retention: op.Retention}, Gone: x.To - x.From,
		}
		u.complete(op)
		return yield(), nil
	case x.Whole() && (!reverse || op.Count == 1):
		for u.reader.Open(&op.Op); u.reader.Next(u.Entry); {
			if u.complete(op); !yield() {
				return false, nil
			}
		}
		return true, u.reader.Err()
	}
	entries, err := u.decode(x)
	if err != nil {
		return false, err
	}
	for i := range x.To - x.From {
		seq := x.From + i
		if reverse {
			seq = x.To - 1 - i
		}
		*u.Entry = entries[seq-op.First]
		if u.complete(op); !yield() {
			return false, nil
		}
	}
	return true, nil
}

// decode returns all entries of the op of x. Where there are more excerpts of that it keeps them with it.
func (u *Unpacker) decode(x *Excerpt) ([]crdt.Entry, error) {
	op, room := x.Op, &u.entries
	if op.entries != nil {
		return op.entries, nil
	}
	if !x.Whole() {
		room = &op.entries
	}
	entries := slices.Grow((*room)[:0], int(op.Count))[:op.Count]
	u.reader.Open(&op.Op)
	for i := range entries {
		u.reader.Next(&entries[i])
	}
	*room = entries
	return entries, u.reader.Err()
}

// complete says of the entry what the op does not know.
func (u *Unpacker) complete(op *Op) {
	*u.Offset, u.Entry.Disputed = op.Offset+u.Entry.Seq-op.First, op.Disputed
}
