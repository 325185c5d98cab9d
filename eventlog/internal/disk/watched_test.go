package disk

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// TestWatchedFileTakesTheStepsOfBolt: each step of a commit is told, in bbolt's order, and the file is what bbolt makes.
func TestWatchedFileTakesTheStepsOfBolt(t *testing.T) {
	dir := t.TempDir()
	var mu sync.Mutex
	var told []string
	stop := sys.Watch(dir, func(c *sys.Call, do func() error) error {
		mu.Lock()
		defer mu.Unlock()
		step := strings.TrimSuffix(c.Do+" "+c.Part, " ")
		if len(told) == 0 || told[len(told)-1] != step {
			told = append(told, step)
		}
		return do()
	})
	steps := func() []string {
		mu.Lock()
		defer mu.Unlock()
		defer func() { told = nil }()
		return told
	}
	path := filepath.Join(dir, "f.db")
	fill := func(tx *Tx) error {
		tree, err := tx.Root().Create(manyKeys)
		if err != nil {
			return err
		}
		return tree.Put([]byte("key"), make([]byte, 20<<10))
	}
	must(t, Create(path, fill))
	want := []string{"create", "write layout", "sync layout", "truncate pages", "sync pages", "write pages", "sync pages", "write meta", "sync meta", "remove", "link", "remove"}
	if got := steps(); !slices.Equal(got[:min(len(got), len(want))], want) {
		t.Errorf("creating takes %q, want %q first", got, want)
	}
	f, err := Open(path)
	must(t, err)
	steps()
	must(t, f.Update(func(tx *Tx) error { return tx.Tree(manyKeys).Put([]byte("little"), []byte("x")) }))
	must(t, f.Sync())
	if got, want := steps(), []string{"write", "write pages", "sync pages", "write meta", "sync meta", "sync"}; !slices.Equal(got, want) {
		t.Errorf("a commit and a sync take %q, want %q", got, want)
	}
	watched := content(t, f)
	must(t, f.Close())
	stop()

	f, err = Open(path)
	must(t, err)
	if db := f.db; db.NoSync || db.NoGrowSync {
		t.Error("without a watcher bbolt does not sync")
	}
	if !slices.Equal(slices.Sorted(maps.Keys(watched)), slices.Sorted(maps.Keys(content(t, f)))) {
		t.Error("without a watcher the file holds something else")
	}
	must(t, f.Update(func(tx *Tx) error { return tx.Tree(manyKeys).Put([]byte("more"), []byte("x")) }))
	must(t, f.Close())
	if got := steps(); len(got) > 0 {
		t.Errorf("told without a watcher: %q", got)
	}
}
