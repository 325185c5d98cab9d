package disk

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWhatIsAsideIsPutBack is about a file that was put aside, where no file can have two names, by a process that was killed:
// whoever writes puts it back, and whoever reads meanwhile finds it; while the process is there it has it.
func TestWhatIsAsideIsPutBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	key := []byte("key")
	must(t, Create(path, func(tx *Tx) error {
		tree, err := tx.Root().Create(key)
		must(t, err)
		return tree.Put(key, []byte("value"))
	}))
	has := func(f *File, err error) {
		t.Helper()
		must(t, err)
		tx, err := f.Begin(false)
		must(t, err)
		if got := tx.Tree(key).Get(key); !bytes.Equal(got, []byte("value")) {
			t.Errorf("it holds %q", got)
		}
		must(t, errors.Join(tx.Rollback(), f.Close()))
	}
	r, err := OpenRemains(path)
	must(t, err)
	must(t, os.Rename(path, aside(path)))
	if _, err := Open(path); !errors.Is(err, ErrLocked) {
		t.Errorf("while it is replaced: %v", err)
	}
	if err := Create(path, func(*Tx) error { return nil }); !errors.Is(err, fs.ErrExist) {
		t.Errorf("another one is made in its place: %v", err)
	}
	has(OpenToRead(path))
	must(t, r.Close())
	has(OpenToRead(path))
	if !Aside(path) {
		t.Error("who only reads has put it back")
	}
	has(Open(path))
	must(t, os.Rename(path, aside(path)))
	r, err = OpenRemains(path)
	must(t, err)
	must(t, r.Close())
	has(Open(path))

	// Where another has its place already it gets its name.
	for _, want := range []string{"", "-2"} {
		must(t, os.WriteFile(aside(path), []byte("damaged"), 0o600))
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		must(t, os.Chtimes(aside(path), at, at))
		has(Open(path))
		if b, err := os.ReadFile(DamagedName(path, at) + want); err != nil || string(b) != "damaged" {
			t.Errorf("the damaged file holds %q, %v", b, err)
		}
	}
}
