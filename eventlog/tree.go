package eventlog

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// tree is a bucket of the file. Wherever bbolt goes in it, a check of the pages goes first: see
// pageFile. A page that is damaged ends the transaction as one of bbolt's own assertions would, with a
// panic that guard turns into a [*DamagedError].
type tree struct {
	b     *bbolt.Bucket
	pages *pageFile
}

func (t *tree) climb() *climb { return &climb{pages: t.pages, root: uint64(t.b.Root())} }

// inline reports whether the tree has no pages of its own: bucketRoot has checked it.
func (t *tree) inline() bool { return t.b.Root() == 0 }

// check checks the way to key, and to the leaves beside it if beside is set.
func (t *tree) check(key []byte, beside bool) {
	if t.inline() {
		return
	}
	c := t.climb()
	defer c.reset()
	must(c.seek(key))
	if beside {
		_, err := c.move(1, firstElement)
		must(err)
		must(c.seek(key))
		_, err = c.move(-1, lastElement)
		must(err)
	}
}

// must panics with what is wrong with a page.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// child returns the bucket called name inside t, or nil.
func (t *tree) child(name []byte) *tree {
	t.checkChild(name)
	b := t.b.Bucket(name)
	if b == nil {
		return nil
	}
	return &tree{b: b, pages: t.pages}
}

// checkChild checks the way to the bucket called name and, if it has no pages of its own, the bucket.
func (t *tree) checkChild(name []byte) {
	if t.inline() {
		return
	}
	c := t.climb()
	defer c.reset()
	must(c.seek(name))
	leaf := c.leaf()
	if leaf.count == 0 {
		return
	}
	i, err := t.pages.find(leaf, name)
	must(err)
	key, err := t.pages.key(leaf, i)
	must(err)
	if bytes.Equal(key, name) && leaf.isBucket(i) {
		_, err = t.pages.bucketRoot(leaf, i)
		must(err)
	}
}

// get returns the value at key, or nil.
func (t *tree) get(key []byte) []byte {
	t.check(key, false)
	return t.b.Get(key)
}

// create returns the bucket called name inside t, which it makes if it is not there.
func (t *tree) create(name []byte) (*tree, error) {
	if child := t.child(name); child != nil {
		return child.packed(), nil
	}
	t.pages.changed = true
	b, err := t.b.CreateBucket(name)
	if err != nil {
		return nil, fmt.Errorf("create bucket %q: %w", name, err)
	}
	return (&tree{b: b, pages: t.pages}).packed(), nil
}

// packed sets what bbolt forgets between transactions: keys come in order, so pages are filled.
func (t *tree) packed() *tree {
	t.b.FillPercent = 1
	return t
}

// put sets the value at key. It keeps value until the transaction ends.
func (t *tree) put(key, value []byte) error {
	t.check(key, false)
	t.pages.changed = true
	return foundBucket(t.b.Put(key, value))
}

// set is put for a value that may stand there already: then nothing is changed.
func (t *tree) set(key, value []byte) error {
	if was := t.get(key); was != nil && bytes.Equal(was, value) {
		return nil
	}
	return t.put(key, value)
}

// remove removes key, if it is there. Pages that become small are merged with those beside them.
func (t *tree) remove(key []byte) error {
	t.check(key, true)
	if t.b.Get(key) != nil {
		t.pages.changed = true
	}
	return foundBucket(t.b.Delete(key))
}

// foundBucket makes damage of bbolt's error for a key that the file takes for a bucket: no key of ours
// ever was one.
func foundBucket(err error) error {
	if errors.Is(err, bolterrors.ErrIncompatibleValue) {
		return &DamagedError{What: "the file", Err: err}
	}
	return err
}

// removeChild removes the bucket called name, if it is there, which has no buckets inside. It looks at
// all of it first, since bbolt will.
func (t *tree) removeChild(name []byte) error {
	child := t.child(name)
	if child == nil {
		return nil
	}
	c := child.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
	}
	t.check(name, true)
	t.pages.changed = true
	return t.b.DeleteBucket(name)
}

// Cursor returns a cursor over t.
func (t *tree) Cursor() *treeCursor {
	c := &treeCursor{c: t.b.Cursor()}
	if !t.inline() {
		c.climb = t.climb()
	}
	return c
}

// treeCursor is bbolt's cursor behind a climb that is always at the leaf that it is at or beyond it.
type treeCursor struct {
	c     *bbolt.Cursor
	climb *climb // nil when the tree has no pages of its own
	key   []byte // where the cursor is
}

// First moves to the first key.
func (c *treeCursor) First() (k, v []byte) {
	if c.climb != nil {
		must(c.climb.end(firstElement))
	}
	return c.at(c.c.First())
}

// Last moves to the last key.
func (c *treeCursor) Last() (k, v []byte) {
	if c.climb != nil {
		must(c.climb.end(lastElement))
	}
	return c.at(c.c.Last())
}

// Seek moves to the first key at or after key.
func (c *treeCursor) Seek(key []byte) (k, v []byte) {
	if c.climb != nil {
		must(c.climb.seek(key))
		c.forward(key)
	}
	return c.at(c.c.Seek(key))
}

// Next moves to the key after this one.
func (c *treeCursor) Next() (k, v []byte) {
	if c.climb != nil {
		c.forward(c.key)
	}
	return c.at(c.c.Next())
}

// Prev moves to the key before this one.
func (c *treeCursor) Prev() (k, v []byte) {
	if c.climb != nil {
		c.backward(c.key)
	}
	return c.at(c.c.Prev())
}

func (c *treeCursor) at(k, v []byte) (key, value []byte) {
	c.key = k
	return k, v
}

// forward climbs on while no key above the given one is on the leaf.
func (c *treeCursor) forward(key []byte) {
	for leaf := c.climb.leaf(); leaf.count == 0 || bytes.Compare(key, leaf.last) >= 0; leaf = c.climb.leaf() {
		more, err := c.climb.move(1, firstElement)
		must(err)
		if !more {
			return
		}
	}
}

// backward climbs back while no key below the given one is on the leaf.
func (c *treeCursor) backward(key []byte) {
	for leaf := c.climb.leaf(); leaf.count == 0 || bytes.Compare(key, leaf.first) <= 0; leaf = c.climb.leaf() {
		more, err := c.climb.move(-1, lastElement)
		must(err)
		if !more {
			return
		}
	}
}
