package eventlog

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"unsafe"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/follower"
	"github.com/quipulog/quipu/eventlog/internal/request"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// bucketArrivals is the tree of arrivals, which only package arrivals reads.
var bucketArrivals = schema.Arrivals

// Bolt returns the database under a log, for tests that break it.
func Bolt(l *Log) *bbolt.DB {
	db := reflect.ValueOf(l.store.file).Elem().FieldByName("db")
	return *(**bbolt.DB)(unsafe.Pointer(db.UnsafeAddr()))
}

// ShutAuthor takes no more of an author.
func (l *Log) ShutAuthor(a crdt.Author, reason ShutReason) { l.store.shutAuthor(a, reason) }

// ForkProofs returns the proofs that a has forked, one for each branch that parted from another. A
// branch that parted below what is held here has none.
func (l *Log) ForkProofs(ctx context.Context, a crdt.Author) ([]crdt.ForkProof, error) {
	feed := l.Feed(a)
	var proofs []crdt.ForkProof
	for _, b := range feed.Branches[min(1, len(feed.Branches)):] {
		proof, err := crdt.ProveFork(l.store.held(ctx), feed, b)
		if errors.Is(err, crdt.ErrNoForkProof) {
			continue
		}
		if err != nil {
			return nil, err
		}
		proofs = append(proofs, proof)
	}
	return proofs, nil
}

// Older says in words how the file of l is older than it was when it was last seen; "" for not.
func (l *Log) Older() string {
	if state := l.store.ours.unsettled(); state != nil && state.Why == WhyRolledBack {
		return state.Detail
	}
	return ""
}

// FileName is the name of the file in its directory.
const FileName = fileName

// MaxApply bounds what one transaction of Apply stores.
const MaxApply = maxApply

// Unsynced makes l faster and no longer durable, for tests that are not about that.
func Unsynced(l *Log) *Log {
	Bolt(l).NoSync = true
	return l
}

// WriteLate puts the arrivals that are late into their tree.
func WriteLate(tb testing.TB, l *Log) {
	tb.Helper()
	must(tb, l.store.exclusively(tb.Context(), func(tx *writeTx) error {
		tx.arrivals.Tree()
		return nil
	}))
}

// TrimAt takes the bodies of the op that holds the entry at offset, as a trim would.
func TrimAt(tb testing.TB, l *Log, offset uint64) {
	tb.Helper()
	must(tb, l.store.exclusively(tb.Context(), func(tx *writeTx) error {
		_, at, _, err := tx.arrived(offset)
		if err != nil {
			return err
		}
		if err := tx.beginSweep(); err != nil {
			return err
		}
		return (&trimming{author: at.Author}).forget(tx, []crdt.Key{at.Key}, new(Forgotten))
	}))
}

// SetParked makes a follower that says to have parked n entries.
func SetParked(tb testing.TB, l *Log, name string, n uint64) {
	tb.Helper()
	must(tb, l.Update(tb.Context(), func(tx *Tx) error {
		return tx.putFollower(name, kept{record: follower.Record{Parked: n}})
	}))
}

// Prepare does what an append of e does before it waits in the queue.
func Prepare(l *Log, e crdt.Event) error {
	r := request.Get()
	defer r.Release()
	return l.store.add(r, &e)
}

// Swap puts the file at path in the place of the log's, as a compaction does with its copy.
func Swap(tb testing.TB, l *Log, path string) error {
	tb.Helper()
	return l.store.queue.Exclusively(tb.Context(), func() error { return l.store.swap(path) })
}

// Begin has an open log read what it needs, as when it is opened.
func Begin(tb testing.TB, l *Log) error {
	tb.Helper()
	return l.begun(tb.Context(), false)
}

// HoldSweeps keeps sweeps waiting, as Verify does, until release is called.
func HoldSweeps(tb testing.TB, l *Log) (release func()) {
	tb.Helper()
	must(tb, l.store.sweeping.Take(tb.Context()))
	return l.store.sweeping.Leave
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// ViewOnce calls fn and then reads, in one transaction.
func ViewOnce(l *Log, fn func()) error {
	return l.store.viewOnce(func(tx *readTx) error { return readOps(tx, l.Author(), fn) })
}

// ViewOps is ViewOnce for a step that begins again.
func ViewOps(l *Log, a crdt.Author, fn func()) error {
	return l.store.view(func(tx *readTx) error { return readOps(tx, a, fn) })
}

func readOps(tx *readTx, a crdt.Author, fn func()) error {
	fn()
	c := tx.opCursor(a)
	for range c.from(crdt.Key{}) {
	}
	return c.err
}
