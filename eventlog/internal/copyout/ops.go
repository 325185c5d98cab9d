package copyout

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/internal/arrivals"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// chunkBytes bounds the ops that one transaction reads.
const chunkBytes = 1 << 20

// copying is the ops of a backup on their way, in order of arrival.
//
// Of an op a checksum says that it is what was written, and with that its offset and its count; of an arrival nothing
// does. So where the two differ the op is right, and an arrival is believed alone only where its op cannot be read, and
// as far as the next op leaves room.
type copying struct {
	src      *Source
	ctx      context.Context
	out      *backup.Writer
	progress func(done, total uint64)
	pruned   uint64 // how many offsets have no arrival since they were pruned
	gaps     uint64 // how many have none

	next  uint64 // the offset behind the last op that was read
	items []item // what was read
	// lost is the arrival that was met last, if its op cannot be read: how many entries that had shows the next one.
	lost   *item
	values []byte                     // of the items
	trees  map[crdt.Author]*disk.Tree // of the transaction
	at     *record.Arrival            // whose op is being read; nil for none
}

// item is an op that was read, or an arrival whose op could not be.
type item struct {
	arrival record.Arrival
	value   []byte
	err     error
	named   bool // the arrival names the op that could not be read
}

// ops copies what has arrived at from ≤ offset < to, and the last of it as it was read before, where it was pruned since:
// it says which offset is next.
func (c *copying) ops(from, to uint64, last item) error {
	c.next, c.lost = from, nil
	for more := from < to; more; {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		c.src.Hold.from.Store(c.next)
		c.values, c.at, more = c.values[:0], nil, false
		err := c.src.View(func(tx *disk.Tx) (err error) {
			more, err = c.chunk(tx, to)
			return err
		})
		if err != nil {
			if more, err = c.pass(err, to); err != nil {
				return err
			}
		}
		if !more {
			c.end(to, last)
		}
		if err := c.write(); err != nil {
			return err
		}
		if c.progress != nil {
			c.progress(min(c.next, to)-from, to-from)
		}
	}
	return nil
}

// chunk reads some ops, and reports whether there are more.
func (c *copying) chunk(tx *disk.Tx, to uint64) (more bool, err error) {
	c.trees = make(map[crdt.Author]*disk.Tree)
	cursor, at := arrivals.Of(tx).Cursor(), record.Offset(c.from())
	for k, v := cursor.Seek(at[:]); k != nil; k, v = cursor.Next() {
		a, err := record.ParseArrival(k, v)
		if err != nil {
			return true, &unread{err}
		}
		if len(c.values) >= chunkBytes {
			return true, nil
		}
		c.at = &a
		if beyond, err := c.op(tx, a, to); beyond || err != nil {
			return err != nil, err
		}
		c.at = nil
	}
	return false, cursor.Err()
}

// from returns the offset from which on the next arrival is read.
func (c *copying) from() uint64 {
	if c.lost != nil {
		return c.lost.arrival.Offset + 1
	}
	return c.next
}

// op reads the op of an arrival, and reports whether it is one beyond those that are copied.
func (c *copying) op(tx *disk.Tx, a record.Arrival, to uint64) (beyond bool, err error) {
	ops := c.trees[a.Author]
	if ops == nil {
		if ops = tx.Tree(schema.Ops).Child(a.Author[:]).Growing(); ops != nil {
			c.trees[a.Author] = ops
		}
	}
	v, op, err := valueOf(ops, a)
	i := item{arrival: a, err: err}
	if err == nil {
		from := len(c.values)
		c.values = append(c.values, v...)
		i.value = c.values[from:len(c.values):len(c.values)]
		i.arrival.Offset, i.arrival.Count = v.Offset(), op.Count
	} else if ops != nil && tx.Err() == nil { // where there is another op of its seq, that is not known
		key := record.OpKey(crdt.Key{First: a.Key.First})
		k, _ := ops.Cursor().Seek(key[:])
		there, err := record.ParseOpKey(k)
		i.named = err != nil || there.First != a.Key.First || there == a.Key
	}
	if tx.Err() != nil {
		return false, tx.Err()
	}
	if i.arrival.Offset >= to {
		return a.Offset >= to && err == nil, nil
	}
	c.add(i)
	return false, nil
}

// add takes what was read last: first the arrival before it, whose op could not be.
func (c *copying) add(i item) {
	if c.lost != nil {
		c.settle(i.arrival.Offset)
	}
	switch offset := i.arrival.Offset; {
	case offset < c.next && i.err != nil:
		c.out.Damaged(backup.Damage{What: fmt.Sprintf("the arrival at offset %d: it stands behind that at %d", offset, c.next)})
	case offset < c.next: // it was there before: the arrivals do not stand in order
	case i.err != nil:
		c.gap(offset)
		c.lost = &i
	default:
		c.gap(offset)
		c.items = append(c.items, i)
		c.next = offset + i.arrival.Count
	}
}

// settle takes the arrival whose op could not be read, before an offset at which another one stands.
func (c *copying) settle(before uint64) {
	i := *c.lost
	c.lost = nil
	if before <= i.arrival.Offset {
		c.out.Damaged(backup.Damage{What: fmt.Sprintf("the arrival at offset %d: it stands before that at %d", i.arrival.Offset, before)})
		return
	}
	i.arrival.Count = min(i.arrival.Count, before-i.arrival.Offset)
	c.items = append(c.items, i)
	c.next = i.arrival.Offset + i.arrival.Count
}

// gap takes note of offsets that have no arrival, up to one that has. Where none ever was pruned, that is damage.
func (c *copying) gap(to uint64) {
	if c.next >= to {
		return
	}
	c.gaps += to - c.next
	if c.pruned == 0 && len(c.src.Pruned(0)) == 0 {
		c.out.Damaged(backup.Damage{From: c.next, To: to, What: "the arrivals: there is none, and nothing was ever pruned"})
	}
	c.next = to
}

// end ends the copying of what lies below an offset.
func (c *copying) end(to uint64, last item) {
	if c.lost != nil {
		c.settle(to)
	}
	if c.next < to && last.err == nil && last.arrival.Offset+last.arrival.Count == to && c.next <= last.arrival.Offset {
		c.add(last)
	}
	c.gap(to)
}

// valueOf returns the value of the op that arrived, of those of its author, nil for none. All of it is checked by its
// checksum, and its header by its id.
func valueOf(ops *disk.Tree, a record.Arrival) (v record.Op, op crdt.Signed, err error) {
	if ops == nil {
		return nil, op, errors.New("nothing of its feed is held")
	}
	key := record.OpKey(a.Key)
	if v = ops.Get(key[:]); v == nil {
		return nil, op, errors.New("it is not held")
	}
	op, err = v.Signed(a.Author, a.Key)
	return v, op, cmp.Or(err, v.Check(a.Author, a.Key))
}

// unread says that an arrival cannot be read.
type unread struct{ err error }

func (u *unread) Error() string { return u.err.Error() }

// pass notes damage that has ended a transaction, and goes on behind it. It reports whether there is more.
func (c *copying) pass(damage error, to uint64) (more bool, err error) {
	_, arrival := errors.AsType[*unread](damage)
	if !arrival && !c.src.Damaged(damage) {
		return false, damage
	}
	if c.at != nil && c.at.Offset >= to {
		return false, nil
	}
	if c.at != nil {
		c.add(item{arrival: *c.at, err: damage, named: c.at.Author.Valid() == nil})
		return true, nil
	}
	from := c.from()
	readable, err := c.readableFrom(from, to)
	if err != nil {
		return false, err
	}
	if c.lost != nil {
		c.settle(readable)
	}
	c.out.Damaged(backup.Damage{From: c.next, To: readable, What: fmt.Sprintf("the arrivals: %v", damage)})
	c.next = readable
	return readable < to, nil
}

// readableFrom returns the first offset behind one at which the arrivals can be read again, to if there is none.
func (c *copying) readableFrom(offset, to uint64) (uint64, error) {
	readable := func(at uint64) (from uint64, err error) {
		err = c.src.View(func(tx *disk.Tx) error {
			cursor, key := arrivals.Of(tx).Cursor(), record.Offset(at)
			k, v := cursor.Seek(key[:])
			if k == nil {
				from = to
				return cursor.Err()
			}
			a, err := record.ParseArrival(k, v)
			if from = min(a.Offset, to); err != nil {
				return &unread{err}
			}
			return nil
		})
		if _, arrival := errors.AsType[*unread](err); arrival || err != nil && c.src.Damaged(err) {
			return 0, nil // where the first one is, no other is
		}
		return from, err
	}
	bad, good, found := offset, to, to
	for step := uint64(1); bad+step < to; step *= 2 {
		at, err := readable(bad + step)
		if err != nil {
			return 0, err
		}
		if at > 0 {
			good, found = bad+step, at
			break
		}
		bad += step
	}
	for bad+1 < good {
		mid := bad + (good-bad)/2
		at, err := readable(mid)
		if err != nil {
			return 0, err
		}
		if at > 0 {
			good, found = mid, at
		} else {
			bad = mid
		}
	}
	return found, nil
}

// write writes what was read. No transaction is open.
func (c *copying) write() error {
	for _, i := range c.items {
		a := i.arrival
		if i.err == nil {
			if err := c.out.Op(i.value, a.Count); err != nil {
				return err
			}
			continue
		}
		d := backup.Damage{From: a.Offset, To: a.Offset + a.Count, What: i.err.Error()}
		if !i.named {
			c.out.Damaged(d)
			continue
		}
		d.Place = &crdt.Place{Author: a.Author, Seq: a.Key.First}
		c.out.Damaged(d)
		if err := c.out.Missing(a); err != nil {
			return err
		}
	}
	c.items = c.items[:0]
	return nil
}
