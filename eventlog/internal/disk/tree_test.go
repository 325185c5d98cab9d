package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// damageLeaf makes the leaf that holds a key another page than it says.
func (f *File) damageLeaf(t *testing.T, key []byte) {
	t.Helper()
	tx := f.begin(t, false)
	c := tx.Tree(manyKeys).climb()
	must(t, c.seek(key))
	at := int64(c.leaf().id * tx.pages.pageSize)
	must(t, tx.Rollback())
	_, err := f.file.WriteAt(binary.NativeEndian.AppendUint64(nil, 1<<40), at)
	must(t, err)
}

// TestDamageEndsATransaction meets a damaged page in each way there is: after it the transaction shows
// nothing, takes nothing and commits nothing.
func TestDamageEndsATransaction(t *testing.T) {
	damaged := keyOf(many / 2)
	for name, meet := range map[string]func(tx *Tx) error{
		"get":           func(tx *Tx) error { _ = tx.Tree(manyKeys).Get(damaged); return tx.Err() },
		"put":           func(tx *Tx) error { return tx.Tree(manyKeys).Put(damaged, nil) },
		"set":           func(tx *Tx) error { return tx.Tree(manyKeys).Set(damaged, nil) },
		"remove":        func(tx *Tx) error { return tx.Tree(manyKeys).Remove(damaged) },
		"child":         func(tx *Tx) error { _ = tx.Tree(manyKeys).Child(damaged); return tx.Err() },
		"create":        func(tx *Tx) error { _, err := tx.Tree(manyKeys).Create(damaged); return err },
		"remove a tree": func(tx *Tx) error { return tx.Root().RemoveChild(manyKeys) },
		"seek":          func(tx *Tx) error { c := tx.Tree(manyKeys).Cursor(); _, _ = c.Seek(damaged); return c.Err() },
		"next": func(tx *Tx) error {
			c := tx.Tree(manyKeys).Cursor()
			for k, _ := c.First(); k != nil; k, _ = c.Next() {
			}
			return c.Err()
		},
		"prev": func(tx *Tx) error {
			c := tx.Tree(manyKeys).Cursor()
			for k, _ := c.Last(); k != nil; k, _ = c.Prev() {
			}
			return c.Err()
		},
		"a tree that is not there": func(tx *Tx) error { _ = tx.Tree([]byte("none")).Get(damaged); return tx.Err() },
		"a key that is a tree":     func(tx *Tx) error { return tx.Root().Put(fewKeys, nil) },
		"a fault":                  func(tx *Tx) error { return tx.Do(func() error { panic("fault") }) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile(t)
			f.damageLeaf(t, damaged)
			tx := f.begin(t, true)
			few, cursor := tx.Tree(fewKeys), tx.Tree(manyKeys).Cursor()
			must(t, few.Put([]byte("lost"), []byte("v")))
			if k, _ := cursor.First(); k == nil {
				t.Fatal("the first key is not there")
			}
			if err := meet(tx); !isDamage(err) || tx.Err() != err {
				t.Fatalf("met %v, the transaction has %v", err, tx.Err())
			}
			whole := keyOf(0)
			if v := tx.Tree(manyKeys).Get(whole); v != nil {
				t.Errorf("shows %q", v)
			}
			if v := few.Get([]byte("k")); v != nil || few.Child([]byte("k")) != nil {
				t.Errorf("shows %q", v)
			}
			for what, move := range map[string]func() (k, v []byte){
				"first": cursor.First, "last": cursor.Last, "next": cursor.Next, "prev": cursor.Prev,
				"seek": func() (k, v []byte) { return cursor.Seek(whole) },
			} {
				if k, v := move(); k != nil || v != nil {
					t.Errorf("%s: %q, %q", what, k, v)
				}
			}
			_, created := few.Create([]byte("new"))
			for what, err := range map[string]error{
				"put": few.Put([]byte("k"), nil), "set": few.Set([]byte("k"), []byte("v")), "remove": few.Remove([]byte("k")),
				"remove a tree": tx.Root().RemoveChild(fewKeys), "create": created, "commit": tx.Commit(),
				"do": tx.Do(func() error { return errors.New("not there") }),
			} {
				if err != tx.Err() {
					t.Errorf("%s: %v", what, err)
				}
			}
			must(t, tx.Rollback())
			if v := f.begin(t, false).Tree(fewKeys).Get([]byte("lost")); v != nil {
				t.Errorf("committed %q", v)
			}
		})
	}
}

// TestDo: what a step returns is its own error, unless there is damage.
func TestDo(t *testing.T) {
	tx := newFile(t).begin(t, false)
	own := errors.New("own")
	if err := tx.Do(func() error { return own }); err != own || tx.Err() != nil {
		t.Errorf("%v, the transaction has %v", err, tx.Err())
	}
	must(t, tx.Do(func() error { return nil }))
	err := tx.Do(func() error { return fmt.Errorf("found: %w", &Damage{What: "a value", Err: own}) })
	if !errors.Is(err, own) || tx.Err() != err {
		t.Errorf("%v, the transaction has %v", err, tx.Err())
	}
}

// TestCursorAgainstASlice moves a cursor about at random, beside an index into the keys.
func TestCursorAgainstASlice(t *testing.T) {
	f := newFile(t)
	var keys [][]byte
	for i := range many {
		keys = append(keys, keyOf(i))
	}
	tx := f.begin(t, false)
	c := tx.Tree(manyKeys).Cursor()
	random := rand.New(rand.NewPCG(7, 8))
	for range 200 {
		at := random.IntN(many)
		k, v := c.Seek(fmt.Appendf(nil, "key %04d", 2*at-random.IntN(2)))
		for range random.IntN(150) {
			if want := fmt.Sprintf("value %d", at); !bytes.Equal(k, keys[at]) || string(v) != want {
				t.Fatalf("at %q, %q, want %q, %q", k, v, keys[at], want)
			}
			switch step := random.IntN(5); {
			case step < 2 && at+1 < many:
				at++
				k, v = c.Next()
			case step > 2 && at > 0:
				at--
				k, v = c.Prev()
			}
		}
	}
	if k, _ := c.Last(); !bytes.Equal(k, keys[many-1]) {
		t.Errorf("last: %q", k)
	}
	if k, _ := c.Next(); k != nil {
		t.Errorf("after the last: %q", k)
	}
	if k, _ := c.First(); !bytes.Equal(k, keys[0]) {
		t.Errorf("first: %q", k)
	}
	if k, _ := c.Seek([]byte("l")); k != nil {
		t.Errorf("above the last: %q", k)
	}
	must(t, tx.Err())
}

// TestTreeAgainstAMap changes a tree at random, in many transactions, beside a map.
func TestTreeAgainstAMap(t *testing.T) {
	f := newFile(t)
	want := make(map[string]string)
	for i := range many {
		want[string(keyOf(i))] = fmt.Sprintf("value %d", i)
	}
	random := rand.New(rand.NewPCG(9, 10))
	for range 20 {
		tx := f.begin(t, true)
		tree := tx.Tree(manyKeys)
		for range 100 {
			k, v := fmt.Sprintf("key %04d", random.IntN(2*many)), fmt.Sprint(random.Uint64())
			switch random.IntN(4) {
			case 0:
				must(t, tree.Put([]byte(k), []byte(v)))
				want[k] = v
			case 1:
				must(t, tree.Set([]byte(k), []byte(v)))
				want[k] = v
			default:
				must(t, tree.Remove([]byte(k)))
				delete(want, k)
			}
		}
		must(t, tx.Commit())
		seen := f.begin(t, false)
		_, err := seen.CheckPages(t.Context(), nil)
		must(t, errors.Join(err, seen.Rollback())) // where nothing is reserved, the file grows only without readers
	}
	got := make(map[string]string)
	tx := f.begin(t, false)
	var keys []string
	c := tx.Tree(manyKeys).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		keys = append(keys, string(k))
		got[string(k)] = string(v)
	}
	must(t, c.Err())
	if !slices.IsSorted(keys) || len(keys) != len(want) {
		t.Fatalf("%d keys, sorted %t, want %d", len(keys), slices.IsSorted(keys), len(want))
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %q, want %q", k, got[k], v)
		}
	}
}

// TestChangedOnlyByChanges: what leaves the file as it was needs no commit.
func TestChangedOnlyByChanges(t *testing.T) {
	tx := newFile(t).begin(t, true)
	few := tx.Tree(fewKeys)
	must(t, few.Set([]byte("k"), []byte("v")))
	must(t, few.Remove([]byte("none")))
	must(t, tx.Root().RemoveChild([]byte("none")))
	if _, err := tx.Root().Create(fewKeys); err != nil || tx.Changed() {
		t.Errorf("changed %t, %v", tx.Changed(), err)
	}
	must(t, few.Set([]byte("k"), []byte("w")))
	if !tx.Changed() {
		t.Error("a value was set, and nothing has changed")
	}
}
