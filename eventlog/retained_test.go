package eventlog_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// What is read and kept, and what waits for those who listen, takes the memory that it counts for and not
// that of what it was read with: twice as much at most, of the smallest items too.
func TestQueuesHoldWhatTheyCount(t *testing.T) {
	for _, test := range []struct {
		name string
		fill func(t *testing.T) (kept any, counted int)
	}{
		{"runs of one small op", readOneByOne},
		{"runs of many small ops", readTogether},
		{"a batch of a few among many", followFewOfMany},
		{"events for a listener", hearHeaders},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := eventlogtest.HeapAlive()
			kept, counted := test.fill(t)
			if grown := eventlogtest.HeapAlive() - before; grown > 2*int64(counted)+1<<20 {
				t.Errorf("%d bytes are alive where %d were counted", grown, counted)
			}
			runtime.KeepAlive(kept)
		})
	}
}

// smallOps returns a log with a feed of n ops of one small entry each.
func smallOps(t *testing.T, n int) (*eventlog.Log, crdt.Segment) {
	t.Helper()
	l := eventlogtest.Open(t)
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	var run crdt.Run
	h := crdt.Header{Log: l.ID(), Clock: 1}
	for range n {
		op, err := crdt.NewOp(key, h, time.Now(), crdt.Event{Kind: "k"})
		if err != nil {
			t.Fatal(err)
		}
		run.Ops = append(run.Ops, op)
		h.First, h.Prev, h.Clock = op.Next(), op.ID, op.Clock+1
	}
	if _, err := l.Apply(t.Context(), []crdt.Run{run}); err != nil {
		t.Fatal(err)
	}
	b := l.Feed(crdt.AuthorOf(key)).Branches[0]
	return l, crdt.Segment{Author: crdt.AuthorOf(key), Start: b.Start, To: b.Head}
}

// readRuns reads a feed in runs of at most so many bytes.
func readRuns(t *testing.T, maxBytes int) (runs []crdt.Run, counted int) {
	t.Helper()
	l, seg := smallOps(t, 500)
	for seg.After != seg.To {
		run, err := l.Read(t.Context(), &seg, maxBytes)
		if err != nil || len(run.Ops) == 0 {
			t.Fatalf("%d ops, %v", len(run.Ops), err)
		}
		runs, counted = append(runs, run), counted+run.Memory()
	}
	return runs, counted
}

func readOneByOne(t *testing.T) (any, int) { return readRuns(t, 1) }

func readTogether(t *testing.T) (any, int) { return readRuns(t, 64<<10) }

func followFewOfMany(t *testing.T) (any, int) {
	const few = 100
	l := eventlogtest.Open(t)
	var all []crdt.Event
	for i := range few {
		all = append(all, crdt.Event{Kind: "small", Subject: fmt.Sprint(i)}, crdt.Event{Kind: "large", ContentType: "a/b", Payload: make([]byte, 100<<10)})
	}
	if _, err := l.AppendBatch(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	var kept []eventlog.Entry
	counted := 0
	ctx, cancel := context.WithCancel(t.Context())
	cfg := eventlog.FollowConfig{Kinds: []string{"small"}, MaxEntries: few, MaxWait: time.Minute}
	err := l.Follow(ctx, "few", cfg, func(_ *eventlog.Tx, batch []eventlog.Entry) error {
		kept = batch
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || len(kept) != few {
		t.Fatalf("%d entries, %v", len(kept), err)
	}
	for _, e := range kept {
		counted += e.Memory()
	}
	return kept, counted
}

func hearHeaders(t *testing.T) (any, int) {
	var headers []crdt.EventHeader
	for i := range 1000 {
		headers = append(headers, crdt.EventHeader{Name: fmt.Sprintf("%03d", i)})
	}
	l := eventlogtest.Open(t)
	cfg := eventlog.ListenConfig{MaxBytes: 2 << 20}
	heard := l.Listen(t.Context(), eventlog.Query{}, cfg)
	for range 256 {
		if _, err := l.Broadcast(t.Context(), crdt.Event{Kind: "k", Headers: headers, Retention: crdt.Transient}, eventlog.Here); err != nil {
			t.Fatal(err)
		}
	}
	return heard, cfg.MaxBytes
}
