package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

var (
	manyKeys = []byte("many") // a tree with branch pages
	fewKeys  = []byte("few")  // a tree inside the page of the one that it is in
)

const many = 2000

func keyOf(i int) []byte { return fmt.Appendf(nil, "key %04d", 2*i) }

// testFile is a file that is open until the test ends.
type testFile struct {
	db   *bbolt.DB
	file *os.File
}

// newFile makes a file with two trees.
func newFile(t *testing.T) testFile {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{InitialMmapSize: 1 << 24}) // growing would wait for readers
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	must(t, db.Update(func(tx *bbolt.Tx) error {
		few, err := tx.CreateBucket(fewKeys)
		must(t, err)
		must(t, few.Put([]byte("k"), []byte("v")))
		b, err := tx.CreateBucket(manyKeys)
		for i := range many {
			must(t, b.Put(keyOf(i), fmt.Appendf(nil, "value %d", i)))
		}
		return err
	}))
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return testFile{db: db, file: file}
}

// begin begins a transaction, which ends with the test.
func (f testFile) begin(t *testing.T, writable bool) *Tx {
	t.Helper()
	bolt, err := f.db.Begin(writable)
	must(t, err)
	tx := Begun(bolt, f.file, uint64(f.db.Info().PageSize))
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
