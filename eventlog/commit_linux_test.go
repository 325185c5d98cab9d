package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestFailedSync fails each of bbolt's two syncs under an append, and under an update.
func TestFailedSync(t *testing.T) {
	for _, test := range []struct {
		name     string
		failMeta bool // the second sync
		survives bool // whether the entry is in the file that the next start finds
	}{
		{"first", false, false},
		{"second", true, true},
	} {
		t.Run(test.name, func(t *testing.T) { testFailedSync(t, test.failMeta, test.survives) })
	}
}

func testFailedSync(t *testing.T, failMeta, survives bool) {
	dir, cfg := t.TempDir(), config("a")
	l := eventlogtest.Create(t, dir, cfg)
	mustAppend(t, l, "durable")
	root := l.Root()
	changed := l.Changed()

	d := newDisk(t, l)
	d.after = func(meta bool) {
		if meta == failMeta {
			d.breakSync()
		}
	}
	places, err := l.AppendBatch(t.Context(), []crdt.Event{note("lost?"), note("lost, too?")})
	d.mend()
	uncertain, ok := errors.AsType[*eventlog.UncertainError](err)
	if !ok || !errors.Is(err, eventlog.ErrUncertain) || !errors.Is(err, unix.EINVAL) || places != nil {
		t.Fatalf("append with a failing sync: %v, %v", places, err)
	}
	want := []crdt.Place{{Author: l.Author(), Seq: 1}, {Author: l.Author(), Seq: 2}}
	if !slices.Equal(uncertain.Places, want) {
		t.Errorf("uncertain places: %v, want %v", uncertain.Places, want)
	}

	// What is not known to be on disk is shown to nobody, and nothing is written any more.
	wantTexts(t, l, "durable")
	if l.Root() != root || l.Feed(l.Author()).Next() != 1 || l.Stats().Next != 1 {
		t.Errorf("an entry that may be lost is announced: %v", l.Frontier())
	}
	if wants, err := l.Plan(t.Context(), crdt.Want{Author: l.Author()}); err != nil || wants[0].To.Next != 1 {
		t.Errorf("plan: %v, %v", wants, err)
	}
	select {
	case <-changed:
		t.Error("readers were woken")
	default:
	}
	d.forbidWrites()
	d.after = func(bool) {}
	if _, err := l.Append(t.Context(), note("x")); !errors.Is(err, eventlog.ErrReadOnly) {
		t.Errorf("append after a failed sync: %v", err)
	}
	if err := l.Update(t.Context(), func(tx *eventlog.Tx) error { return nil }); !errors.Is(err, eventlog.ErrReadOnly) {
		t.Errorf("update after a failed sync: %v", err)
	}
	if err := l.View(t.Context(), func(*eventlog.ReadTx) error { return nil }); errors.Is(err, eventlog.ErrReadOnly) != failMeta {
		t.Errorf("a view, where keys may not be on disk (%t): %v", failMeta, err)
	}
	if !errors.Is(l.Stats().ReadOnly, eventlog.ErrReadOnly) {
		t.Errorf("stats after a failed sync: %+v", l.Stats())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	l = eventlogtest.Reopen(t, dir, cfg)
	if survives {
		wantTexts(t, l, "durable", "lost?", "lost, too?")
	} else {
		wantTexts(t, l, "durable")
	}
	mustAppend(t, l, "after")
	if _, err := os.Stat(l.Path() + ".unsynced"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the mark of a failed sync is still there: %v", err)
	}
}

// TestFailedWrite fails a write before each of the syncs: the log goes on when there is room.
func TestFailedWrite(t *testing.T) {
	for _, meta := range []bool{false, true} {
		l := eventlogtest.Create(t, t.TempDir(), config("a"))
		mustAppend(t, l, "before")
		d := newDisk(t, l)
		d.before = func(m bool) error {
			if m == meta {
				return errNoSpace
			}
			return nil
		}
		for range 3 {
			_, err := l.Append(t.Context(), note("no room"))
			if !errors.Is(err, eventlog.ErrUncertain) || !errors.Is(err, unix.ENOSPC) {
				t.Fatalf("append without room: %v", err)
			}
		}
		err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
			_, err := tx.Append(note("no room either"))
			return err
		})
		if uncertain, ok := errors.AsType[*eventlog.UncertainError](err); !ok || len(uncertain.Places) != 1 || uncertain.Places[0].Seq != 1 {
			t.Fatalf("update without room: %v", err)
		}
		d.before = func(bool) error { return nil }
		mustAppend(t, l, "after")
		wantTexts(t, l, "before", "after")
	}
}

// TestFailedApply fails to store a run, and stores it when it comes again.
func TestFailedApply(t *testing.T) {
	l := eventlogtest.Open(t)
	s := newStranger(t, "s")
	ops := s.chain(crdt.Op{}, 3, "s")
	d := newDisk(t, l)
	d.before = func(bool) error { return errNoSpace }
	if outcomes, err := l.Apply(t.Context(), []crdt.Run{{Ops: ops}}); !errors.Is(err, unix.ENOSPC) || outcomes != nil {
		t.Errorf("apply without room: %v, %v", outcomes, err)
	}
	d.before = func(bool) error { return nil }
	if o := apply(t, l, ops...); o.Ops != 3 || o.Duplicates != 0 {
		t.Errorf("outcome: %+v", o)
	}
	if c := l.Stats().Applied; c.Ops != 3 {
		t.Errorf("counted: %+v", c)
	}
}

// TestFullDisk fills a file system of 2 MiB.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("mounting a small file system needs rights: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	ballast := dir + "/ballast"
	if err := os.WriteFile(ballast, make([]byte, 512<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config("a")
	genesis := eventlogtest.Genesis(t)
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: &genesis}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	event := crdt.Event{Kind: "big", ContentType: "text/plain", Payload: make([]byte, 100<<10)}
	n := 0
	for ; err == nil && n < 100; n++ {
		_, err = l.Append(t.Context(), event)
	}
	if !errors.Is(err, eventlog.ErrUncertain) || !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("append %d to a full disk: %v", n, err)
	}
	entries := l.Stats().Entries
	if entries != uint64(n-1) {
		t.Errorf("%d entries, %d were acked", entries, n-1)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if p, err := l.Append(t.Context(), event); err != nil || p.Seq != entries {
		t.Errorf("append once there is room: %v, %v", p, err)
	}
	eventlogtest.Verify(t, l)
}

// TestNothingIsShownBeforeItIsSynced reads while a commit is visible in the file but not synced: what a
// peer would be told is what is durable. System A told them first and stored afterwards.
func TestNothingIsShownBeforeItIsSynced(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, "0")
	d := newDisk(t, l)
	for i := range uint64(20) {
		reading := make(chan error, 1)
		d.after = func(meta bool) {
			if !meta {
				return
			}
			go func() { reading <- planned(l) }()
			for range 1000 {
				runtime.Gosched()
			}
		}
		if p := mustAppend(t, l, "more"); p.Seq != i+1 {
			t.Fatalf("place %v", p)
		}
		if err := <-reading; err != nil {
			t.Fatal(err)
		}
	}
}

// planned returns an error if a sync would offer more of our feed than is durable.
func planned(l *eventlog.Log) error {
	segments, err := l.Plan(context.Background(), crdt.Want{Author: l.Author()})
	if err != nil {
		return err
	}
	if next := l.Feed(l.Author()).Next(); segments[0].To.Next > next {
		return fmt.Errorf("planned up to %d, durable up to %d", segments[0].To.Next, next)
	}
	return nil
}

// TestTrimOnAFullDisk trims where a transaction has room for a few pages only: that is when trims are
// needed most.
func TestTrimOnAFullDisk(t *testing.T) {
	k := newKeeper(t, "keeper")
	k.add(crdt.Trimmable, 300)
	k.prune(eventlog.PruneRequest{Below: 100})
	k.now = k.now.Add(time.Hour)
	d := newDisk(t, k.Log)
	const room = 16 // pages of one transaction, those of bbolt's own included
	pages := 0
	d.before = func(meta bool) error {
		if pages++; meta {
			pages = 0
		} else if pages > room {
			pages = 0
			return errNoSpace
		}
		return nil
	}
	report := k.trim(eventlog.TrimOptions{})
	if report.Pruned.Entries != 100 || report.Trimmed.Entries != 191 {
		t.Errorf("report: %+v", report)
	}
	d.before = func(meta bool) error { return errNoSpace }
	if _, err := k.Trim(t.Context(), eventlog.TrimOptions{Policy: &eventlog.TrimPolicy{MinAge: -1, MinCount: 1}}); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("trim without any room: %v", err)
	}
}
