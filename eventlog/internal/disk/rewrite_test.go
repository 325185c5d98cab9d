package disk

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"maps"
	"os"
	"testing"

	"github.com/quipulog/quipu/eventlog/internal/identity"
)

// content returns all keys of the file by their path, and checks the pages.
func content(t *testing.T, f *File) map[string]string {
	t.Helper()
	tx := f.begin(t, false)
	all := make(map[string]string)
	var walk func(tree *Tree, path string)
	walk = func(tree *Tree, path string) {
		c := tree.Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			at := path + "/" + string(k)
			if all[at] = string(v); v == nil {
				walk(tree.Child(k), at)
			}
		}
	}
	walk(tx.Root(), "")
	_, err := tx.CheckPages(t.Context(), nil)
	must(t, errors.Join(err, tx.Err(), tx.Rollback()))
	return all
}

// asItIs has a copy hold what it is.
func asItIs(is identity.Identity) Pair { return Pair{fewKeys, []byte("itself"), is.Encode()} }

// TestCopyAndSwap rewrites a file most of which is free: the same stands in less, and transactions go on.
func TestCopyAndSwap(t *testing.T) {
	f := newFile(t)
	must(t, os.WriteFile(f.path+".compact-1", []byte("what a crash has left"), 0o600))
	must(t, f.Update(func(tx *Tx) error {
		deep, err := tx.Tree(manyKeys).Create([]byte("tree"))
		for i := range many {
			must(t, tx.Tree(manyKeys).Remove(keyOf(i)))
			must(t, deep.Put(keyOf(i), make([]byte, 10<<10))) // more than a transaction of a copy writes
		}
		return err
	}))
	must(t, f.Update(func(tx *Tx) error {
		deep := tx.Tree(manyKeys).Child([]byte("tree"))
		for i := range many / 2 {
			must(t, deep.Remove(keyOf(2*i)))
		}
		return nil
	}))
	want := content(t, f)
	before, free := f.Usage()
	if free < 10<<20 {
		t.Fatalf("%d bytes are free", free)
	}
	copied, err := f.Copy(t.Context(), asItIs)
	must(t, err)
	must(t, f.Swap(copied))
	after, _ := f.Usage()
	is, err := f.Identity()
	must(t, err)
	want["/"+string(fewKeys)+"/itself"] = string(is.Encode())
	if got := content(t, f); !maps.Equal(got, want) {
		t.Errorf("there are %d keys, want %d, or the copy is not the file that it says", len(got), len(want))
	}
	if after > before-free+free/8 {
		t.Errorf("%d bytes became %d, %d were free", before, after, free)
	}
	must(t, f.Update(func(tx *Tx) error { return tx.Tree(fewKeys).Put([]byte("later"), nil) }))
	wantFiles(t, f, "test.db")
	must(t, f.Close())
	f, err = Open(f.path)
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	if f.begin(t, false).Tree(fewKeys).Get([]byte("later")) == nil {
		t.Error("what was written to the copy is gone")
	}
}

// TestACopyThatFailsIsNotLeft ends a copy early, by its context and by a damaged page.
func TestACopyThatFailsIsNotLeft(t *testing.T) {
	f := newFile(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	cancel(why)
	if _, err := f.Copy(ctx, asItIs); !errors.Is(err, why) {
		t.Errorf("copy: %v", err)
	}
	f.damageLeaf(t, keyOf(many/2))
	if _, err := f.Copy(t.Context(), asItIs); !isDamage(err) {
		t.Errorf("copy: %v", err)
	}
	wantFiles(t, f, "test.db")
}

// TestSwapWithABadCopy: one that is seen not to be whole changes nothing; one that only bbolt refuses leaves a file
// that is not open, until it is opened again.
func TestSwapWithABadCopy(t *testing.T) {
	f := newFile(t)
	whole, err := os.ReadFile(f.path)
	must(t, err)
	copied := f.path + ".compact-1"
	must(t, os.WriteFile(copied, whole[:len(whole)/2], 0o600))
	if err := f.Swap(copied); err == nil || errors.Is(err, ErrNotOpen) {
		t.Errorf("swap: %v", err)
	}
	if v := f.begin(t, false).Tree(fewKeys).Get([]byte("k")); string(v) != "v" {
		t.Errorf("got %q", v)
	}
	wantFiles(t, f, "test.db", "test.db.compact-1")

	f = newFile(t)
	bad := append([]byte(nil), whole...)
	for at := pageHeader; at < 2*int(f.pageSize); at += int(f.pageSize) {
		binary.NativeEndian.PutUint32(bad[at+4:], 3) // another version of bbolt's
		resum(bad[at:])
	}
	copied = f.path + ".compact-1"
	must(t, os.WriteFile(copied, bad, 0o600))
	if err := f.Swap(copied); !errors.Is(err, ErrNotOpen) || !isDamage(err) {
		t.Errorf("swap: %v", err)
	}
	if _, err := f.Begin(false); !errors.Is(err, ErrNotOpen) {
		t.Errorf("begin: %v", err)
	}
	if err := f.Reopen(); !isDamage(err) {
		t.Errorf("reopen: %v", err)
	}
	must(t, os.WriteFile(f.path, whole, 0o600))
	must(t, f.Reopen())
	if got := content(t, f); len(got) != many+3 {
		t.Errorf("there are %d keys", len(got))
	}
}

// resum makes the checksum of a meta fit.
func resum(meta []byte) {
	sum := fnv.New64a()
	sum.Write(meta[:56])
	native.PutUint64(meta[56:], sum.Sum64())
}
