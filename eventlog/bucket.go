package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"iter"

	"github.com/quipulog/quipu/eventlog/internal/disk"
)

// ErrKey is returned by [Bucket.Put] for a key that is empty or longer than 32 KiB, or a value that is
// longer than 16 MiB.
var ErrKey = errors.New("invalid key or value")

const (
	maxKey   = 32 << 10
	maxValue = 16 << 20
)

// ReadBucket is a set of keys that stand beside the log and change together with it. It is used within its
// transaction only.
type ReadBucket struct {
	tx   *ReadTx
	name string
	t    *disk.Tree // nil until something is put, if there is nothing yet
}

// Bucket is a [ReadBucket] of an Update, which can be changed.
type Bucket struct {
	ReadBucket
	w *writeTx
}

// Bucket returns the bucket called name for reading. One that nobody has put anything into is empty.
func (tx *ReadTx) Bucket(name string) *ReadBucket {
	b := &ReadBucket{tx: tx, name: name}
	_ = tx.do(func() error {
		b.t = tx.r.Tree(bucketState).Child([]byte(name))
		return nil
	})
	return b
}

// Bucket returns the bucket called name. One that nobody has put anything into is empty.
func (tx *Tx) Bucket(name string) *Bucket {
	return &Bucket{ReadBucket: *tx.ReadTx.Bucket(name), w: tx.w}
}

// Get returns a copy of the value at key, or nil if there is none. An empty value is not nil.
func (b *ReadBucket) Get(key []byte) (value []byte) {
	if b.t == nil {
		return nil
	}
	_ = b.tx.do(func() error {
		if v := b.t.Get(key); v != nil {
			value = append(make([]byte, 0, len(v)), v...)
		}
		return nil
	})
	return value
}

// Ascend yields copies of the keys at or after from and of their values, in order of the keys' bytes; from
// nil all. The bucket may be changed meanwhile: each step looks for the key after the last one.
func (b *ReadBucket) Ascend(from []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		seek := bytes.Clone(from)
		for b.t != nil {
			var key, value []byte
			_ = b.tx.do(func() error {
				if k, v := b.t.Cursor().Seek(seek); k != nil {
					key, value = bytes.Clone(k), append(make([]byte, 0, len(v)), v...)
				}
				return nil
			})
			if key == nil || !yield(key, value) {
				return
			}
			seek = append(key[:len(key):len(key)], 0) // the least key above
		}
	}
}

// Put sets the value at key; both are copied.
func (b *Bucket) Put(key, value []byte) error {
	if len(key) == 0 || len(key) > maxKey || len(value) > maxValue {
		return fmt.Errorf("put into %s: %w: a key of %d bytes with %d bytes", b.name, ErrKey, len(key), len(value))
	}
	if err := checkName(b.name); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	return b.tx.do(func() error {
		if b.t == nil {
			created, err := b.w.Tree(bucketState).Packed().Create([]byte(b.name))
			if err != nil {
				return fmt.Errorf("put into %s: %w", b.name, err)
			}
			b.t = created
		}
		return b.t.Set(key, append(make([]byte, 0, len(value)), value...))
	})
}

// Delete removes key, if it is there.
func (b *Bucket) Delete(key []byte) error {
	if b.t == nil {
		return nil
	}
	return b.tx.do(func() error { return b.t.Remove(key) })
}
