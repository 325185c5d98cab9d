package copyout

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// Source is the log that a backup is made of.
type Source struct {
	// View runs fn in a transaction that reads. Its error is fn's, or says what the transaction has met of damage, of
	// which Damaged reports whether an error is.
	View    func(fn func(tx *disk.Tx) error) error
	Damaged func(err error) bool
	// Meta returns what meta of a restored log is to hold; in the transaction of the small part. It may complete the head.
	Meta func(tx *disk.Tx) (map[string][]byte, error)
	// Head is what the backup begins with: it is looked at once Meta has been called.
	Head *backup.Head
	// Hold keeps what has arrived at an offset and after it from being forgotten.
	Hold func(offset uint64)
	// Pruned returns the feeds of which something was pruned since a sweep.
	Pruned func(sweep uint64) []backup.Pruned
}

// Write writes a backup of a log to w.
func (src *Source) Write(ctx context.Context, w io.Writer, o backup.Options) (backup.Summary, error) {
	s, err := newSmall(o.TempDir)
	if err != nil {
		return backup.Summary{}, err
	}
	defer s.drop()
	if err := s.take(src); err != nil {
		return backup.Summary{}, err
	}
	out, err := backup.NewWriter(w, *src.Head, o)
	if err != nil {
		return backup.Summary{}, err
	}
	c := &copying{src: src, ctx: ctx, out: out, progress: o.Progress}
	if err := s.write(out); err != nil {
		return backup.Summary{}, err
	}
	if o.Since != nil {
		if err := c.since(o.Since); err != nil {
			return backup.Summary{}, err
		}
	}
	if err := c.ops(src.Head.From, src.Head.To); err != nil {
		return backup.Summary{}, err
	}
	if err := c.end(s.last); err != nil {
		return backup.Summary{}, err
	}
	return out.End(src.Pruned(src.Head.Sweep))
}

// chunkBytes bounds the ops that one transaction reads.
const chunkBytes = 1 << 20

// copying is the ops of a backup on their way.
type copying struct {
	src      *Source
	ctx      context.Context
	out      *backup.Writer
	progress func(done, total uint64)
	next     uint64 // the offset from which on the next op is read
	copied   uint64 // the offset behind the last one that was written
	// at is the arrival whose op is being read, if reading is set.
	at      record.Arrival
	reading bool
	items   []item
	values  []byte                     // of the items
	trees   map[crdt.Author]*disk.Tree // of the transaction
}

// item is an op that was read, or an arrival whose op could not be.
type item struct {
	arrival record.Arrival
	value   []byte
	err     error
}

// ops copies what has arrived at from ≤ offset < to.
func (c *copying) ops(from, to uint64) error {
	for c.next = from; c.next < to; {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		c.src.Hold(c.next)
		c.items, c.values, c.reading = c.items[:0], c.values[:0], false
		err := c.src.View(func(tx *disk.Tx) error { return c.chunk(tx, to) })
		if err != nil {
			if err = c.pass(err, to); err != nil {
				return err
			}
		}
		if err := c.write(); err != nil {
			return err
		}
		if c.progress != nil {
			c.progress(min(c.next, to)-min(from, c.next), to-from)
		}
	}
	return nil
}

// chunk reads some ops.
func (c *copying) chunk(tx *disk.Tx, to uint64) error {
	c.trees = make(map[crdt.Author]*disk.Tree)
	cursor, at := tx.Tree(schema.Arrivals).Growing().Cursor(), record.Offset(c.next)
	for k, v := cursor.Seek(at[:]); k != nil; k, v = cursor.Next() {
		a, err := record.ParseArrival(k, v)
		if err != nil {
			return &unread{err}
		}
		if a.Offset >= to {
			break
		}
		if len(c.values) >= chunkBytes {
			return nil
		}
		c.at, c.reading = a, true
		if err := c.op(tx, a); err != nil {
			return err
		}
		c.next, c.reading = a.Offset+a.Count, false
	}
	if err := cursor.Err(); err != nil {
		return err
	}
	c.next = to
	return nil
}

// op reads the op of an arrival.
func (c *copying) op(tx *disk.Tx, a record.Arrival) error {
	ops := c.trees[a.Author]
	if ops == nil {
		if ops = tx.Tree(schema.Ops).Child(a.Author[:]).Growing(); ops != nil {
			c.trees[a.Author] = ops
		}
	}
	v, err := valueOf(ops, a)
	if tx.Err() != nil {
		return tx.Err()
	}
	from := len(c.values)
	c.values = append(c.values, v...)
	c.items = append(c.items, item{arrival: a, value: c.values[from:len(c.values):len(c.values)], err: err})
	return nil
}

// valueOf returns the value of the op that arrived, of those of its author, nil for none. All of it is checked by its
// checksum, and its header by its id.
func valueOf(ops *disk.Tree, a record.Arrival) (record.Op, error) {
	if ops == nil {
		return nil, errors.New("nothing of its feed is held")
	}
	key := record.OpKey(a.Key)
	v := record.Op(ops.Get(key[:]))
	if v == nil {
		return nil, errors.New("it is not held")
	}
	signed, err := v.Signed(a.Author, a.Key)
	if err == nil {
		err = v.Check(a.Author, a.Key)
	}
	if err == nil && (v.Offset() != a.Offset || signed.Count != a.Count) {
		err = fmt.Errorf("it has the offset %d and %d entries", v.Offset(), signed.Count)
	}
	return v, err
}

// unread says that an arrival cannot be read.
type unread struct{ err error }

func (u *unread) Error() string { return u.err.Error() }

// pass notes damage that has ended a transaction, and goes on behind it.
func (c *copying) pass(damage error, to uint64) error {
	_, arrival := errors.AsType[*unread](damage)
	if !arrival && !c.src.Damaged(damage) {
		return damage
	}
	if c.reading {
		c.items = append(c.items, item{arrival: c.at, err: damage})
		c.next = c.at.Offset + c.at.Count
		return nil
	}
	from := c.next
	readable, err := c.readableFrom(from, to)
	if err != nil {
		return err
	}
	c.next = readable
	c.out.Damaged(backup.Damage{From: from, To: readable, What: fmt.Sprintf("the arrivals: %v", damage)})
	return nil
}

// readableFrom returns the first offset behind one at which the arrivals can be read again, to if there is none.
func (c *copying) readableFrom(offset, to uint64) (uint64, error) {
	readable := func(at uint64) (from uint64, err error) {
		err = c.src.View(func(tx *disk.Tx) error {
			cursor, key := tx.Tree(schema.Arrivals).Growing().Cursor(), record.Offset(at)
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

// end writes the op that had arrived last as it was read with the small part, if it was pruned since: it says which offset is
// next.
func (c *copying) end(last item) error {
	if last.arrival.Offset < c.src.Head.From || c.copied >= c.src.Head.To || last.arrival.Count == 0 {
		return nil
	}
	c.items = append(c.items[:0], last)
	return c.write()
}

// write writes what a transaction has read. None is open meanwhile.
func (c *copying) write() error {
	for _, i := range c.items {
		c.copied = i.arrival.Offset + i.arrival.Count
		if i.err == nil {
			if err := c.out.Op(i.value, i.arrival.Count); err != nil {
				return err
			}
			continue
		}
		c.out.Damaged(backup.Damage{
			Place: &crdt.Place{Author: i.arrival.Author, Seq: i.arrival.Key.First},
			From:  i.arrival.Offset, To: i.arrival.Offset + i.arrival.Count, What: i.err.Error(),
		})
		if err := c.out.Missing(i.arrival); err != nil {
			return err
		}
	}
	return nil
}
