package disk

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// Cursor moves over the keys of a tree. It is a walk over checked pages; where those are not all there is, in a
// transaction that writes, it is bbolt's cursor behind such a walk, which has always reached the leaf first that
// bbolt's is at. Where no key is, and after the transaction has met damage, a Cursor
// is at none and its methods return nil: [Cursor.Err] tells the one from the other. The value of a key that is a tree is
// nil.
type Cursor struct {
	tx    *Tx
	climb *climb        // nil where bbolt has all of the tree in memory
	c     *bbolt.Cursor // nil where the walk is all there is
	key   []byte        // where bbolt's cursor is
	hides bool          // the guards and the spacer of a tree that grows
}

// Cursor returns a cursor over t, which is at none yet.
func (t *Tree) Cursor() *Cursor {
	c := &Cursor{tx: t.tx, hides: t.growing}
	if t.tx.err != nil {
		return c
	}
	if !t.inline() {
		c.climb = t.climb()
	}
	if t.b != nil {
		c.c = t.b.Cursor()
	}
	return c
}

// Err returns the first damage that the transaction has met, or nil.
func (c *Cursor) Err() error { return c.tx.err }

// First moves to the first key.
func (c *Cursor) First() (k, v []byte) {
	switch {
	case !c.end(firstElement):
		return nil, nil
	case c.c == nil:
		return c.shown(c.element(1))
	}
	return c.shown(c.at(c.c.First()))
}

// Last moves to the last key.
func (c *Cursor) Last() (k, v []byte) {
	switch {
	case !c.end(lastElement):
		return nil, nil
	case c.c == nil:
		k, v = c.element(-1)
	default:
		k, v = c.at(c.c.Last())
	}
	if c.hides && isHidden(k, v) {
		return c.Prev()
	}
	return k, v
}

// Seek moves to the first key at or after key.
func (c *Cursor) Seek(key []byte) (k, v []byte) {
	switch {
	case !c.seek(key):
		return nil, nil
	case c.c == nil:
		if k, v = c.element(1); k == nil || bytes.Compare(k, key) >= 0 {
			return c.shown(k, v)
		}
		return c.shown(c.step(1))
	case !c.pass(key, 1):
		return nil, nil
	}
	return c.shown(c.at(c.c.Seek(key)))
}

// Next moves to the key after this one.
func (c *Cursor) Next() (k, v []byte) {
	switch {
	case c.tx.err != nil:
		return nil, nil
	case c.c == nil:
		return c.shown(c.step(1))
	case !c.pass(c.key, 1):
		return nil, nil
	}
	return c.shown(c.at(c.c.Next()))
}

// Prev moves to the key before this one.
func (c *Cursor) Prev() (k, v []byte) {
	switch {
	case c.tx.err != nil:
		return nil, nil
	case c.c == nil:
		k, v = c.step(-1)
	case !c.pass(c.key, -1):
		return nil, nil
	default:
		k, v = c.at(c.c.Prev())
	}
	if c.hides && isHidden(k, v) {
		return c.Prev()
	}
	return k, v
}

// shown returns what the cursor has come to from before, unless that is hidden: then there is nothing more.
func (c *Cursor) shown(k, v []byte) (key, value []byte) {
	if c.hides && isHidden(k, v) {
		return nil, nil
	}
	return k, v
}

func (c *Cursor) at(k, v []byte) (key, value []byte) {
	c.key = k
	return k, v
}

// step moves to the element after the one that the walk is at (by is 1), or to the one before (by is -1). Where there
// is none it stays there.
func (c *Cursor) step(by int) (k, v []byte) {
	c.climb.last().index += by
	return c.element(by)
}

// element returns the element that the walk is at, or where its leaf has none there the first one that comes on a leaf
// after it (by is 1) or before it (by is -1).
func (c *Cursor) element(by int) (k, v []byte) {
	leaf := c.climb.last()
	for leaf.index < 0 || leaf.index >= leaf.count {
		more, err := c.climb.move(by)
		if !c.tx.sound(err) {
			return nil, nil // and leaf may be somebody else's by now
		}
		if !more {
			leaf.index = min(max(leaf.index, -1), leaf.count)
			return nil, nil
		}
		leaf = c.climb.last()
	}
	k, v, err := c.climb.pages.keyValue(leaf.page, leaf.index)
	if !c.tx.sound(err) {
		return nil, nil
	}
	return k, v
}

// end climbs to the first leaf or the last. Like the others that climb, it reports whether bbolt's cursor may follow.
func (c *Cursor) end(choose func(p *page) (int, error)) bool {
	if c.tx.err != nil || c.climb == nil {
		return c.tx.err == nil
	}
	return c.tx.sound(c.climb.end(choose))
}

// seek climbs to the leaf where key is or would be.
func (c *Cursor) seek(key []byte) bool {
	if c.tx.err != nil || c.climb == nil {
		return c.tx.err == nil
	}
	return c.tx.sound(c.climb.seek(key))
}

// pass climbs on (by is 1) or back (by is -1) while no key beyond the given one is on the leaf.
func (c *Cursor) pass(key []byte, by int) bool {
	if c.climb == nil {
		return true
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
