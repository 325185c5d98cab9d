package refill

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// commitBytes bounds what one transaction puts, about.
const commitBytes = 8 << 20

// ErrTaken is wrapped by the error of [Maker.Op] where other entries have the offsets.
var ErrTaken = errors.New("offsets are taken")

// errTaken is [ErrTaken], with who has the offsets.
type errTaken struct{ record.Arrival }

func (e errTaken) Error() string {
	return fmt.Sprintf("%v: offset %d is that of op %s/%d", ErrTaken, e.Offset, e.Author.Short(), e.Key.First)
}

func (e errTaken) Unwrap() error { return ErrTaken }

// Maker makes the file of a log. One goroutine uses it.
type Maker struct {
	holed     []byte // the authors whose feeds have holes, one after the other
	file      *disk.Making
	log       crdt.LogID
	tx        *disk.Tx
	written   map[crdt.Author]*disk.Tree // the ops of the feeds that tx has put some of
	values    []byte                     // memory of what tx puts, which it keeps
	put       int                        // bytes that tx has put
	next      uint64                     // the offset behind all ops
	sweep     uint64                     // the greatest that has trimmed one
	ops       uint64                     // that were put
	valid     crdt.Author                // whose key was found valid last
	forgotten map[crdt.Author]Forgotten
	records   *Report // once the records are made
	scraps    *scraps // nil unless all that is put is what is left of a damaged file
}

// New begins a file at path for the ops of one log. There must be none at path when it is finished.
// The caller calls [Maker.Drop] in the end.
func New(path string, log crdt.LogID) (*Maker, error) {
	file, err := disk.Make(path)
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	m := &Maker{file: file, log: log}
	if err := m.do(func() error { return schema.Make(m.tx.Root()) }); err != nil {
		m.Drop()
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	return m, nil
}

// Drop removes what was made, unless it is finished.
func (m *Maker) Drop() {
	m.abandon()
	m.file.Drop()
}

func (m *Maker) abandon() {
	if m.tx != nil {
		_ = m.tx.Rollback()
		m.tx = nil
	}
}

// do runs a step in the transaction that is open, or in a new one.
func (m *Maker) do(step func() error) (err error) {
	if m.tx == nil {
		if m.tx, err = m.file.Begin(true); err != nil {
			return err
		}
		m.written, m.put, m.values = make(map[crdt.Author]*disk.Tree), 0, m.values[:0]
	}
	return m.tx.Do(step)
}

// commit commits what was put, once that is much, or in any case with all.
func (m *Maker) commit(all bool) error {
	if m.tx == nil || m.put < commitBytes && !all {
		return nil
	}
	defer m.abandon()
	if err := m.tx.Do(func() error {
		for _, ops := range m.written {
			if err := ops.Grown(); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return m.tx.Commit()
}

// room returns memory for a value, which the file keeps until the transaction ends.
func (m *Maker) room(size int) []byte {
	m.put += size
	if cap(m.values)-len(m.values) < size {
		m.values = make([]byte, 0, max(size, commitBytes/8)) // what is in use of the other stays as long as it is
	}
	m.values = m.values[:len(m.values)+size]
	return m.values[len(m.values)-size : len(m.values)-size : len(m.values)]
}

// Op puts an op, whose first entry has the offset, and which a sweep has trimmed here; 0 for none. One that is put
// already stays as it is. Nothing is kept of op.
//
// An error wraps [crdt.ErrBody], [crdt.ErrAuthor], [crdt.ErrInvalid] or [ErrTaken] where the op cannot be put: then
// nothing has changed, and others can. Any other is the disk's.
func (m *Maker) Op(op crdt.Op, offset, sweep uint64) error {
	if err := op.CheckBody(); err != nil {
		return err
	}
	return m.Checked(op, offset, sweep)
}

// Checked is [Maker.Op] for an op whose body the caller has checked.
func (m *Maker) Checked(op crdt.Op, offset, sweep uint64) error {
	if err := m.fits(op, offset, sweep); err != nil {
		return fmt.Errorf("op %s/%d: %w", op.Author, op.First, err)
	}
	err := m.do(func() error { return m.keep(op, offset, sweep) })
	if err == nil {
		err = m.commit(false)
	}
	if err != nil {
		return fmt.Errorf("put op %s/%d: %w", op.Author, op.First, err)
	}
	return nil
}

// fits says why an op is none of this log at this offset, or nil.
func (m *Maker) fits(op crdt.Op, offset, sweep uint64) error {
	switch {
	case op.Log != m.log:
		return fmt.Errorf("%w: it is of log %s, not %s", crdt.ErrInvalid, op.Log, m.log)
	case sweep > 0 && !op.Trimmed():
		return fmt.Errorf("%w: it has its body, which went with sweep %d", crdt.ErrInvalid, sweep)
	case offset >= crdt.MaxSeq-op.Count:
		return fmt.Errorf("%w: it has the offset %d", crdt.ErrInvalid, offset)
	case op.Author != m.valid:
		if err := op.Author.Valid(); err != nil {
			return err
		}
		m.valid = op.Author
	}
	return nil
}

// keep puts an op and its arrival.
func (m *Maker) keep(op crdt.Op, offset, sweep uint64) error {
	ops := m.written[op.Author]
	if ops == nil {
		var err error
		if ops, err = m.tx.Tree(schema.Ops).Packed().CreateGrowing(op.Author[:]); err != nil {
			return err
		}
		m.written[op.Author] = ops
	}
	key, at := record.OpKey(op.Key()), record.Offset(offset)
	arrival := record.Arrival{Offset: offset, Author: op.Author, Key: op.Key(), Count: op.Count}
	if offset < m.next {
		if ops.Get(key[:]) != nil {
			return nil
		}
		if err := m.free(arrival); err != nil {
			return err
		}
	}
	value := record.NewTrimmed(offset, op.Signed, sweep)
	if sweep == 0 {
		value = record.NewOp(m.room(record.OpSize(op)), offset, op)
	}
	if err := errors.Join(ops.Put(key[:], value), m.arrivals().Put(at[:], arrival.Encode())); err != nil {
		return err
	}
	m.next, m.sweep, m.ops = max(m.next, offset+op.Count), max(m.sweep, sweep), m.ops+1
	m.put += record.ArrivalSize
	return nil
}

func (m *Maker) arrivals() *disk.Tree { return m.tx.Tree(schema.Arrivals).Growing() }

// free says which arrival of another op has some of the offsets of one, if one has.
func (m *Maker) free(of record.Arrival) error {
	c, at := m.arrivals().Cursor(), record.Offset(of.Offset)
	k, v := c.Seek(at[:])
	for range 2 {
		if k != nil {
			a, err := record.ParseArrival(k, v)
			if err != nil || a != of && a.Offset < of.Offset+of.Count && of.Offset < a.Offset+a.Count {
				return errors.Join(err, errTaken{a})
			}
		}
		if k, v = c.Prev(); k == nil {
			break
		}
	}
	return c.Err()
}

// Trim drops the body of the op at an offset, as the sweep has where the op came from. Where nothing is put that
// begins there, nothing happens.
func (m *Maker) Trim(offset, sweep uint64) error {
	err := m.do(func() error {
		at := record.Offset(offset)
		v := m.arrivals().Get(at[:])
		if v == nil {
			return nil
		}
		a, err := record.ParseArrival(at[:], v)
		if err != nil {
			return err
		}
		ops, key := m.tx.Tree(schema.Ops).Child(a.Author[:]).Growing(), record.OpKey(a.Key)
		signed, err := record.Op(ops.Get(key[:])).CloneSigned(a.Author, a.Key)
		if err != nil || signed.Retention != crdt.Trimmable {
			return errors.Join(err, fmt.Errorf("%w: op %s/%d is not trimmable", crdt.ErrInvalid, a.Author, a.Key.First))
		}
		value := record.NewTrimmed(offset, signed, sweep)
		m.sweep, m.put = max(m.sweep, sweep), m.put+len(value)
		return ops.Put(key[:], value)
	})
	if err == nil {
		err = m.commit(false)
	}
	if err != nil {
		return fmt.Errorf("trim what is at offset %d: %w", offset, err)
	}
	return nil
}

// Pair puts a key and its value, copies of both, into the bucket that path leads to, from the outermost on: meta,
// followers, state, parked and times as they stand in the file; in feeds what is known of a feed, whose record is made
// of that; in arrivals one whose op is missing. An earlier value of the key is replaced.
func (m *Maker) Pair(path [][]byte, key, value []byte) error {
	err := m.do(func() error {
		t := m.tx.Tree(path[0]).Packed()
		for _, name := range path[1:] {
			var err error
			if t, err = t.Create(name); err != nil {
				return err
			}
		}
		if bytes.Equal(path[0], schema.Arrivals) {
			t.Growing()
			if a, err := record.ParseArrival(key, value); err == nil {
				m.next = max(m.next, a.Offset+a.Count)
			}
		}
		return t.Put(bytes.Clone(key), append(m.room(len(value)), value...))
	})
	if err == nil {
		err = m.commit(false)
	}
	if err != nil {
		return fmt.Errorf("put into %s: %w", path[0], err)
	}
	return nil
}

// Holds reports whether an op of an author was put.
func (m *Maker) Holds(a crdt.Author) (holds bool) {
	_ = m.do(func() error {
		holds = m.tx.Tree(schema.Ops).Child(a[:]) != nil
		return nil
	})
	return holds
}
