package arrivals

import (
	"cmp"
	"slices"

	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Cursor moves over arrivals, and shows the key and the value that each has in the tree, or will have: what it shows of
// late ones is good until it moves. Where it is at none its methods return nil, and [Cursor.Err] says whether that is
// damage.
type Cursor struct {
	of    Arrivals
	tree  *disk.Cursor
	late  []record.Arrival
	from  record.Late // where late begins
	known bool        // late was made
	at    int         // in late, or -1 while it is in the tree
	key   [8]byte     // of what is at at
	value []byte
	err   error
}

// Cursor returns a cursor, which is at none yet.
func (a Arrivals) Cursor() *Cursor { return &Cursor{of: a, tree: a.tree.Cursor(), at: -1} }

// Err returns the first damage that was met, or nil.
func (c *Cursor) Err() error { return cmp.Or(c.of.tx.Err(), c.err) }

// First moves to the first arrival.
func (c *Cursor) First() (k, v []byte) { return c.orLate(c.tree.First()) }

// Seek moves to the first arrival whose key is at or after one.
func (c *Cursor) Seek(key []byte) (k, v []byte) {
	c.at = -1
	if k, v = c.tree.Seek(key); k != nil || c.Err() != nil {
		return k, v
	}
	var offset uint64
	if offset, c.err = record.ParseOffset(key); !c.make(offset) {
		return nil, nil
	}
	return c.show(c.behind(offset))
}

// behind returns the place in late of the first at an offset or behind it.
func (c *Cursor) behind(offset uint64) int {
	i, _ := slices.BinarySearchFunc(c.late, offset, func(a record.Arrival, offset uint64) int { return cmp.Compare(a.Offset, offset) })
	return i
}

// Last moves to the last arrival.
func (c *Cursor) Last() (k, v []byte) {
	if c.at = -1; c.make(0) {
		return c.show(len(c.late) - 1)
	}
	return c.tree.Last()
}

// Next moves to the arrival after this one.
func (c *Cursor) Next() (k, v []byte) {
	if c.at >= 0 {
		return c.show(min(c.at+1, len(c.late)))
	}
	return c.orLate(c.tree.Next())
}

// Prev moves to the arrival before this one.
func (c *Cursor) Prev() (k, v []byte) {
	if c.at == 0 {
		from := c.from.Offset
		if !c.make(0) {
			return nil, nil
		}
		c.at = c.behind(from)
	}
	switch c.at {
	case -1:
		return c.tree.Prev()
	case 0:
		c.at = -1
		return c.tree.Last()
	}
	return c.show(c.at - 1)
}

// orLate shows what the tree's cursor has come to from before, or where that is at the end the first that is late.
func (c *Cursor) orLate(k, v []byte) (key, value []byte) {
	if c.at = -1; k != nil || !c.make(0) {
		return k, v
	}
	return c.show(0)
}

// make makes what is late from an offset on, and more where that is as easy. It reports whether something is late.
func (c *Cursor) make(offset uint64) bool {
	if (!c.known || offset < c.from.Offset) && c.Err() == nil {
		c.known = true
		c.late, c.from, c.err = c.of.late(offset)
	}
	return c.from.Ops > 0 && c.Err() == nil
}

// show moves to what is at a place in late; behind the last there is nothing.
func (c *Cursor) show(at int) (k, v []byte) {
	if c.at = at; at == len(c.late) || c.Err() != nil {
		return nil, nil
	}
	a := &c.late[at]
	c.key, c.value = record.Offset(a.Offset), a.Append(c.value[:0])
	return c.key[:], c.value
}
