package ids

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// Ours are the ids of the entries of those who write to a log, in one transaction that writes.
type Ours struct {
	Tx      *disk.Tx
	Authors []crdt.Author              // who writes, and who did
	First   func(a crdt.Author) uint64 // seq below which nothing of a's is held
	Damaged func(err error) error      // makes damage of what is wrong with a row

	trees map[crdt.Author]*disk.Tree // of rows, nil where there are none
}

// rows returns the rows of an author; nil for none.
func (o *Ours) rows(a crdt.Author) *disk.Tree {
	t, known := o.trees[a]
	if !known {
		t = rows(o.Tx, a)
		o.keep(a, t)
	}
	return t
}

func (o *Ours) keep(a crdt.Author, t *disk.Tree) {
	if o.trees == nil {
		o.trees = make(map[crdt.Author]*disk.Tree, len(o.Authors))
	}
	o.trees[a] = t
}

// writable returns the rows of an author, which it makes if there are none.
func (o *Ours) writable(a crdt.Author) (*disk.Tree, error) {
	if t := o.rows(a); t != nil || o.Tx.Err() != nil {
		return t, o.Tx.Err()
	}
	all, err := o.Tx.Root().Create(schema.IDs)
	if err != nil {
		return nil, err
	}
	t, err := all.Create(a[:])
	if err == nil {
		o.keep(a, t)
	}
	return t, err
}

// ReusedError says that an event has the id of another event.
type ReusedError struct {
	Scope, ID string
	First     crdt.Place // of the entry that bears the id; zero where both events come in one call
}

func (e *ReusedError) Error() string {
	first := "comes before it in the same call"
	if e.First != (crdt.Place{}) {
		first = "is at " + e.First.String()
	}
	return fmt.Sprintf("id %q is that of another event, which %s: an event that is sent again is to be the same but for its time, and another one needs another id", e.ID, first)
}

// Known returns the place of the entry that bears the id, if there is one. Its error is a [*ReusedError] where that is another
// event, or says that this cannot be told.
func (o *Ours) Known(id *ID) (place crdt.Place, known bool, err error) {
	for _, a := range o.Authors {
		seq, same, found, err := id.find(o.rows(a))
		if err != nil {
			return place, false, o.Damaged(err)
		}
		if !found || seq < o.First(a) {
			continue
		}
		if place = (crdt.Place{Author: a, Seq: seq}); !same {
			err = &ReusedError{Scope: id.Scope, ID: id.Text, First: place}
		}
		return place, true, err
	}
	return place, false, o.Tx.Err()
}

// Put keeps that the entry at place, the last of its feed, bears the id.
func (o *Ours) Put(id *ID, place crdt.Place) error {
	t, err := o.writable(place.Author)
	if err != nil {
		return err
	}
	return id.put(t, place.Seq)
}

// Add puts the ids that the entries of an op bear, which has come back; none of an op of others. Where an entry behind one
// of them bears its id, too, that stays; a row that is damaged is made anew.
func (o *Ours) Add(op crdt.Op) error {
	if !slices.Contains(o.Authors, op.Author) {
		return nil
	}
	return each(&op, func(seq uint64, id ID) error {
		t, err := o.writable(op.Author)
		if err != nil {
			return err
		}
		if was, _, found, err := id.find(t); err == nil && found && was > seq {
			return nil
		}
		return id.put(t, seq)
	})
}

// Forget removes the ids that the entries of an op bear, which is to be dropped or to lose its body. Where that cannot be
// read they stay, and lead to no entry.
func (o *Ours) Forget(a crdt.Author, key crdt.Key, v record.Op) error {
	if !slices.Contains(o.Authors, a) || v == nil || v.Bodiless() {
		return nil
	}
	t := o.rows(a)
	if t == nil {
		return o.Tx.Err()
	}
	op, err := v.Open(a, key)
	if err != nil {
		return nil
	}
	return each(&op, func(seq uint64, id ID) error {
		if at, _, found, err := id.find(t); err != nil || !found || at != seq {
			return nil // it is another entry's, or damaged: whoever asks for it is told
		}
		return t.Remove(id.key[:])
	})
}

// ForgetFrom removes the ids of a's entries from a seq on, which cannot be read. It goes through all of a's rows.
func (o *Ours) ForgetFrom(a crdt.Author, seq uint64) error {
	t := o.rows(a)
	if t == nil {
		return o.Tx.Err()
	}
	var gone [][]byte
	c := t.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if at, err := parse(k, v); err != nil || at >= seq {
			gone = append(gone, bytes.Clone(k))
		}
	}
	err := c.Err()
	for _, k := range gone {
		err = errors.Join(err, t.Remove(k))
	}
	return err
}
