package disk

import (
	"fmt"
	"path/filepath"
	"testing"
)

var (
	manyKeys = []byte("many") // a tree with branch pages
	fewKeys  = []byte("few")  // a tree inside the page of the one that it is in
)

const many = 2000

func keyOf(i int) []byte { return fmt.Appendf(nil, "key %04d", 2*i) }

// newFile makes a file with two trees, and opens it until the test ends.
func newFile(t testing.TB) *File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	must(t, Create(path, func(tx *Tx) error {
		few, err := tx.Root().Create(fewKeys)
		must(t, err)
		must(t, few.Put([]byte("k"), []byte("v")))
		b, err := tx.Root().Create(manyKeys)
		for i := range many {
			must(t, b.Put(keyOf(i), fmt.Appendf(nil, "value %d", i)))
		}
		return err
	}))
	f, err := Open(path)
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// begin begins a transaction, which ends with the test.
func (f *File) begin(t testing.TB, writable bool) *Tx {
	t.Helper()
	tx, err := f.Begin(writable)
	must(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
