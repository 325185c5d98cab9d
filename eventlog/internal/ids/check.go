package ids

import (
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
)

// checkRows bounds the rows that one transaction of a [Check] reads.
const checkRows = 1 << 13

// Check holds the rows of who writes to a log, or did, against their entries, both ways: it goes through all rows first
// ([NewCheck]), and is told then of each op ([Check.Op]). It needs a bit of memory for each entry.
type Check struct {
	view    func(fn func(tx *disk.Tx) error) error
	problem func(a crdt.Author, err error)
	named   map[crdt.Author]seqs
}

// NewCheck goes through the rows of authors, in short transactions of view, and has problem told of what is wrong with them.
// Its error is ctx's.
func NewCheck(ctx context.Context, authors []crdt.Author, view func(fn func(tx *disk.Tx) error) error, problem func(a crdt.Author, err error)) (*Check, error) {
	c := &Check{view: view, problem: problem, named: make(map[crdt.Author]seqs)}
	for _, a := range authors {
		read := reading{author: a, named: make(seqs)}
		var err error
		for read.more = true; read.more && err == nil; {
			if ctx.Err() != nil {
				return c, context.Cause(ctx)
			}
			err = view(read.rows)
		}
		if c.named[a] = read.named; err != nil {
			problem(a, err)
			delete(c.named, a)
		} else if read.damaged > 0 {
			problem(a, fmt.Errorf("%d of the ids of what was appended here are damaged", read.damaged))
		}
	}
	return c, nil
}

// reading goes through the rows of one author.
type reading struct {
	author  crdt.Author
	after   []byte // the last row
	named   seqs
	damaged int // rows that are not what was written
	more    bool
}

func (r *reading) rows(tx *disk.Tx) error {
	t, left := rows(tx, r.author), checkRows
	if r.more = false; t == nil {
		return tx.Err()
	}
	cursor := t.Cursor()
	for k, v := cursor.Seek(r.after); k != nil; k, v = cursor.Next() {
		if left--; left < 0 {
			r.more = true
			return nil
		}
		if seq, err := parse(k, v); err != nil {
			r.damaged++
		} else {
			r.named.add(seq)
		}
		r.after = append(append(r.after[:0], k...), 0)
	}
	return cursor.Err()
}

// seqs are the seqs that rows name.
type seqs map[uint64]*[64]uint64

func (s seqs) add(seq uint64) {
	page := s[seq>>12]
	if page == nil {
		page = new([64]uint64)
		s[seq>>12] = page
	}
	page[seq>>6&63] |= 1 << (seq & 63)
}

func (s seqs) has(seq uint64) bool {
	page := s[seq>>12]
	return page != nil && page[seq>>6&63]&(1<<(seq&63)) != 0
}

// Op checks an op, unless it is disputed in its feed: each of its entries that bears an id has a row, and each that a row
// names bears that row's id.
func (c *Check) Op(op *crdt.Op, feed func(a crdt.Author) crdt.Feed) {
	named := c.named[op.Author]
	if named == nil || op.Trimmed() {
		return
	}
	var some []uint64
	for seq := op.First; seq < op.Next(); seq++ {
		if named.has(seq) {
			some = append(some, seq)
		}
	}
	if len(some) == 0 && !bears(op) || feed(op.Author).Disputes(op.Header) {
		return
	}
	right := make(map[uint64]bool)
	var unnamed []uint64
	err := c.view(func(tx *disk.Tx) (err error) {
		unnamed, err = unnamedIn(tx, op, right)
		return err
	})
	if err != nil {
		c.problem(op.Author, fmt.Errorf("the ids of op %d: %w", op.First, err))
	}
	for _, seq := range unnamed {
		c.problem(op.Author, fmt.Errorf("entry %d bears an id that is not on record", seq))
	}
	for _, seq := range some {
		if !right[seq] {
			c.problem(op.Author, fmt.Errorf("an id is on record for entry %d, which does not bear it", seq))
		}
	}
}

// unnamedIn returns the seqs of the entries of an op that bear an id and have no row. Those that have their own are right.
func unnamedIn(tx *disk.Tx, op *crdt.Op, right map[uint64]bool) (unnamed []uint64, err error) {
	t := rows(tx, op.Author)
	err = each(op, func(seq uint64, id ID) error {
		at, same, found, err := id.find(t)
		switch {
		case errors.Is(err, errRow):
			right[seq] = true // it is counted
		case err != nil:
			return err
		case found && at == seq && same:
			right[seq] = true
		case !found || at <= seq: // an entry behind it may bear the id, too, where this one could not be read for a time
			unnamed = append(unnamed, seq)
		}
		return tx.Err()
	})
	return unnamed, err
}
