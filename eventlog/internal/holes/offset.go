package holes

import (
	"errors"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// offset returns the offset of an op, of which was stands in the ops: the one in was, if it can be trusted; that of an
// arrival, looked for between those of the ops beside it, since ops arrive after those that they name, and then
// everywhere, also one that says another id or more entries; or offsets that are free. arrived says that it is one that
// the op has had.
func (f File) offset(r *record.Feed, op crdt.Op, was record.Op) (offset uint64, arrived bool, err error) {
	if v, err := record.ParseOp(was); err == nil {
		if at, arrived := f.arrivedAt(v.Offset(), op.Author, op.Key()); arrived && at.Count <= op.Count {
			return v.Offset(), true, nil
		}
	}
	from, to := uint64(0), f.Next
	if len(r.Feed.Branches) == 1 { // else an op of another branch is beside it
		from, to = f.beside(op)
	}
	for {
		low, high := from, to
		if len(r.Feed.Branches) == 1 {
			if of, found := f.covering(op, from, to); found {
				offset, err = f.part(op, of)
				return offset, true, err
			}
			low, high = f.between(op, from, to)
		}
		offset, arrived, err = f.search(op, from, to)
		if arrived || err != nil {
			return offset, arrived, err
		}
		offset, free, err := f.free(low, high, op.Count)
		if free || err != nil || from == 0 && to == f.Next {
			return offset, false, err
		}
		from, to = 0, f.Next
	}
}

// covering returns the arrival between two offsets that has the entries of an op: its own, or one that says another id, or
// of more entries. That one was damaged, or stands for several ops of which nobody knew better, see package arrivals.
func (f File) covering(op crdt.Op, from, to uint64) (of record.Arrival, found bool) {
	c, first := f.Arrivals.Cursor(), record.Offset(from)
	for k, v := c.Seek(first[:]); k != nil; k, v = c.Next() {
		at, err := record.ParseArrival(k, v)
		switch {
		case err != nil:
		case found:
			return of, of.Offset+of.Count <= at.Offset // else it is too long
		case at.Offset >= to:
			return of, false
		case at.Author == op.Author && at.Key.First <= op.First && op.Next() <= at.Key.First+at.Count:
			stands, _ := f.Stands(op.Author, at.Key)
			of, found = at, at.Key == op.Key() || at.Count > op.Count || !stands
		}
	}
	return of, found
}

// part gives an op its part of an arrival that covers it, and leaves to each side what is left of that. It returns the
// op's offset.
func (f File) part(op crdt.Op, of record.Arrival) (offset uint64, err error) {
	offset = of.Offset + op.First - of.Key.First
	before, behind := of, of
	if before.Count = op.First - of.Key.First; before.Count > 0 {
		if stands, _ := f.Stands(op.Author, of.Key); !stands {
			before.Key.ID = op.Prev
		}
		err = f.put(before)
	}
	skip := before.Count + op.Count
	if behind.Count -= skip; behind.Count > 0 {
		behind.Offset, behind.Key.First = of.Offset+skip, of.Key.First+skip
		err = errors.Join(err, f.put(behind))
	}
	return offset, errors.Join(err, f.arrive(op, offset))
}

// Had reports whether an op is known to have stood here: at its key, though it cannot be read, or by its arrival.
func (f File) Had(op crdt.Op) bool {
	stands, _ := f.Stands(op.Author, op.Key())
	_, arrived, err := f.search(op, 0, f.Next)
	return stands || arrived && err == nil
}

// between returns the offsets between two at which an op can have arrived by the arrivals of others of its feed, some of
// which may be missing, too: what comes back before them must not take their place in the order.
func (f File) between(op crdt.Op, from, to uint64) (low, high uint64) {
	low, high = from, to
	c, first := f.Arrivals.Cursor(), record.Offset(from)
	for k, v := c.Seek(first[:]); k != nil; k, v = c.Next() {
		at, err := record.ParseArrival(k, v)
		switch {
		case err != nil || at.Offset < high && at.Author != op.Author:
		case at.Offset >= high:
			return low, high
		case at.Key.First < op.First:
			low = at.Offset + at.Count
		default:
			return low, at.Offset
		}
	}
	return low, high
}

// search returns the offset of an op whose arrival is between two: the one with its id, whatever else of that is damaged.
func (f File) search(op crdt.Op, from, to uint64) (offset uint64, arrived bool, err error) {
	c, first := f.Arrivals.Cursor(), record.Offset(from)
	for k, v := c.Seek(first[:]); k != nil; k, v = c.Next() {
		at, err := record.ParseArrival(k, v)
		if err == nil && at.Offset >= to {
			break
		}
		if err == nil && at.Key.ID == op.ID {
			return at.Offset, true, nil
		}
	}
	return 0, false, c.Err()
}

// arrivedAt returns the arrival at an offset, if it is that of the op at a's key.
func (f File) arrivedAt(offset uint64, a crdt.Author, key crdt.Key) (record.Arrival, bool) {
	k := record.Offset(offset)
	at, err := record.ParseArrival(k[:], f.Arrivals.Get(k[:]))
	return at, err == nil && at.Author == a && at.Key == key
}

// mostBeside bounds the ops on each side that are looked at for one whose arrival is known.
const mostBeside = 64

// beside returns the offsets between which an op has arrived by those of the ops before and after it in the feed: all
// there are where these tell nothing.
func (f File) beside(op crdt.Op) (from, to uint64) {
	key, to := record.OpKey(op.Key()), f.Next
	c := f.Ops.Cursor()
	k, v := c.Last()
	if after, _ := c.Seek(key[:]); after != nil {
		k, v = c.Prev()
	}
	if before, found := f.near(op.Author, k, v, c.Prev); found {
		from = before.Offset + before.Count
	}
	key = record.OpKey(record.KeyAfter(op.Key()))
	k, v = c.Seek(key[:])
	if after, found := f.near(op.Author, k, v, c.Next); found {
		to = after.Offset
	}
	if from > to { // one of them was put back once, elsewhere
		return 0, f.Next
	}
	return from, to
}

// near returns the arrival of the first op, from the one at k on, whose arrival is known.
func (f File) near(a crdt.Author, k, v []byte, step func() (k, v []byte)) (at record.Arrival, found bool) {
	for range mostBeside {
		key, err := record.ParseOpKey(k)
		value, bad := record.ParseOp(v)
		if err == nil && bad == nil {
			if at, found = f.arrivedAt(value.Offset(), a, key); found {
				return at, true
			}
		}
		if k, v = step(); k == nil {
			break
		}
	}
	return record.Arrival{}, false
}

// arrive puts the arrival of an op, unless it is there.
func (f File) arrive(op crdt.Op, offset uint64) error {
	arrival := record.Arrival{Offset: offset, Author: op.Author, Key: op.Key(), Count: op.Count}
	if at, arrived := f.arrivedAt(offset, op.Author, op.Key()); arrived && at == arrival {
		return nil
	}
	return f.put(arrival)
}

func (f File) put(a record.Arrival) error {
	key := record.Offset(a.Offset)
	return f.Arrivals.Put(key[:], a.Encode())
}

// free returns the first of count offsets that no arrival has, between two: where there are just so many, else where
// there are more. Without any, it returns Next.
func (f File) free(from, to, count uint64) (offset uint64, found bool, err error) {
	offset = f.Next
	c, first := f.Arrivals.Cursor(), record.Offset(from)
	for k, v := c.Seek(first[:]); from < to; k, v = c.Next() {
		at, end := record.Arrival{}, k == nil
		if !end {
			if at, err = record.ParseArrival(k, v); err != nil {
				continue
			}
		}
		if end || at.Offset > to {
			at = record.Arrival{Offset: to}
		}
		if room := at.Offset - min(from, at.Offset); room == count || room > count && !found {
			if offset, found = from, true; room == count {
				break
			}
		}
		from = max(from, at.Offset+at.Count)
	}
	return offset, found, c.Err()
}
