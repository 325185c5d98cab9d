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
	if !c.forward(c.key) {
		return nil, nil
	}
	return c.at(c.c.Next())
}

// Prev moves to the key before this one.
func (c *Cursor) Prev() (k, v []byte) {
	if !c.backward(c.key) {
		return nil, nil
	}
	return c.at(c.c.Prev())
}

func (c *Cursor) at(k, v []byte) (key, value []byte) {
	c.key = k
	return k, v
}

// end climbs to the first leaf or the last. Like the others that climb, it reports whether bbolt's cursor
// may follow.
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
	return c.tx.sound(c.climb.seek(key)) && c.forward(key)
}

// forward climbs on while no key above the given one is on the leaf.
func (c *Cursor) forward(key []byte) bool {
	if c.tx.err != nil || c.climb == nil {
		return c.tx.err == nil
	}
	for leaf := c.climb.leaf(); leaf.count == 0 || bytes.Compare(key, leaf.last) >= 0; leaf = c.climb.leaf() {
		if more, err := c.climb.move(1, firstElement); err != nil || !more {
			return c.tx.sound(err)
		}
	}
	return true
}

// backward climbs back while no key below the given one is on the leaf.
func (c *Cursor) backward(key []byte) bool {
	if c.tx.err != nil || c.climb == nil {
		return c.tx.err == nil
	}
	for leaf := c.climb.leaf(); leaf.count == 0 || bytes.Compare(key, leaf.first) <= 0; leaf = c.climb.leaf() {
		if more, err := c.climb.move(-1, lastElement); err != nil || !more {
			return c.tx.sound(err)
		}
	}
	return true
}
