package disk

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// Cursor moves over the keys of a tree. It is bbolt's cursor behind a walk over checked pages, which has
// always reached the leaf first that bbolt's is at. Where no key is, and after the transaction has met
// damage, a Cursor is at none and its methods return nil: [Cursor.Err] tells the one from the other. The
// value of a key that is a tree is nil.
type Cursor struct {
	tx    *Tx
	c     *bbolt.Cursor
	climb *climb // nil when the tree has no pages of its own
	key   []byte // where the cursor is
}

// Cursor returns a cursor over t, which is at none yet.
func (t *Tree) Cursor() *Cursor {
	c := &Cursor{tx: t.tx}
	if t.tx.err != nil {
		return c
	}
	if c.c = t.b.Cursor(); !t.inline() {
		c.climb = t.climb()
	}
	return c
}

// Err returns the first damage that the transaction has met, or nil.
func (c *Cursor) Err() error { return c.tx.err }

// First moves to the first key.
func (c *Cursor) First() (k, v []byte) {
	if !c.end(firstElement) {
		return nil, nil
	}
	return c.at(c.c.First())
}

// Last moves to the last key.
func (c *Cursor) Last() (k, v []byte) {
	if !c.end(lastElement) {
		return nil, nil
	}
	return c.at(c.c.Last())
}

// Seek moves to the first key at or after key.
func (c *Cursor) Seek(key []byte) (k, v []byte) {
	if !c.seek(key) {
		return nil, nil
	}
	return c.at(c.c.Seek(key))
}

// Next moves to the key after this one.
func (c *Cursor) Next() (k, v []byte) {
	if !c.pass(c.key, 1) {
		return nil, nil
	}
	return c.at(c.c.Next())
}

// Prev moves to the key before this one.
func (c *Cursor) Prev() (k, v []byte) {
	if !c.pass(c.key, -1) {
		return nil, nil
	}
	return c.at(c.c.Prev())
}

func (c *Cursor) at(k, v []byte) (key, value []byte) {
	c.key = k
	return k, v
}

// end climbs to the first leaf or the last. Like the others that climb, it reports whether bbolt's cursor may follow.
func (c *Cursor) end(choose func(p *page) (int, error)) bool {
	if c.tx.err != nil || c.climb == nil {
		return c.tx.err == nil
	}
	return c.tx.sound(c.climb.end(choose))
}

// seek climbs to the leaf with the first key at or after key.
func (c *Cursor) seek(key []byte) bool {
	if c.tx.err != nil || c.climb == nil {
		return c.tx.err == nil
	}
	return c.tx.sound(c.climb.seek(key)) && c.pass(key, 1)
}

// pass climbs on (by is 1) or back (by is -1) while no key beyond the given one is on the leaf.
func (c *Cursor) pass(key []byte, by int) bool {
	if c.tx.err != nil || c.climb == nil {
		return c.tx.err == nil
	}
	for !c.climb.leaf().reaches(key, by) {
		if more, err := c.climb.move(by); err != nil || !more {
			return c.tx.sound(err)
		}
	}
	return true
}

// reaches reports whether the page has a key above the given one (by is 1) or below it (by is -1).
func (p *page) reaches(key []byte, by int) bool {
	return p.count > 0 && (by > 0 && bytes.Compare(key, p.last) < 0 || by < 0 && bytes.Compare(key, p.first) > 0)
}
