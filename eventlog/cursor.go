package eventlog

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/arrivals"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// opCursor moves over the ops of one feed in order of key, inside one read transaction: it and the
// bytes that it shows die with that.
type opCursor struct {
	author crdt.Author
	c      *disk.Cursor // nil when nothing is held of the feed
	key    crdt.Key     // of the op that it is at
	value  record.Op    // the op's value; nil when it is at none
	most   uint64       // see readTx
	sweep  uint64       // the last one, see readTx
	err    error        // why it is at none, when the file is damaged
}

// opCursor returns a cursor over a's ops, which is at none yet.
func (tx *readTx) opCursor(a crdt.Author) *opCursor {
	c := &opCursor{author: a, most: tx.most, sweep: tx.lastSweep}
	if t := tx.ops(a); t != nil {
		c.c = t.Cursor()
	}
	c.err = tx.Err()
	return c
}

// seek moves to the first op at or after key and reports whether there is one.
func (c *opCursor) seek(key crdt.Key) bool {
	if c.c == nil {
		return false
	}
	k := record.OpKey(key)
	return c.at(c.c.Seek(k[:]))
}

// from moves to the first op at or after key, which it may be at already, and on from there to the end of the
// feed, and yields their keys. Whoever has come to the end looks at c.err. The loop does not move the cursor.
func (c *opCursor) from(key crdt.Key) iter.Seq[crdt.Key] {
	return func(yield func(crdt.Key) bool) {
		for ok := c.value != nil && c.key == key || c.seek(key); ok && yield(c.key); ok = c.at(c.c.Next()) {
		}
	}
}

// prev moves to the op before the one that the cursor is at.
func (c *opCursor) prev() bool { return c.at(c.c.Prev()) }

// before moves to the last op that begins below seq.
func (c *opCursor) before(seq uint64) bool {
	if c.c == nil {
		return false
	}
	k := record.OpKey(crdt.Key{First: seq})
	if found, _ := c.c.Seek(k[:]); found == nil {
		return c.at(c.c.Last())
	}
	return c.at(c.c.Prev())
}

// get moves to the op at key and reports whether it is held.
func (c *opCursor) get(key crdt.Key) bool {
	return c.value != nil && c.key == key || c.seek(key) && c.key == key
}

// find moves to the op that ends a chain with head, and reports whether it is held. It is most often
// the one before the op that the cursor is at.
func (c *opCursor) find(head crdt.Head) bool {
	if c.value != nil && c.key.First == head.Next && c.prev() && c.key.ID == head.ID {
		return true
	}
	for ok := c.before(head.Next); ok && c.key.First+crdt.MaxOpEntries >= head.Next; ok = c.prev() {
		if c.key.ID == head.ID {
			return true
		}
	}
	return false
}

// at takes what the tree's cursor is at.
func (c *opCursor) at(k, v []byte) bool {
	c.value = nil
	if c.err == nil {
		c.err = c.c.Err()
	}
	if k == nil || c.err != nil {
		return false
	}
	key, err := record.ParseOpKey(k)
	if err == nil {
		c.value, err = record.ParseOp(v)
	}
	if err != nil {
		c.err = damagedOp(c.author, key, err)
	}
	c.key = key
	return err == nil
}

// offset returns the offset of the first entry of the op that the cursor is at.
func (c *opCursor) offset() uint64 { return c.value.Offset() }

// came reports whether the op that the cursor is at came before the bound. What has its offset from a damaged value, or
// one that the log has not come to, is damage, and did not come late.
func (c *opCursor) came(bound uint64) (bool, error) {
	if c.offset() < bound {
		return true, nil
	}
	err := c.value.Check(c.author, c.key)
	if err == nil && c.offset() >= c.most {
		err = fmt.Errorf("it has the offset %d, where the log ends at %d", c.offset(), c.most)
	}
	if err != nil {
		return false, damagedOp(c.author, c.key, err)
	}
	return false, nil
}

// signed returns the header and signature of the op that the cursor is at, which share its memory. They are checked by
// their hash, which is the key's.
func (c *opCursor) signed() (crdt.Signed, error) {
	s, err := c.value.Signed(c.author, c.key)
	if err != nil {
		return crdt.Signed{}, damagedOp(c.author, c.key, err)
	}
	return s, nil
}

// children calls push with the headers of the ops that name the op s, which the cursor is at, or only
// with the first of them. The cursor moves.
func (c *opCursor) children(s *crdt.Signed, only bool, push func(crdt.Signed)) error {
	for key := range c.from(s.Key()) {
		if key.First < s.Next() {
			continue
		}
		if key.First > s.Next() {
			break
		}
		child, err := c.signed()
		if err != nil {
			return err
		}
		if child.Prev == s.ID {
			push(child)
			if only {
				return nil
			}
		}
	}
	return c.err
}

// covering calls yield with the header of each op that holds an entry seq, in order of key. The cursor moves.
func (c *opCursor) covering(f crdt.Feed, seq uint64, yield func(crdt.Signed)) error {
	for key := range c.from(c.firstCovering(f, seq)) {
		if key.First > seq {
			break
		}
		s, err := c.signed()
		if err != nil {
			return err
		}
		if s.Next() > seq {
			yield(s)
		}
	}
	return c.err
}

// firstCovering returns the least key that an op may have which holds an entry seq of feed f: where the
// feed is not disputed that of the one op that does, else of the first that can reach so far. The cursor moves.
func (c *opCursor) firstCovering(f crdt.Feed, seq uint64) crdt.Key {
	from, forked := f.Disputed()
	if !forked || seq < from {
		if c.before(seq + 1) {
			return c.key
		}
		return crdt.Key{}
	}
	return crdt.Key{First: max(from, seq+1-min(seq+1, crdt.MaxOpEntries))}
}

// arrivalCursor moves over the arrivals, inside one read transaction.
type arrivalCursor struct {
	c       *arrivals.Cursor
	arrival record.Arrival // that it is at
	err     error          // why it is at none, when the file is damaged
}

func (tx *readTx) arrivalCursor() *arrivalCursor {
	return &arrivalCursor{c: arrivals.Of(tx.Tx).Cursor()}
}

// holding moves to the arrival that has the offset, or to the first one after it.
func (c *arrivalCursor) holding(offset uint64) bool {
	key := record.Offset(offset)
	k, v := c.c.Seek(key[:])
	if bytes.Equal(k, key[:]) {
		return c.at(k, v)
	}
	if k == nil {
		k, v = c.c.Last()
	} else {
		k, v = c.c.Prev()
	}
	if !c.at(k, v) {
		return c.err == nil && c.at(c.c.First())
	}
	return c.arrival.Offset+c.arrival.Count > offset || c.at(c.c.Next())
}

// from moves to the arrival that has the offset, or to the first one after it, and on from there in either
// direction, and yields them. Whoever has come to the end looks at c.err. The loop does not move the cursor.
func (c *arrivalCursor) from(offset uint64, reverse bool) iter.Seq[record.Arrival] {
	step := c.c.Next
	if reverse {
		step = c.c.Prev
	}
	return func(yield func(record.Arrival) bool) {
		for ok := c.holding(offset); ok && yield(c.arrival); {
			last := c.arrival
			ok = c.at(step()) && c.beside(last, reverse)
		}
	}
}

// beside reports whether the cursor has come to an arrival that stands after the last one, or with reverse before
// it: where a key was spoiled, what it hides would pass for pruned.
func (c *arrivalCursor) beside(last record.Arrival, reverse bool) bool {
	low, high := last, c.arrival
	if reverse {
		low, high = high, low
	}
	if low.Offset+low.Count > high.Offset {
		c.err = damagedArrival(c.arrival.Offset, fmt.Errorf("it stands beside that at offset %d", last.Offset))
	}
	return c.err == nil
}

func (c *arrivalCursor) at(k, v []byte) bool {
	if c.err == nil {
		c.err = c.c.Err()
	}
	if k == nil || c.err != nil {
		return false
	}
	a, err := record.ParseArrival(k, v)
	if err != nil {
		offset, _ := record.ParseOffset(k)
		c.err = damagedArrival(offset, err)
		return false
	}
	c.arrival = a
	return true
}

// value returns the value of the op at a's key, or nil.
func (tx *readTx) value(a crdt.Author, key crdt.Key) record.Op {
	t := tx.ops(a)
	if t == nil {
		return nil
	}
	k := record.OpKey(key)
	return t.Get(k[:])
}

// valueOf returns the value of the op that arrived.
func (tx *readTx) valueOf(a record.Arrival) (record.Op, error) {
	if v := tx.value(a.Author, a.Key); v != nil || tx.Err() != nil {
		return v, tx.Err()
	}
	return nil, damagedOp(a.Author, a.Key, errMissing)
}

// nextAuthor returns the first author at or after from whose feed is held, or with reverse the last one at or
// before it. Where among is not empty, it returns one of those, sorted, whether held or not.
func (tx *readTx) nextAuthor(from crdt.Author, reverse bool, among []crdt.Author) (a crdt.Author, found bool, err error) {
	if len(among) > 0 {
		i, found := slices.BinarySearchFunc(among, from, crdt.Author.Compare)
		if reverse && !found {
			i--
		}
		if i < 0 || i == len(among) {
			return a, false, nil
		}
		return among[i], true, nil
	}
	c := tx.feeds().Cursor()
	k, _ := c.Seek(from[:])
	switch {
	case reverse && k == nil:
		k, _ = c.Last()
	case reverse && !bytes.Equal(k, from[:]):
		k, _ = c.Prev()
	}
	if k == nil {
		return a, false, tx.Err()
	}
	if len(k) != len(a) {
		return a, false, &DamagedError{What: "the list of feeds", Err: record.ErrLength}
	}
	return crdt.Author(k), true, nil
}
