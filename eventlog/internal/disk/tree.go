package disk

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Tree is a bucket of the file: keys in order of their bytes, each with a value or with a tree of its own.
// Wherever bbolt goes in it, a check of the pages goes first: see pageFile.
type Tree struct {
	tx  *Tx
	b   *bbolt.Bucket // of a transaction that writes; nil where damage kept it from being opened
	at  rooted        // in one that reads
	way *climb        // that was checked last
	// growing says that the tree has guards, which its cursors hide.
	growing bool
	long    bool // a value was put that is longer than a page
}

func (t *Tree) climb() *climb {
	if t.b != nil {
		return &climb{pages: &t.tx.pages, rooted: rooted{root: uint64(t.b.Root())}}
	}
	return &climb{pages: &t.tx.pages, rooted: t.at}
}

// inline reports whether the tree is one that bbolt has no pages of: bucketRoot has checked it.
func (t *Tree) inline() bool { return t.b != nil && t.b.Root() == 0 }

// seek checks the way to key, and has t.way be there. What of it was checked for the last key is not read again: in a
// tree that grows, where the guards stand behind all that is put, that is all of it.
func (t *Tree) seek(key []byte) error {
	if t.way == nil {
		t.way = t.climb()
	}
	return t.way.seek(key)
}

// sound checks the way to key, and to the leaves beside it if beside is set. It reports whether bbolt may go there.
func (t *Tree) sound(key []byte, beside bool) bool {
	if t.tx.err != nil || t.inline() {
		return t.tx.err == nil
	}
	err := t.seek(key)
	if err == nil && beside {
		_, err = t.way.move(1)
		if err == nil {
			err = t.seek(key)
		}
		if err == nil {
			_, err = t.way.move(-1)
		}
	}
	return t.tx.sound(err)
}

// Child returns the tree called name inside t, or nil.
func (t *Tree) Child(name []byte) *Tree {
	if t.tx.err != nil {
		return nil
	}
	if !t.inline() {
		at, found, err := t.findChild(name)
		switch {
		case !t.tx.sound(err):
			return nil
		case t.b == nil && found:
			return &Tree{tx: t.tx, at: at}
		case t.b == nil:
			return nil
		}
	}
	b := t.b.Bucket(name)
	if b == nil {
		return nil
	}
	return &Tree{tx: t.tx, b: b}
}

// findChild checks the way to the bucket called name and, if it has no pages of its own, the bucket, and returns where
// that is.
func (t *Tree) findChild(name []byte) (at rooted, found bool, err error) {
	if err := t.seek(name); err != nil {
		return at, false, err
	}
	leaf, pages := t.way.last(), &t.tx.pages
	if leaf.count == 0 {
		return at, false, nil
	}
	key, err := pages.key(leaf.page, leaf.index)
	if err != nil || !bytes.Equal(key, name) || !leaf.isBucket(leaf.index) {
		return at, false, err
	}
	at, err = pages.bucketRoot(leaf.page, leaf.index)
	return at, err == nil, err
}

// Get returns the value at key, or nil.
func (t *Tree) Get(key []byte) []byte {
	if !t.sound(key, false) {
		return nil
	}
	if t.b != nil {
		return t.b.Get(key)
	}
	leaf := t.way.last()
	if leaf.count == 0 {
		return nil
	}
	k, v, err := t.tx.pages.keyValue(leaf.page, leaf.index)
	if !t.tx.sound(err) || !bytes.Equal(k, key) {
		return nil
	}
	return v
}

// Create returns the tree called name inside t, which it makes if it is not there. It is packed.
func (t *Tree) Create(name []byte) (*Tree, error) {
	child := t.Child(name)
	if t.tx.err != nil {
		return nil, t.tx.err
	}
	if child == nil {
		t.tx.changed = true
		b, err := t.b.CreateBucket(name)
		if err != nil {
			return nil, fmt.Errorf("create bucket %q: %w", name, err)
		}
		child = &Tree{tx: t.tx, b: b}
	}
	return child.Packed(), nil
}

// Packed sets what bbolt forgets between transactions: keys come in order, so pages are filled.
func (t *Tree) Packed() *Tree {
	if t.b != nil {
		t.b.FillPercent = 1
	}
	return t
}

// Put sets the value at key. It keeps value until the transaction ends.
func (t *Tree) Put(key, value []byte) error {
	if !t.sound(key, false) {
		return t.tx.err
	}
	t.tx.changed = true
	t.tx.put += len(value)
	t.long = t.long || uint64(len(value)) > t.tx.pages.pageSize
	return t.tx.foundBucket(t.b.Put(key, value))
}

// Set is Put for a value that may stand there already: then nothing is changed.
func (t *Tree) Set(key, value []byte) error {
	if was := t.Get(key); was != nil && bytes.Equal(was, value) {
		return nil
	}
	return t.Put(key, value)
}

// Remove removes key, if it is there. Pages that become small are merged with those beside them.
func (t *Tree) Remove(key []byte) error {
	if !t.sound(key, true) {
		return t.tx.err
	}
	if t.b.Get(key) != nil {
		t.tx.changed = true
	}
	return t.tx.foundBucket(t.b.Delete(key))
}

// foundBucket makes damage of bbolt's error for a key that the file takes for a bucket: no key of ours ever was one.
func (tx *Tx) foundBucket(err error) error {
	if errors.Is(err, bolterrors.ErrIncompatibleValue) {
		tx.sound(err)
		return tx.err
	}
	return err
}

// RemoveChild removes the tree called name, if it is there, which has no trees inside. It looks at
// all of it first, since bbolt will.
func (t *Tree) RemoveChild(name []byte) error {
	child := t.Child(name)
	if child == nil {
		return t.tx.err
	}
	c := child.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
	}
	if !t.sound(name, true) {
		return t.tx.err
	}
	t.tx.changed = true
	return t.b.DeleteBucket(name)
}
