package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
)

// TestOpenTellsWhyNot opens what cannot be opened.
func TestOpenTellsWhyNot(t *testing.T) {
	for name, test := range map[string]struct {
		arrange func(t *testing.T, path string)
		want    func(error) bool
	}{
		"no file":     {func(t *testing.T, path string) { must(t, os.Remove(path)) }, func(err error) bool { return errors.Is(err, fs.ErrNotExist) }},
		"cut short":   {func(t *testing.T, path string) { must(t, os.Truncate(path, 3*4096)) }, isDamage},
		"empty":       {func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) }, isDamage},
		"not a file":  {func(t *testing.T, path string) { must(t, os.Remove(path)); must(t, os.Mkdir(path, 0o700)) }, func(err error) bool { return !isDamage(err) }},
		"other bytes": {func(t *testing.T, path string) { must(t, os.WriteFile(path, make([]byte, 1<<16), 0o600)) }, isDamage},
		"open": {func(t *testing.T, path string) {
			f, err := Open(path)
			must(t, err)
			t.Cleanup(func() { must(t, f.Close()) })
		}, func(err error) bool { return errors.Is(err, ErrLocked) }},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile(t)
			must(t, f.Close())
			test.arrange(t, f.path)
			if _, err := Open(f.path); err == nil || !test.want(err) {
				t.Errorf("open: %v", err)
			}
		})
	}
}

// TestCreateReplacesNothing: a file that is there stays as it is, and a file that could not be filled is none.
func TestCreateReplacesNothing(t *testing.T) {
	f := newFile(t)
	must(t, f.Close())
	before, err := os.ReadFile(f.path)
	must(t, err)
	if err := Create(f.path, func(tx *Tx) error { return nil }); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create over a file: %v", err)
	}
	if after, err := os.ReadFile(f.path); err != nil || string(after) != string(before) {
		t.Errorf("the file is another: %v", err)
	}
	own := errors.New("own")
	if err := Create(f.path+"2", func(tx *Tx) error { return own }); !errors.Is(err, own) {
		t.Errorf("create: %v", err)
	}
	wantFiles(t, f, "test.db")
}

// wantFiles checks which files lie in the folder of f.
func wantFiles(t *testing.T, f *File, want ...string) {
	t.Helper()
	files, err := os.ReadDir(filepath.Dir(f.path))
	must(t, err)
	for i, file := range files {
		if i >= len(want) || file.Name() != want[i] {
			t.Errorf("beside the file lies %s", file.Name())
		}
	}
	if len(files) < len(want) {
		t.Errorf("there are %v, want %q", files, want)
	}
}

func TestUpdateKeepsAllOrNothing(t *testing.T) {
	f := newFile(t)
	own := errors.New("own")
	put := func(key string, err error) error {
		return f.Update(func(tx *Tx) error { return errors.Join(tx.Tree(fewKeys).Put([]byte(key), nil), err) })
	}
	if err := put("not kept", own); !errors.Is(err, own) {
		t.Errorf("update: %v", err)
	}
	must(t, put("kept", nil))
	few := f.begin(t, false).Tree(fewKeys)
	if few.Get([]byte("kept")) == nil || few.Get([]byte("not kept")) != nil {
		t.Error("something else was kept")
	}
}

// TestAfterClose: what is closed says so, and has its size still.
func TestAfterClose(t *testing.T) {
	f := newFile(t)
	bytes, _ := f.Usage()
	must(t, f.Close())
	if _, err := f.Begin(false); !errors.Is(err, ErrNotOpen) {
		t.Errorf("begin: %v", err)
	}
	if _, err := f.Begin(true); !errors.Is(err, ErrNotOpen) {
		t.Errorf("begin: %v", err)
	}
	if size, free := f.Usage(); size < bytes || free != 0 {
		t.Errorf("it has %d bytes, %d of them free; before it had %d", size, free, bytes)
	}
}

// TestAWedgedFileIsLeftAlone spoils both meta pages under an open file: bbolt panics while it holds its locks.
// Nobody waits for those.
func TestAWedgedFileIsLeftAlone(t *testing.T) {
	f := newFile(t)
	_, err := f.file.WriteAt(make([]byte, 2*f.pageSize), 0)
	must(t, err)
	_, first := f.Begin(false)
	_, second := f.Begin(true)
	if !isDamage(first) || second != first || f.Reopen() != first {
		t.Errorf("begin: %v, then %v", first, second)
	}
	if bytes, _ := f.Usage(); bytes == 0 {
		t.Error("its size is not told")
	}
	must(t, f.Close())
}

// TestMarks: the mark of a failed sync stays beside the file until it is taken away; what a look for room leaves
// in a crash goes when the file is opened.
func TestMarks(t *testing.T) {
	f := newFile(t)
	if f.Unsynced() {
		t.Error("it is marked")
	}
	must(t, f.MarkSynced())
	must(t, f.MarkUnsynced())
	must(t, f.Close())
	must(t, os.WriteFile(f.path+".room", nil, 0o600))
	f, err := Open(f.path)
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	if !f.Unsynced() {
		t.Error("the mark is gone")
	}
	wantFiles(t, f, "test.db", "test.db.unsynced")
	must(t, f.Sync())
	must(t, f.MarkSynced())
	must(t, f.TryRoom(1<<20))
	wantFiles(t, f, "test.db")
}

// TestReopenIsPatient: a file that another process has is tried again, for a while.
func TestReopenIsPatient(t *testing.T) {
	for _, letsGo := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f := newFile(t)
			must(t, f.Close())
			other, err := Open(f.path)
			must(t, err)
			reopened := make(chan error, 1)
			go func() { reopened <- f.Reopen() }()
			synctest.Wait()
			select {
			case err := <-reopened:
				t.Fatalf("it has not waited: %v", err)
			default:
			}
			if !letsGo {
				if err := <-reopened; !errors.Is(err, ErrLocked) {
					t.Errorf("reopen: %v", err)
				}
				if _, err := f.Begin(false); !errors.Is(err, ErrNotOpen) {
					t.Errorf("begin: %v", err)
				}
			}
			must(t, other.Close())
			if letsGo {
				must(t, <-reopened)
			} else {
				must(t, f.Reopen())
			}
			if v := f.begin(t, false).Tree(fewKeys).Get([]byte("k")); string(v) != "v" {
				t.Errorf("got %q", v)
			}
		})
	}
}
