package crdt

// EntryReader reads the entries of ops, one op after the other, into memory of its caller's:
//
//	var r EntryReader
//	for i := range ops {
//		r.Open(&ops[i])
//		for r.Next(&entry) {
//			…
//		}
//		if r.Err() != nil {
//			…
//		}
//	}
//
// The zero EntryReader has no entries. It is used by one goroutine.
type EntryReader struct {
	op   *Op
	walk shape
	room headerRoom
}

// Open has r read the entries of op, which is not written to meanwhile. What it has read of another op stands.
func (r *EntryReader) Open(op *Op) {
	r.op, r.walk, r.room.left = op, shape{b: op.body()}, int(op.Count)
	if op.Trimmed() {
		r.room.left = 0
	}
}

// Next sets all of e to the op's next entry, and reports whether there is one: not behind the last, not in a
// trimmed op, and not where [EntryReader.Err] says what is wrong, when e means nothing. The strings, headers
// and payload of e share memory with the op and with those of other entries, and stay as they are. Disputed is
// false: a feed knows it, an op does not.
func (r *EntryReader) Next(e *Entry) bool {
	if r.room.left == 0 {
		return false
	}
	e.Retention = r.op.Retention
	r.walk.entry(&e.Event, &r.room)
	if r.room.left--; r.room.left == 0 {
		r.walk.end("last entry")
	}
	if r.walk.err != nil {
		r.room.left = 0
		return false
	}
	e.Author, e.Seq, e.Op, e.Clock = r.op.Author, r.op.Next()-1-uint64(r.room.left), r.op.ID, r.op.Clock
	e.Disputed, e.Gone = false, 0
	return true
}

// Err returns why [EntryReader.Next] has stopped before the op's last entry, or at that one when more bytes
// follow it; nil when it has not. The error wraps [ErrMalformed].
func (r *EntryReader) Err() error { return r.walk.err }
