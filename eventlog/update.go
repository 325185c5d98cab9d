package eventlog

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// ErrName is returned for a name of a bucket or a follower that is empty or longer than 255 bytes.
var ErrName = errors.New("invalid name")

// ErrTxDone is returned by a [Tx] that is used after its function has returned.
var ErrTxDone = errors.New("transaction has ended")

// Tx is a transaction of [Log.Update]. It is used by the goroutine that runs the function, until that
// returns.
//
// A Tx remembers the first error of the file underneath: Update returns it and nothing is kept, even
// if the function went on.
type Tx struct {
	w    *writeTx
	err  error
	done bool
	// by is the follower whose handler has the transaction; empty in others.
	by string
	// refused is why the log took no event, if it did not: that is not the event's fault.
	refused error
}

// Update runs fn, once, and commits what it appended and what it put into its buckets, all or nothing,
// before it returns. When fn returns an error or panics, nothing is kept, and Update returns the error
// or panics alike. Each Update has a transaction of its own, in the order of the calls.
//
// fn runs in the caller's goroutine while nothing else can be written: it must not wait. Inside it the
// methods of the log return [ErrInTx]; use tx. Another goroutine that fn waits for must not append
// either.
//
// ctx counts until it is this Update's turn; an error means that nothing was kept, save
// [ErrUncertain].
func (l *Log) Update(ctx context.Context, fn func(tx *Tx) error) error {
	if err := l.notInside(); err != nil {
		return err
	}
	return l.alone(ctx, updates, func() error { return l.runUpdate(fn) })
}

// runUpdate is Update once the caller leads.
func (l *Log) runUpdate(fn func(tx *Tx) error) error {
	if err := l.writable(); err != nil {
		return err
	}
	w, err := l.beginWrite()
	if err != nil {
		return err
	}
	tx := &Tx{w: w}
	if err := l.callInside(tx, fn); err != nil {
		return err
	}
	if err := l.guard(w.finish); err != nil {
		l.rollback(w)
		return err
	}
	return l.commit(w)
}

// callInside calls fn, and ends the transaction unless all went well. It does not recover from a panic
// of fn, which is its caller's.
func (l *Log) callInside(tx *Tx, fn func(tx *Tx) error) (err error) {
	keep := false
	l.update.goroutine.Store(goroutineID())
	defer func() {
		l.update.goroutine.Store(0)
		tx.done = true
		if !keep {
			l.rollback(tx.w)
		}
	}()
	if err = fn(tx); err == nil {
		err = tx.err
	}
	keep = err == nil
	return err
}

// do runs one step in the file. A fault becomes the transaction's error.
func (tx *Tx) do(step func() error) error {
	if tx.done {
		return ErrTxDone
	}
	if tx.err != nil {
		return tx.err
	}
	err := tx.w.log.guard(step)
	if damaged, ok := asDamaged(err); ok {
		tx.err = damaged
	}
	return err
}

// Append appends an event. Its place is final if the Update succeeds. An event without a time gets
// that of the call.
func (tx *Tx) Append(e crdt.Event) (crdt.Place, error) {
	if e.Reserved() {
		return crdt.Place{}, fmt.Errorf("append event: %w: %q", ErrReserved, e.Kind)
	}
	return tx.AppendReserved(e)
}

// AppendReserved is Append for events of any kind. It is for the package that gives a reserved kind its
// meaning, once it has checked the event.
func (tx *Tx) AppendReserved(e crdt.Event) (place crdt.Place, err error) {
	if tx.by != "" {
		e.Headers = withHeader(e.Headers, HeaderBy, tx.by)
	}
	draft, err := tx.w.log.draft(e)
	if err != nil {
		return crdt.Place{}, fmt.Errorf("append event: %w", err)
	}
	err = tx.do(func() error {
		if place, err = tx.w.append(draft); err != nil {
			tx.refused = err
		}
		return err
	})
	return place, err
}

// Seal ends the op that holds what was appended so far, and returns the end of our feed: its ID is that
// of the op of the last entry. It is for events that name an earlier entry of the same Update by its
// op; without need it makes ops small.
func (tx *Tx) Seal() (head crdt.Head, err error) {
	err = tx.do(func() error {
		head, err = tx.w.seal()
		return err
	})
	return head, err
}

// Now returns the time of the transaction.
func (tx *Tx) Now() time.Time { return tx.w.now }

// Author returns who appends.
func (tx *Tx) Author() crdt.Author { return tx.w.log.author }

// Next returns the offset that the next entry to arrive would have had when the Update began.
func (tx *Tx) Next() uint64 { return tx.w.readTx.next }

// Arrivals yields the entries from an offset on, in arrival order, without those that were appended in
// this Update. They do not share memory with the file. Entries that are gone are left out.
func (tx *Tx) Arrivals(from uint64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for from < tx.Next() {
			var op crdt.Op
			var at arrival
			var disputed bool
			err := tx.do(func() (err error) {
				op, at, disputed, err = tx.w.arrived(from)
				return err
			})
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for e, err := range op.Entries() {
				e.Disputed = disputed
				entry := Entry{Entry: e, Offset: at.Offset + e.Seq - op.First}
				if err == nil && entry.Offset < from {
					continue
				}
				if !yield(entry, err) || err != nil {
					return
				}
			}
			from = at.Offset + at.Count
		}
	}
}

// arrived returns a copy of the op that holds the entry at offset, or the first one after that where it
// was pruned, and whether it is disputed.
func (tx *readTx) arrived(offset uint64) (crdt.Op, arrival, bool, error) {
	c := tx.arrivalCursor()
	if !c.holding(offset) {
		return crdt.Op{}, arrival{}, false, cmp.Or(c.err, damagedArrival(offset, errors.New("there is none")))
	}
	a := c.arrival
	op, err := tx.opOf(a)
	if err != nil {
		return crdt.Op{}, a, false, err
	}
	feed, err := tx.Feed(a.Author)
	if err != nil {
		return crdt.Op{}, a, false, err
	}
	return op, a, feed.Disputes(op.Header), nil
}

// opOf returns a copy of the op that arrived.
func (tx *readTx) opOf(a arrival) (crdt.Op, error) {
	t := tx.ops(a.Author)
	if t == nil {
		return crdt.Op{}, damagedArrival(a.Offset, fmt.Errorf("no op of author %s is held", a.Author.Short()))
	}
	key := encodeOpKey(a.Key)
	v := t.get(key[:])
	if v == nil {
		return crdt.Op{}, damagedArrival(a.Offset, fmt.Errorf("op %s/%d is not held", a.Author.Short(), a.Key.First))
	}
	if len(v) > offsetSize+crdt.MaxSingleOp {
		return crdt.Op{}, damagedOp(a.Author, a.Key, errLength)
	}
	return opAt(a.Author, a.Key, append([]byte(nil), v...))
}

// Cursor returns the durable place of a follower, and whether it has one.
func (tx *Tx) Cursor(name string) (offset uint64, found bool) {
	_ = tx.do(func() error {
		v := tx.w.tree(bucketFollowers).get([]byte(name))
		if v == nil {
			return nil
		}
		if len(v) < offsetSize {
			return &DamagedError{What: fmt.Sprintf("the cursor of %q", name), Err: errLength}
		}
		offset, found = binary.BigEndian.Uint64(v), true
		return nil
	})
	return offset, found
}

// SetCursor sets the durable place of a follower: the offset of the entry that it handles next. A
// [Log.Follow] of that name that waits goes on from there once something arrives.
func (tx *Tx) SetCursor(name string, offset uint64) error {
	if err := checkName(name); err != nil {
		return err
	}
	return tx.do(func() error {
		followers, v := tx.w.tree(bucketFollowers), encodeOffset(offset)
		var record []byte
		if old := followers.get([]byte(name)); len(old) > offsetSize {
			record = old[offsetSize:]
		}
		return followers.put([]byte(name), append(v[:], record...))
	})
}

func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("%w: %q: expected 1 to %d bytes", ErrName, name, maxName)
	}
	return nil
}
