package whole_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/quipulog/quipu/eventlog/whole"
)

// TestDraftsThatNobodyWritesAreRemoved tells drafts from what has a name like theirs, and those that were left from those
// that somebody writes.
func TestDraftsThatNobodyWritesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	drafts := []string{".f.new-1", "f.new-4294967295", "f.compact-12", ".f.seen.new-3"}
	others := []string{"f", "f.new", ".f.new-", "f.new-1a", "f.damaged-20260102T150405Z", ".g.new-1", "g.compact-1", "new-1"}
	for _, name := range append(drafts, others...) {
		check(t, os.WriteFile(at(name), nil, 0o600))
	}
	check(t, os.Mkdir(at(".f.new-99"), 0o700))
	check(t, os.Link(at("f"), at("f.new-7"))) // its maker was killed when it had its name
	drafts = append(drafts, "f.new-7")
	inUse, err := os.Open(at("f"))
	check(t, err)
	defer inUse.Close()
	whole.Lock(inUse)
	written, err := whole.Create(at("f"), 0o600)
	check(t, err)
	ours := func(name string) bool { return name == "f" || strings.HasPrefix(name, "f.") }
	whole.RemoveDrafts(dir, ours)
	for _, name := range drafts {
		if _, err := os.Lstat(at(name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
	for _, name := range append(others, ".f.new-99", filepath.Base(written.Name())) {
		if _, err := os.Lstat(at(name)); err != nil {
			t.Errorf("%s is gone: %v", name, err)
		}
	}
	check(t, written.Close()) // as the end of its process does
	check(t, whole.Write(at("f"), []byte("new"), 0o600))
	if _, err := os.Lstat(written.Name()); err == nil {
		t.Error("who writes the same file has not removed what another has left")
	}
	whole.RemoveDrafts(at("none"), ours)
}

// TestNobodyLosesADraft has some write a file while others remove the drafts of it.
func TestNobodyLosesADraft(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					whole.RemoveDrafts(dir, func(string) bool { return true })
				}
			}
		})
	}
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 25 {
				if err := whole.Write(filepath.Join(dir, "f"), []byte("f"), 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	all.Wait()
	wantNothingLeft(t, dir)
}

// TestMoveTakesNoNameAway moves a file back and forth, beside another that has the name already.
func TestMoveTakesNoNameAway(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	check(t, os.WriteFile(from, []byte("mine"), 0o600))
	check(t, whole.MoveBack(from, to)) // which was never moved
	check(t, whole.Move(from, to))
	check(t, whole.MoveBack(from, to))
	if _, err := os.Lstat(to); err == nil {
		t.Error("it has its new name yet")
	}
	check(t, os.WriteFile(to, []byte("theirs"), 0o600))
	if err := whole.Move(from, to); err == nil {
		t.Error("a name was taken away")
	}
	check(t, whole.MoveBack(from, to))
	if b, err := os.ReadFile(to); string(b) != "theirs" || err != nil {
		t.Errorf("the other file holds %q, %v", b, err)
	}
	check(t, whole.RemoveAll(dir))
	check(t, whole.RemoveAll(dir))
}
