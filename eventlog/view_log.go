package eventlog

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/follower"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// ErrTxDone is returned by a [Tx] or a [ReadTx] that is used after its function has returned.
var ErrTxDone = errors.New("transaction has ended")

// ReadTx is a transaction of [Log.View]: the log's buckets, cursors and arrivals as they were at one
// moment. The goroutine that runs the function uses it, until the function returns. It remembers the first
// error of the file underneath, which View returns even if the function went on.
type ReadTx struct {
	store *store
	r     *readTx
	now   time.Time
	err   error
	done  bool
}

// Reader is what a [*Tx] and a [*ReadTx] have in common: a function that takes a Reader reads in an Update
// and in a View alike.
type Reader interface {
	// Reading returns the transaction without what writes.
	Reading() *ReadTx
}

// Reading returns tx: see [Reader].
func (tx *ReadTx) Reading() *ReadTx { return tx }

// View runs fn on the log as it is at one moment, whatever is written meanwhile, and returns fn's error. It
// shows nothing that is not durable. It waits for no writer and costs no sync: any number run at once,
// beside one that writes.
//
// While fn runs, the file keeps what is freed, and [Log.Close] and [Log.Compact] wait for it: fn must not
// wait for anything. Inside fn the methods of the log return [ErrInTx]: use tx. View returns ctx's error
// when ctx has ended before View begins, and [ErrReadOnly] where a failed sync has left keys in the file
// that may not be on disk, and [ErrOvertaken] where the log is open for reading only and another process has written to
// it meanwhile. A panic of fn passes through.
func (l *Log) View(ctx context.Context, fn func(tx *ReadTx) error) error {
	if err := l.store.notInside(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r, err := l.store.beginRead()
	if err != nil {
		return err
	}
	defer func() { _ = r.Rollback() }()
	if r.cached != nil {
		return r.doubt
	}
	tx := &ReadTx{store: l.store, r: r, now: l.store.cfg.Now()}
	// The keys are those of the last commit: so is the end of the arrivals.
	if err := tx.do(func() (err error) { r.next, err = r.end(); return err }); err != nil {
		return err
	}
	return tx.call(func() error { return fn(tx) })
}

// call calls fn, which uses tx, and returns what went wrong in the file, or else in it. It does not recover
// from a panic of fn, which is its caller's.
func (tx *ReadTx) call(fn func() error) error {
	leave := tx.store.inside.Enter()
	defer func() {
		leave()
		tx.done = true
	}()
	err := fn()
	if tx.err != nil && !errors.Is(err, tx.err) {
		return tx.err
	}
	return err
}

// do runs one step in the file. A fault becomes the transaction's error.
func (tx *ReadTx) do(step func() error) error {
	if tx.done {
		return ErrTxDone
	}
	if tx.err != nil {
		return tx.err
	}
	err := tx.store.locate(tx.r.Do(step))
	if _, damaged := asDamaged(err); damaged || errors.Is(err, ErrOvertaken) {
		tx.err = err
	}
	return cmp.Or(tx.err, err)
}

// Now returns the time of the transaction.
func (tx *ReadTx) Now() time.Time { return tx.now }

// Author returns who writes to the log.
func (tx *ReadTx) Author() crdt.Author { return tx.store.author }

// Own reports whether an author writes to the log, or did before: see [Log.Authors].
func (tx *ReadTx) Own(a crdt.Author) bool { return tx.store.authors.Own(a) }

// Next returns the offset of the next entry to arrive, as of the beginning of the transaction.
func (tx *ReadTx) Next() uint64 { return tx.r.next }

// Arrivals yields the entries from an offset on, in arrival order, without those that were appended in this
// Update. They share no memory with the file. Entries that are gone are left out: where the offset jumps,
// entries were trimmed or pruned.
func (tx *ReadTx) Arrivals(from uint64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for from < tx.Next() {
			var op crdt.Op
			var at record.Arrival
			var disputed bool
			err := tx.do(func() (err error) {
				op, at, disputed, err = tx.r.arrived(from)
				return err
			})
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if at.Offset >= tx.Next() {
				return // all between was pruned, and this came after the transaction had begun
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

// Cursor returns the durable place of a follower, and whether it has one.
func (tx *ReadTx) Cursor(name string) (offset uint64, found bool) {
	_ = tx.do(func() error {
		v := tx.r.Tree(bucketFollowers).Get([]byte(name))
		if v == nil {
			return nil
		}
		cursor, _, err := follower.Open(name, v)
		if err != nil {
			return damagedFollower(name, err)
		}
		offset, found = cursor, true
		return nil
	})
	return offset, found
}

// arrived returns a copy of the op that holds the entry at offset, or the first one after that where it
// was pruned, and whether it is disputed.
func (tx *readTx) arrived(offset uint64) (crdt.Op, record.Arrival, bool, error) {
	c := tx.arrivalCursor()
	if !c.holding(offset) {
		return crdt.Op{}, record.Arrival{}, false, cmp.Or(c.err, damagedArrival(offset, errors.New("there is none")))
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
func (tx *readTx) opOf(a record.Arrival) (crdt.Op, error) {
	v, err := tx.valueOf(a)
	if err != nil {
		return crdt.Op{}, err
	}
	if len(v) > record.MaxOp {
		return crdt.Op{}, damagedOp(a.Author, a.Key, record.ErrLength)
	}
	return opAt(a.Author, a.Key, append([]byte(nil), v...))
}
