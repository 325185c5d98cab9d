// Package arrivals reads the arrivals of a log: which op came to be held at which offset.
//
// An op of somebody else's is put into the tree of arrivals when it comes. The last ones of our own are late: a commit
// that appends writes their number into the feed's record, which it writes anyway, and leaves the tree as it is. They
// stand behind all that is in the tree, in order of seq, so what the tree will have of them is known from the ops:
//
//	arrivals   0 … 899                          the tree
//	ops        … │ 4100 │ 4116 │ 4132 │         our feed
//	record     late: 4100 ≤ seq < 4148, from offset 900 on
//
// An [Arrivals] shows both as one, with a [Cursor] that is like the tree's. It looks for what is late only where a
// position passes the tree's end. [Made] makes the late ones, also where ops cannot be read.
package arrivals

import (
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// Arrivals are those that a transaction shows.
type Arrivals struct {
	tx   *disk.Tx
	tree *disk.Tree
}

// Of returns the arrivals in a transaction. What one that writes has not put into its tree, nor into the record of our
// feed, is not shown.
func Of(tx *disk.Tx) Arrivals { return Arrivals{tx: tx, tree: Tree(tx)} }

// Tree returns the tree alone, without what is late.
func Tree(tx *disk.Tx) *disk.Tree { return tx.Tree(schema.Arrivals).Growing() }

// record returns what our feed's record says to be late, and whose that is.
func (a Arrivals) record() (own crdt.Author, l record.Late, err error) {
	author := a.tx.Tree(schema.Meta).Get(schema.Author)
	if len(author) != len(own) || a.tx.Err() != nil {
		return own, l, a.tx.Err()
	}
	own = crdt.Author(author)
	v := a.tx.Tree(schema.Feeds).Get(own[:])
	if v == nil {
		return own, l, a.tx.Err()
	}
	if l, err = record.LateOf(own, v); err != nil {
		err = &disk.Damage{What: fmt.Sprintf("the record of feed %s", own.Short()), Err: err}
	}
	return own, l, err
}

// End returns the offset behind the last arrival. An error is damage.
func (a Arrivals) End() (uint64, error) {
	if _, l, err := a.record(); err != nil || l.Ops > 0 {
		return l.End(), err
	}
	k, v := a.tree.Cursor().Last()
	if k == nil {
		return 0, a.tx.Err()
	}
	last, err := record.ParseArrival(k, v)
	if err != nil {
		return 0, &disk.Damage{What: "the last arrival", Err: err}
	}
	return last.Offset + last.Count, nil
}

// At returns the arrival that begins at an offset, a zero one where there is none that can be read.
func (a Arrivals) At(offset uint64) record.Arrival {
	key := record.Offset(offset)
	v := a.tree.Get(key[:])
	if v == nil && a.tx.Err() == nil {
		all, _, _ := a.late(offset)
		if i := slices.IndexFunc(all, func(l record.Arrival) bool { return l.Offset == offset }); i >= 0 {
			return all[i]
		}
	}
	at, _ := record.ParseArrival(key[:], v)
	return at
}
