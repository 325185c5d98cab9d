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
	left uint64 // entries that were not read
}

// Open has r read the entries of op, which is not written to meanwhile. What it has read of another op stands.
func (r *EntryReader) Open(op *Op) {
	r.op, r.walk, r.left = op, shape{b: op.body()}, op.Count
	if op.Trimmed() {
		r.left = 0
	}
}

// Next sets all of e to the op's next entry, and reports whether there is one: not behind the last, not in a
// trimmed op, and not where [EntryReader.Err] says what is wrong. The strings, headers and payload of e share
// memory with the op and with each other, and stay as they are. Disputed is false: a feed knows it, an op does not.
func (r *EntryReader) Next(e *Entry) bool {
	if r.left == 0 || r.walk.err != nil {
		return false
	}
	from := r.walk.at
	r.walk.entry(r.op.Retention)
	if r.left--; r.left == 0 {
		r.walk.end("last entry")
	}
	if r.walk.err != nil {
		return false
	}
	event, err := decodeEvent(r.walk.b[from:r.walk.at], r.op.Retention)
	if r.walk.err = err; err != nil {
		return false
	}
	*e = Entry{Event: event, Author: r.op.Author, Seq: r.op.Next() - 1 - r.left, Op: r.op.ID, Clock: r.op.Clock}
	return true
}

// Err returns why [EntryReader.Next] has stopped before the op's last entry, or at that one when more bytes
// follow it; nil when it has not. The error wraps [ErrMalformed].
func (r *EntryReader) Err() error { return r.walk.err }
