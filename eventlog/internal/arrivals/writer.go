package arrivals

import (
	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// Source is a transaction that writes, as a [Writer] needs it.
type Source interface {
	// Late returns the record of our own feed for changing, which is written once all is done; nil where nothing is late.
	Late() *record.Feed
	// Committed runs fn in a transaction that reads what was committed last. An error of its own is damage, if fn ran.
	Committed(fn func(tx *disk.Tx) error) error
}

// Writer puts the arrivals of one transaction, and leaves late those that may be.
type Writer struct {
	tx     *disk.Tx
	source Source
	inTree bool              // nothing is late any more
	late   *[]record.Arrival // that this transaction has left
	key    [8]byte           // of what is put last
	err    error
}

// NewWriter returns the writer of a transaction. room is memory that serves one after the other.
func NewWriter(tx *disk.Tx, source Source, room *[]record.Arrival) Writer {
	*room = (*room)[:0]
	return Writer{tx: tx, source: source, late: room}
}

// Put puts the arrival of an op that the record f does not have yet. That of one with which our own feed goes on is late,
// unless the transaction writes arrivals anyway, or so many are late that all are written. The first that is has the file
// say so.
func (w *Writer) Put(a record.Arrival, f *record.Feed, own crdt.Author) error {
	if a.Author != own || !goesOn(f, a) || w.inTree || f.Late.Ops == record.MaxLate {
		return w.put(w.Tree(), a)
	}
	*w.late = append(*w.late, a)
	if f.Late.Add(a.Key.First, a.Count, a.Offset); f.Late.Ops > 1 {
		return nil
	}
	return w.tx.Tree(schema.Meta).Set(schema.Format, []byte{schema.LateVersion})
}

// goesOn reports whether a feed goes on with the op of an arrival: behind all that is held of it, whether that can be read
// or not, and behind all that is late.
func goesOn(f *record.Feed, a record.Arrival) bool {
	_, forked := f.Feed.Disputed()
	ends := !forked && f.Behind() == 0 && ownend.Highest(f.Feed).Head.Next == a.Key.First
	return ends && (f.Late.Ops == 0 || f.Late.Next == a.Key.First && f.Late.End() == a.Offset)
}

func (w *Writer) put(t *disk.Tree, a record.Arrival) error {
	w.key = record.Offset(a.Offset)
	return t.Put(w.key[:], a.Encode())
}

// Tree returns the tree of arrivals for writing to. What is late is put there first, so that all else stands behind it.
func (w *Writer) Tree() *disk.Tree {
	tree := Tree(w.tx)
	if !w.inTree {
		w.inTree = true
		w.err = w.putLate(tree)
	}
	return tree
}

// Err says why what was late is not in the tree, or nil.
func (w *Writer) Err() error { return w.err }

// putLate puts what is late: what of it was committed as that shows it, in a transaction of its own, since an op among it
// that cannot be read is not to end this one.
func (w *Writer) putLate(tree *disk.Tree) error {
	f := w.source.Late()
	if f == nil {
		return nil
	}
	var all []record.Arrival
	if f.Late.Ops > uint64(len(*w.late)) {
		err := w.source.Committed(func(tx *disk.Tx) (err error) {
			all, err = Late(tx)
			return err
		})
		if all == nil {
			return err
		}
	}
	for _, a := range append(all, *w.late...) {
		if err := w.put(tree, a); err != nil {
			return err
		}
	}
	f.Late = record.Late{}
	return w.tx.Tree(schema.Feeds).Packed().Put(f.Feed.Author[:], f.Encode(f.Feed.Author)) // for whoever reads in this transaction
}
