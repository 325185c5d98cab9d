package eventlog_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// forgettingSteps are the moments at which a child is killed that forgets something or compacts.
var forgettingSteps = []string{
	"trim, between pages", "trim, after the meta page", "prune, between pages", "prune, after the meta page",
	"compact, while it copies", "compact, before the rename is synced", "compact, after the commit",
}

// forgettingConfig trims all but the last 5 entries of a feed.
func forgettingConfig() eventlog.Config {
	c := config("forgets")
	c.Trim = eventlog.TrimPolicy{MinAge: -1, MinCount: 5}
	return c
}

// TestKillWhileForgetting kills a process in a trim, in a prune and in a compaction, again and again over
// one log: what is not forgotten is there, no number is given again, and a trim finishes the work.
func TestKillWhileForgetting(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		forgettingChild(t, dir, os.Getenv("QUIPU_TEST_STEP"))
		return
	}
	dir := t.TempDir()
	if err := eventlogtest.Create(t, dir, forgettingConfig()).Close(); err != nil {
		t.Fatal(err)
	}
	for _, step := range forgettingSteps {
		if _, err := runChild(t, "TestKillWhileForgetting", dir, "QUIPU_TEST_STEP="+step); err == nil || err.Error() != "signal: killed" {
			t.Fatalf("%s: the child has ended with %v", step, err)
		}
		checkForgotten(t, dir, step)
	}
}

// checkForgotten looks at what a child has left, and trims on.
func checkForgotten(t *testing.T, dir, step string) {
	t.Helper()
	l, err := eventlog.Open(dir, forgettingConfig())
	if err != nil {
		t.Fatalf("open the log of a child killed at %s: %v", step, err)
	}
	defer l.Close()
	if state := l.Recovering(); state != nil {
		t.Errorf("%s: a kill has made it another file: %v", step, state)
	}
	next := l.Feed(l.Author()).Next()
	if s := l.Stats(); s.Next != next || s.Entries+s.Pruned != next {
		t.Errorf("%s: the feed ends at %d: %+v", step, next, s)
	}
	for range 2 {
		eventlogtest.Verify(t, l)
		if got := texts(t, l, eventlog.Query{Kinds: []string{note("").Kind}}); len(got) < 5 || got[len(got)-1] != fmt.Sprint(next-1) {
			t.Errorf("%s: it holds %q below %d", step, got, next)
		}
		if _, err := l.Trim(t.Context(), eventlog.TrimOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if s := l.Stats(); s.Entries-s.Trimmed > 8 { // the last 5 and what prunes have said
		t.Errorf("%s: a trim has left %+v", step, s)
	}
	if _, err := l.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.compact-*")); err != nil || len(left) > 0 {
		t.Errorf("%s: left over: %v, %v", step, left, err)
	}
}

// forgettingChild appends, and kills itself at a step of what it does then.
func forgettingChild(t *testing.T, dir, step string) {
	l, err := eventlog.Open(dir, forgettingConfig())
	if err != nil {
		t.Fatal(err)
	}
	kill := func() { _ = unix.Kill(os.Getpid(), unix.SIGKILL); select {} }
	what, when, _ := strings.Cut(step, ", ")
	if what == "prune" {
		if _, err := l.Prune(context.Background(), eventlog.PruneRequest{Keep: 4}); err != nil {
			t.Fatal(err)
		}
	}
	for range 12 {
		e := note(fmt.Sprint(l.Feed(l.Author()).Next()))
		e.Retention = crdt.Trimmable
		if _, err := l.Append(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	if what == "compact" {
		was, err := os.Stat(l.Path())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for !compactedUpTo(dir, when, was) {
			}
			kill()
		}()
		if _, err := l.Compact(context.Background()); err != nil {
			t.Fatal(err)
		}
	} else {
		armKill(newDisk(t, l), when, kill)
		if _, err := l.Trim(context.Background(), eventlog.TrimOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	kill()
}

// compactedUpTo reports whether a compaction of the file that was in dir has come to a moment.
func compactedUpTo(dir, when string, was os.FileInfo) bool {
	if when == "while it copies" {
		names, err := os.ReadDir(dir)
		return err == nil && slices.ContainsFunc(names, func(e os.DirEntry) bool { return strings.Contains(e.Name(), ".compact-") })
	}
	if when == "before the rename is synced" {
		now, err := os.Stat(filepath.Join(dir, eventlog.FileName))
		return err == nil && !os.SameFile(was, now)
	}
	return false
}
