package disk

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// Tx is a transaction of bbolt's, whose pages are checked before bbolt follows them. Bytes that come from a
// Tx are those of the mapped file and die with the Tx.
//
// The first damage that a Tx meets ends it, as the first failed write ends a bufio.Writer: from then on
// every Get returns nil, every [Cursor] is at none, every Put refuses, and so does [Tx.Commit]. That a key
// is not there is known only while [Tx.Err] is nil.
type Tx struct {
	// Is says which file the transaction shows, where that was opened by [OpenToRead]: another may be put in its place, as
	// a compaction does. Nil where the file is mapped.
	Is      os.FileInfo
	file    *File
	bolt    *bbolt.Tx // nil where the file is only looked on, see [OpenToRead]
	id      int64
	top     uint64 // the root page of all
	pages   pageFile
	root    *Tree
	opened  []namedTree // those at the top that were looked at
	changed bool
	put     int   // bytes of the values that were put
	err     error // the first damage, or ErrOvertaken
}

// namedTree is a tree that a transaction has opened.
type namedTree struct {
	name []byte
	tree *Tree
}

// Err returns the first damage that the transaction has met, or [ErrOvertaken], or nil.
func (tx *Tx) Err() error { return tx.err }

// sound takes note of what is wrong with a page, and reports whether nothing is, nor ever was.
func (tx *Tx) sound(err error) bool {
	if tx.err == nil {
		tx.err = damaged(err)
	}
	return tx.err == nil
}

// Do runs a step of the transaction. It returns [Tx.Err] if there is one, since fn's error may come of that damage,
// and else fn's error. A fault of the mapping, or a panic of bbolt's or of fn's, is damage like any other.
func (tx *Tx) Do(fn func() error) error {
	err := guard(fn)
	if tx.err == nil && isDamage(err) {
		tx.err = err
	}
	return cmp.Or(tx.err, err)
}

// ID returns the number of the transaction. That of one that only reads is that of the last that was committed.
func (tx *Tx) ID() int64 { return tx.id }

// Root returns the tree that has all others in it.
func (tx *Tx) Root() *Tree {
	if tx.root == nil {
		tx.root = &Tree{tx: tx, at: rooted{root: tx.top}}
		if tx.bolt != nil && tx.bolt.Writable() {
			tx.root.b = tx.bolt.Cursor().Bucket()
		}
	}
	return tx.root
}

// Tree returns a tree at the top of the file, which every file has: it is damage if it is missing.
func (tx *Tx) Tree(name []byte) *Tree {
	for _, t := range tx.opened {
		if bytes.Equal(t.name, name) {
			return t.tree
		}
	}
	t := tx.Root().Child(name)
	if t == nil {
		tx.sound(fmt.Errorf("bucket %q is missing", name))
		return &Tree{tx: tx}
	}
	tx.opened = append(tx.opened, namedTree{name: name, tree: t})
	return t
}

// Keep returns bytes that come from the transaction and stay when it ends: a copy, unless they are one.
func (tx *Tx) Keep(b []byte) []byte {
	if tx.pages.onlooker != nil {
		return b
	}
	return bytes.Clone(b)
}

// Changed reports whether something was put or removed.
func (tx *Tx) Changed() bool { return tx.changed }

// Allocated returns the bytes of the pages that the transaction has written or will.
func (tx *Tx) Allocated() int64 {
	stats := tx.bolt.Stats()
	return stats.GetPageAlloc()
}

// Synced returns how long a commit took to sync what it has written, twice; where that cannot be told, together with the
// writes.
func (tx *Tx) Synced() time.Duration {
	if s := tx.file.syncs; s != nil {
		return s.synced
	}
	stats := tx.bolt.Stats()
	return stats.GetWriteTime()
}

// Commit writes and syncs what was changed; nothing if the transaction has met damage. [NoRoom] and
// [Failed] tell how it has failed: then what it has written may be visible, and on disk or not.
func (tx *Tx) Commit() error {
	if tx.err != nil {
		return tx.err
	}
	tx.writeAhead()
	if err := guard(tx.bolt.Commit); err != nil {
		tx.file.short.Store(true)
		return ofFile(tx.file.path, err)
	}
	if s := tx.file.syncs; s != nil {
		s.stop()
	}
	return nil
}

// Rollback ends a transaction that was not committed. After a commit it does nothing, but for what bbolt has left
// undone where that has failed.
func (tx *Tx) Rollback() error {
	if o := tx.pages.onlooker; o != nil {
		return o.file.Close()
	}
	err := guard(tx.bolt.Rollback)
	tx.file.wedge(err)
	return err
}
