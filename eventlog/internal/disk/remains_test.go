package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"testing"
)

// visitor keeps what a walk through remains tells it.
type visitor struct {
	pairs map[string]string // by path and key
	lost  []string          // paths
	skip  string            // a tree that is not entered
	odd   string            // a key that does not belong where it is
}

func pathOf(path [][]byte) string { return string(bytes.Join(path, []byte("/"))) }

func (v *visitor) Enter(path [][]byte) bool { return v.skip == "" || pathOf(path) != v.skip }

func (v *visitor) Visit(path [][]byte, key, value []byte) (bool, error) {
	if v.pairs == nil {
		v.pairs = map[string]string{}
	}
	v.pairs[pathOf(path)+"/"+string(key)] = string(value)
	return v.odd == "" || string(key) != v.odd, nil
}

func (v *visitor) Lost(path [][]byte, err error) { v.lost = append(v.lost, pathOf(path)) }

// walked opens the file at path as remains and walks through it.
func walked(t *testing.T, path string, v *visitor) *Remains {
	t.Helper()
	r, err := OpenRemains(path)
	must(t, err)
	t.Cleanup(func() { _ = r.Close() })
	must(t, r.Walk(t.Context(), v))
	return r
}

// closedFile returns the path of a file with trees, of two transactions, and its pairs.
func closedFile(t *testing.T) (path string, pairs map[string]string) {
	t.Helper()
	f := newFile(t)
	must(t, f.Update(func(tx *Tx) error { return tx.Tree(manyKeys).Put(keyOf(1), []byte("changed")) }))
	must(t, f.Close())
	pairs = map[string]string{string(fewKeys) + "/k": "v"}
	for i := range many {
		pairs[string(manyKeys)+"/"+string(keyOf(i))] = fmt.Sprintf("value %d", i)
	}
	pairs[string(manyKeys)+"/"+string(keyOf(1))] = "changed"
	return f.path, pairs
}

// spoil writes bytes over those at an offset of the file.
func spoil(t testing.TB, path string, at int64, b []byte) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	_, err = file.WriteAt(b, at)
	must(t, errors.Join(err, file.Close()))
}

func TestRemainsOfAWholeFileAreAllOfIt(t *testing.T) {
	path, pairs := closedFile(t)
	v := &visitor{}
	r := walked(t, path, v)
	if !maps.Equal(v.pairs, pairs) || len(v.lost) > 0 || !r.Current() {
		t.Errorf("%d pairs of %d, lost %q, notes %q", len(v.pairs), len(pairs), v.lost, r.Notes)
	}
	for from, to := range r.Rest(true) {
		t.Errorf("in use, and not reached: %d to %d", from, to)
	}
	if _, err := OpenRemains(path); !errors.Is(err, ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	if !errors.Is(r.Walk(canceled(), v), context.Canceled) {
		t.Error("a walk goes on when its context has ended")
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestRemainsGoOnWithTheOtherMeta spoils the metas, one and both, and the root of the newest.
func TestRemainsGoOnWithTheOtherMeta(t *testing.T) {
	page := make([]byte, 4096)
	for name, test := range map[string]struct {
		pages []int64
		pairs bool
	}{"first": {[]int64{0}, true}, "second": {[]int64{1}, true}, "both": {[]int64{0, 1}, false}} {
		path, pairs := closedFile(t)
		for _, p := range test.pages {
			spoil(t, path, p*4096, page)
		}
		v := &visitor{}
		r := walked(t, path, v)
		if (len(v.pairs) == len(pairs)) != test.pairs || len(v.lost) > 0 || r.Current() || len(r.Notes) != len(test.pages) {
			t.Errorf("%s: %d pairs of %d, lost %q, current %t: %q", name, len(v.pairs), len(pairs), v.lost, r.Current(), r.Notes)
		}
		rest := int64(0)
		for from, to := range r.Rest(false) {
			rest += to - from
		}
		if !test.pairs && rest != r.Size() {
			t.Errorf("%s: %d bytes of %d are to be looked at", name, rest, r.Size())
		}
	}
	path, pairs := closedFile(t)
	r := walked(t, path, &visitor{})
	root, size := r.tree.root, r.pages.pageSize
	must(t, r.Close())
	spoil(t, path, int64(root*size), page)
	v := &visitor{}
	if r := walked(t, path, v); len(v.pairs) != len(pairs) || v.pairs[string(manyKeys)+"/"+string(keyOf(1))] == "changed" || r.Current() {
		t.Errorf("without the newest root: %d pairs of %d", len(v.pairs), len(pairs))
	}
}

// TestRemainsAreWalkedPastAPage zeroes one page after the other: what is on the others is visited, the page is lost, and
// what is not known for what it is is in the rest.
func TestRemainsAreWalkedPastAPage(t *testing.T) {
	path, pairs := closedFile(t)
	whole := walked(t, path, &visitor{})
	size := int64(whole.pages.pageSize)
	used := whole.reached
	must(t, whole.Close())
	all, err := os.ReadFile(path)
	must(t, err)
	lost := 0
	for id := int64(2); id < int64(len(all))/size; id++ {
		if !used.has(uint64(id)) || uint64(id) == whole.tree.root {
			continue
		}
		spoil(t, path, id*size, make([]byte, size))
		v := &visitor{}
		r := walked(t, path, v)
		if len(v.lost) != 1 || v.lost[0] != string(manyKeys) || len(v.pairs) == len(pairs) || len(v.pairs) == 0 && id > 2 {
			t.Errorf("page %d: lost %q, %d pairs", id, v.lost, len(v.pairs))
		}
		for k, was := range v.pairs {
			if pairs[k] != was {
				t.Errorf("page %d: %q is %q", id, k, was)
			}
		}
		inRest := false
		for from, to := range r.Rest(true) {
			inRest = inRest || from <= id*size && id*size < to
		}
		if !inRest {
			t.Errorf("page %d is not in the rest", id)
		}
		lost++
		must(t, r.Close())
		must(t, os.WriteFile(path, all, 0o600))
	}
	if lost < 3 {
		t.Fatalf("%d pages were tried", lost)
	}
}

// TestRemainsAreInTheRestUntilAllOfThemBelongs: a page with a key that does not belong there is looked at once more, and
// so is one with a tree that was not entered.
func TestRemainsAreInTheRestUntilAllOfThemBelongs(t *testing.T) {
	path, _ := closedFile(t)
	for _, v := range []*visitor{{odd: string(keyOf(7))}, {skip: string(fewKeys)}} {
		r := walked(t, path, v)
		n := 0
		for range r.Rest(true) {
			n++
		}
		if n != 1 {
			t.Errorf("%d stretches in the rest", n)
		}
		must(t, r.Close())
	}
}

// TestRemainsOfAnythingAreWalked changes the file at random places: no walk panics, goes on for ever, or takes more
// memory than the file has, and what is visited of a tree whose pages are whole is what was there.
func TestRemainsOfAnythingAreWalked(t *testing.T) {
	path, _ := closedFile(t)
	all, err := os.ReadFile(path)
	must(t, err)
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 5))
		b := bytes.Clone(all)
		for range 1 + rng.IntN(8) {
			switch at := rng.IntN(len(b)); rng.IntN(4) {
			case 0:
				b[at] ^= 1 << rng.IntN(8)
			case 1:
				copy(b[at/4096*4096:], b[rng.IntN(len(b))/4096*4096:][:4096])
			case 2:
				native.PutUint32(b[at/4096*4096+4*rng.IntN(16):], rng.Uint32()>>rng.IntN(32))
			case 3:
				b = b[:max(1, len(b)-rng.IntN(4096))]
			}
		}
		must(t, os.WriteFile(path, b, 0o600))
		v := &visitor{}
		r := walked(t, path, v)
		for from, to := range r.Rest(rng.IntN(2) == 0) {
			if from < 0 || to > int64(len(b)) || from >= to {
				t.Errorf("seed %d: a stretch from %d to %d of %d", seed, from, to, len(b))
			}
		}
		must(t, r.Close())
	}
}
