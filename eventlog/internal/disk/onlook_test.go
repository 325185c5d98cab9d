package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/eventlog/internal/identity"
)

// rewrite commits once, and has every value of the tree with many keys say which commit that was.
func (f *File) rewrite(t *testing.T, round int) {
	t.Helper()
	must(t, f.Update(func(tx *Tx) error {
		tree := tx.Tree(manyKeys)
		for i := range many {
			must(t, tree.Put(keyOf(i), fmt.Appendf(nil, "value %d of %d", i, round)))
		}
		return nil
	}))
}

// TestOnlookersSeeOneStateOnly has a writer commit, once or often, after each number of keys that an onlooker has read: the
// rest is of the same state, or the transaction has met ErrOvertaken. Pages that it still had to read were written over.
func TestOnlookersSeeOneStateOnly(t *testing.T) {
	f := newFile(t)
	f.db.NoSync = true
	r, err := OpenToRead(f.path)
	must(t, err)
	round, overtaken := 0, 0
	for commits := range 4 {
		for at := 0; at < many; at += 1 + many/25 {
			f.rewrite(t, round)
			tx := r.begin(t, false)
			c := tx.Tree(manyKeys).Cursor()
			n, state := 0, round
			for k, v := c.First(); k != nil; k, v = c.Next() {
				if want := fmt.Sprintf("value %d of %d", n, state); !bytes.Equal(k, keyOf(n)) || string(v) != want {
					t.Fatalf("%d commits after %d keys: key %d is %q with %q, want %q", commits, at, n, k, v, want)
				}
				if n++; n == at {
					for range commits {
						round++
						f.rewrite(t, round)
					}
				}
			}
			switch err := tx.Err(); {
			case errors.Is(err, ErrOvertaken) && commits > 0:
				overtaken++
				if v := tx.Tree(fewKeys).Get([]byte("k")); v != nil {
					t.Fatalf("an overtaken transaction shows %q", v)
				}
				if err := tx.Do(func() error { return nil }); err != ErrOvertaken {
					t.Fatalf("an overtaken transaction ends with %v", err)
				}
			case err != nil || n != many:
				t.Fatalf("%d commits after %d keys: read %d keys, %v", commits, at, n, err)
			}
			must(t, tx.Rollback())
		}
	}
	if overtaken < 3*20 {
		t.Errorf("%d transactions were overtaken", overtaken)
	}
}

// TestOnlookersReadAhead: whoever walks has runs read that grow, and what he is shown stays as it is behind the next of them.
// Whoever jumps about has none.
func TestOnlookersReadAhead(t *testing.T) {
	f := newFile(t)
	r, err := OpenToRead(f.path)
	must(t, err)
	walk, jump := r.begin(t, false), r.begin(t, false)
	var shown [][]byte
	c := walk.Tree(manyKeys).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		shown = append(shown, k, v)
	}
	for i := range many {
		if v := fmt.Sprintf("value %d", i); !bytes.Equal(shown[2*i], keyOf(i)) || string(shown[2*i+1]) != v {
			t.Fatalf("key %d is %q with %q", i, shown[2*i], shown[2*i+1])
		}
	}
	if got := walk.pages.onlooker; got.ahead < runMost || len(got.branches) == 0 {
		t.Errorf("the last run of a walk was to have %d bytes", got.ahead)
	}
	for i := many - 1; i >= 0; i -= many / 8 {
		if v := jump.Tree(manyKeys).Get(keyOf(i)); string(v) != fmt.Sprintf("value %d", i) {
			t.Fatalf("key %d is %q", i, v)
		}
	}
	if got := jump.pages.onlooker.ahead; got > runLeast {
		t.Errorf("the last run of one who jumps was to have %d bytes", got)
	}
}

// TestOnlookersLeaveNoTrace: nothing is written, locked or left open, and nothing can be written.
func TestOnlookersLeaveNoTrace(t *testing.T) {
	f := newFile(t)
	must(t, f.Close())
	before, err := os.ReadFile(f.path)
	must(t, err)
	r, err := OpenToRead(f.path)
	must(t, err)
	tx := r.begin(t, false)
	if _, err := tx.CheckPages(t.Context(), nil); err != nil {
		t.Errorf("check pages: %v", err)
	}
	if err := r.Update(func(*Tx) error { return nil }); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("update: %v", err)
	}
	if bytes, free := r.Usage(); bytes == 0 || bytes > int64(len(before)) || free < 0 || free >= bytes {
		t.Errorf("usage: %d bytes, %d of them free", bytes, free)
	}
	w, err := Open(f.path) // beside an onlooker's transaction
	must(t, err)
	other, err := OpenToRead(f.path)
	must(t, err)
	must(t, errors.Join(other.Close(), r.Close(), w.Close()))
	wantFiles(t, f, "test.db")
	if after, err := os.ReadFile(f.path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file is another: %v", err)
	}
}

// TestOnlookersFollowAnExchange: a transaction that is open goes on with the file that was exchanged, the next has the
// other one.
func TestOnlookersFollowAnExchange(t *testing.T) {
	f := newFile(t)
	r, err := OpenToRead(f.path)
	must(t, err)
	old := r.begin(t, false)
	path, err := f.Copy(t.Context(), func(identity.Identity) Pair { return Pair{fewKeys, []byte("copied"), []byte("yes")} })
	must(t, err)
	must(t, f.Swap(path))
	f.rewrite(t, 1)
	f.rewrite(t, 2)
	if v := old.Tree(manyKeys).Get(keyOf(many - 1)); string(v) != fmt.Sprintf("value %d", many-1) || old.Err() != nil {
		t.Errorf("the old file has %q, %v", v, old.Err())
	}
	fresh := r.begin(t, false)
	if os.SameFile(old.Is, fresh.Is) || string(fresh.Tree(fewKeys).Get([]byte("copied"))) != "yes" {
		t.Errorf("the next transaction has the old file")
	}
	must(t, os.Remove(f.path))
	if _, err := r.Begin(false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("begin where there is no file: %v", err)
	}
}

// TestOnlookersWaitForATornMeta: a meta page that is half written is soon whole; one that stays so is damage.
func TestOnlookersWaitForATornMeta(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFile(t)
		must(t, f.Close())
		whole, err := os.ReadFile(f.path)
		must(t, err)
		torn := bytes.Clone(whole)
		torn[int(f.pageSize)+pageHeader+40] ^= 1
		must(t, os.WriteFile(f.path, torn, 0o600))
		if _, err := OpenToRead(f.path); !isDamage(err) {
			t.Errorf("open: %v", err)
		}
		time.AfterFunc(2*tornPause, func() { must(t, os.WriteFile(f.path, whole, 0o600)) })
		_, err = OpenToRead(f.path)
		must(t, err)
	})
}

// TestOnlookersMeetDamage spoils what an onlooker reads, and nothing else writes.
func TestOnlookersMeetDamage(t *testing.T) {
	f := newFile(t)
	must(t, f.Close())
	whole, err := os.ReadFile(f.path)
	must(t, err)
	met := 0
	for at := 2 * int(f.pageSize); at < len(whole); at += int(f.pageSize) {
		spoiled := bytes.Clone(whole)
		native.PutUint32(spoiled[at+12:], 1<<30) // the overflow
		must(t, os.WriteFile(f.path, spoiled, 0o600))
		r, err := OpenToRead(f.path)
		must(t, err)
		tx, n := r.begin(t, false), 0
		c := tx.Tree(manyKeys).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			n++
		}
		switch err := tx.Err(); {
		case isDamage(err) && n < many:
			met++
		case err != nil || n != many:
			t.Errorf("page at %d: read %d keys, %v", at, n, err)
		}
	}
	if met < 3 {
		t.Errorf("met damage %d times", met)
	}
	must(t, os.WriteFile(f.path, whole[:len(whole)/2], 0o600))
	if _, err := OpenToRead(f.path); !isDamage(err) {
		t.Errorf("open half a file: %v", err)
	}
}
