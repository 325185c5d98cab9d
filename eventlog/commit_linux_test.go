package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	dir := t.TempDir()
	cfg, fails := mendWhenTold("a")
	l := eventlogtest.Create(t, dir, cfg)
	mustAppend(t, l, "durable")
	root := l.Root()
	changed := l.Changed()

	d := newDisk(t, l)
	fails(d)
	d.after = func(meta bool) {
		if meta == failMeta {
			d.breakSync()
		}
	}
	reading := reader(t, l)
	places, err := l.AppendBatch(t.Context(), []crdt.Event{note("lost?"), note("lost, too?")})
	uncertain, ok := errors.AsType[*eventlog.UncertainError](err)
	if !ok || !errors.Is(err, eventlog.ErrUncertain) || !errors.Is(err, unix.EINVAL) || places != nil {
		t.Fatalf("append with a failing sync: %v, %v", places, err)
	}
	want := []crdt.Place{{Author: l.Author(), Seq: 1}, {Author: l.Author(), Seq: 2}}
	if !slices.Equal(uncertain.Places, want) {
		t.Errorf("uncertain places: %v, want %v", uncertain.Places, want)
	}

	// What is not known to be on disk is shown to nobody.
	if l.Root() != root || l.Feed(l.Author()).Next() != 1 {
		t.Errorf("an entry that may be lost is announced: %v", l.Frontier())
	}
	select {
	case <-changed:
		t.Error("readers were woken")
	default:
	}
	if h := l.Health(); !errors.Is(h.ReadOnly, eventlog.ErrReadOnly) || h.Broken {
		t.Errorf("health after a failed sync: %+v", h)
	}
	close(reading)

	// What comes next waits until the file has been opened again, and follows what was found there.
	want = []crdt.Place{{Author: l.Author(), Seq: 1}}
	texts := []string{"durable", "after"}
	if survives {
		want[0].Seq, texts = 3, []string{"durable", "lost?", "lost, too?", "after"}
	}
	if got, err := l.AppendBatch(t.Context(), []crdt.Event{note("after")}); err != nil || !slices.Equal(got, want) {
		t.Errorf("append after a failed sync: %v, %v, want %v", got, err, want)
	}
	wantTexts(t, l, texts...)
	if h := l.Health(); h != (eventlog.Health{}) {
		t.Errorf("health after that: %+v", h)
	}
	if _, err := os.Stat(l.Path() + ".unsynced"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the mark of a failed sync is still there: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = eventlogtest.Reopen(t, dir, cfg)
	wantTexts(t, l, texts...)
	if older := l.Older(); older != "" {
		t.Errorf("the log is taken for an older one: %s", older)
	}
}

// reader begins a reading that lasts until reading is closed: so long the file is not closed.
func reader(t *testing.T, l *eventlog.Log) (reading chan struct{}) {
	reading, begun := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- l.View(context.Background(), func(*eventlog.ReadTx) error {
			close(begun)
			<-reading
			return nil
		})
	}()
	<-begun
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Errorf("the reading ended with %v", err)
		}
	})
	return reading
}

// TestFailedWriteOfTheDisk fails a write for another reason than a full disk: the same as a failed sync.
func TestFailedWriteOfTheDisk(t *testing.T) {
	for _, meta := range []bool{false, true} {
		l := eventlogtest.Create(t, t.TempDir(), config("a"))
		mustAppend(t, l, "before")
		d := newDisk(t, l)
		d.before = func(m bool) error {
			if m == meta {
				return &os.PathError{Op: "write", Path: "quipu.db", Err: unix.EIO}
			}
			return nil
		}
		_, err := l.Append(t.Context(), note("?"))
		if !errors.Is(err, eventlog.ErrUncertain) || !errors.Is(err, unix.EIO) {
			t.Fatalf("append to a failing disk: %v", err)
		}
		mustAppend(t, l, "after")
		wantTexts(t, l, "before", "after")
	}
}

// TestDiskThatFailsForGood: where the file turns out to be damaged, nothing is written any more, and what is
// whole goes on being read.
func TestDiskThatFailsForGood(t *testing.T) {
	cfg, fails := mendWhenTold("a")
	l, err := eventlog.Create(t.TempDir(), eventlog.Birth{Log: crdt.LogID{1}}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newStranger(t, "s")
	s.log = l.ID()
	mustAppend(t, l, "whole")
	apply(t, l, s.chain(crdt.Op{}, 3, "to be damaged")...)
	d := newDisk(t, l)
	fails(d)
	d.after = func(meta bool) {
		if !meta {
			damageText(t, d.file, "to be damaged")
			d.breakSync()
		}
	}
	if _, err := l.Append(t.Context(), note("?")); !errors.Is(err, eventlog.ErrUncertain) {
		t.Fatalf("append to a failing disk: %v", err)
	}
	_, err = l.Append(t.Context(), note("x"))
	if _, damaged := errors.AsType[*eventlog.DamagedError](err); !damaged || !errors.Is(err, eventlog.ErrReadOnly) {
		t.Errorf("append to a damaged log: %v", err)
	}
	if h := l.Health(); !h.Broken || !errors.Is(h.ReadOnly, eventlog.ErrReadOnly) {
		t.Errorf("health: %+v", h)
	}
	if got := texts(t, l, eventlog.Query{Authors: []crdt.Author{l.Author()}}); !slices.Equal(got, []string{"whole"}) {
		t.Errorf("read %q", got)
	}
}

// damageText flips a bit of a text in a file.
func damageText(t *testing.T, file *os.File, text string) {
	t.Helper()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	all := make([]byte, info.Size())
	if _, err := file.ReadAt(all, 0); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(all, []byte(text))
	if _, err := file.WriteAt([]byte{all[at] ^ 1}, int64(at)); err != nil {
		t.Fatal(err)
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
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
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

	// It is full for what has failed, whatever little there still is room for, until there is room for that.
	full := l.Health().Full
	if full == nil || !errors.Is(full.Err, unix.ENOSPC) {
		t.Fatalf("health: %+v", l.Health())
	}
	l.SeekRoom()
	_, err = l.Append(t.Context(), note("little"))
	if now := l.Health().Full; now == nil || !now.Since.Equal(full.Since) {
		t.Errorf("after a small append (%v) it is full %+v, want %+v", err, now, full)
	}
	entries = l.Stats().Entries
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if l.SeekRoom(); l.Health().Full != nil {
		t.Errorf("with room it is full: %+v", l.Health().Full)
	}
	if left, err := filepath.Glob(dir + "/*.room"); err != nil || len(left) > 0 {
		t.Errorf("looking for room left %v, %v", left, err)
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
