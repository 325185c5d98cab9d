package eventlog_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// fill appends n trimmable entries of 1 KB, 40 at a time.
func (k *keeper) fill(n int) {
	k.t.Helper()
	for n > 0 {
		var events []crdt.Event
		for range min(n, 40) {
			e := note(strings.Repeat("x", 1<<10))
			e.Retention = crdt.Trimmable
			events = append(events, e)
		}
		if _, err := k.AppendBatch(k.t.Context(), events); err != nil {
			k.t.Fatal(err)
		}
		n -= len(events)
	}
}

func TestCompactGivesBackWhatATrimHasFreed(t *testing.T) {
	k := newKeeper(t, "keeper")
	eventlog.Unsynced(k.Log)
	k.fill(8000)
	if err := k.Update(t.Context(), func(tx *eventlog.Tx) error { return tx.Bucket("mine").Put([]byte("k"), nil) }); err != nil {
		t.Fatal(err)
	}
	k.now = k.now.Add(2 * time.Hour)
	k.trim(eventlog.TrimOptions{})
	free, root := k.Stats().Free, k.Root()
	if free < 6<<20 {
		t.Fatalf("a trim of 8 MB has freed %d bytes", free)
	}
	stop, stopped := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { // readers go on
		for stop.Err() == nil {
			n := 0
			for _, err := range k.Entries(t.Context(), eventlog.Query{}) {
				if err != nil {
					t.Errorf("read: %v", err)
					return
				}
				n++
			}
			if n < 10 {
				t.Errorf("read %d entries", n)
			}
		}
	})
	c, err := k.Compact(t.Context())
	stopped()
	wg.Wait()
	if err != nil || c.After*4 > c.Before || c.After != k.Stats().Bytes {
		t.Fatalf("compaction: %+v, %v; the file has %d bytes", c, err, k.Stats().Bytes)
	}
	if k.Root() != root {
		t.Error("the log is another")
	}
	eventlogtest.Verify(t, k.Log)
	mustAppend(t, k.Log, "goes on")
	k.reopen()
	if s := k.Stats(); s.Next != 8001 || s.Entries != 8001 {
		t.Errorf("stats: %+v", s)
	}
	err = k.View(t.Context(), func(tx *eventlog.ReadTx) error {
		if tx.Bucket("mine").Get([]byte("k")) == nil {
			return errors.New("the key is gone")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestCompactThatEndsEarlyChangesNothing(t *testing.T) {
	k := newKeeper(t, "keeper")
	k.add(crdt.Persistent, 3)
	left := filepath.Join(k.dir, "quipu.db.compact-1")
	if err := os.WriteFile(left, []byte("what a crash has left"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Compact(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("compact: %v", err)
	}
	mustAppend(t, k.Log, "3")
	if _, err := k.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(k.dir, "*.compact-*"))
	if err != nil || len(names) > 0 {
		t.Errorf("left over: %v, %v", names, err)
	}
	if seqs, _ := k.held(eventlog.Query{}); len(seqs) != 4 {
		t.Errorf("held: %v", seqs)
	}
}
