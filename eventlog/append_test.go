package eventlog_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestAppendAllocations counts what an append allocates: the caller nothing on its way to the queue, and a commit the
// less an entry the more it holds.
func TestAppendAllocations(t *testing.T) {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("under the race detector a pool forgets what it is given")
	}
	l := eventlogtest.Open(t)
	e := note("x")
	e.Headers = []crdt.EventHeader{{Name: "a", Value: "b"}}
	waits := testing.AllocsPerRun(100, func() {
		if err := eventlog.Prepare(l, e); err != nil {
			t.Fatal(err)
		}
	})
	if waits > 0 {
		t.Errorf("%v allocations before the queue, want none", waits)
	}
	batch := func(n int) float64 {
		events := slices.Repeat([]crdt.Event{e}, n)
		return testing.AllocsPerRun(20, func() {
			if _, err := l.AppendBatch(t.Context(), events); err != nil {
				t.Fatal(err)
			}
		})
	}
	if small, large := batch(100), batch(2100); large-small > 200 {
		t.Errorf("%v allocations for 100 entries, %v for 2,100: want at most 200 more", small, large)
	}
}

// TestAppendsShareNoMemory has many append at once what is told apart by every byte, among them events too large for
// what is kept, some that are refused and some whose context ends: what carries one append is used for the next, and
// each entry is what its caller gave.
func TestAppendsShareNoMemory(t *testing.T) {
	l := eventlogtest.Open(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var mu sync.Mutex
	want := make(map[crdt.Place][]byte)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 40 {
				sizes := []int{10, 300, 2 << 10}
				if i == 20 {
					sizes = []int{400 << 10, 100}
				}
				events := make([]crdt.Event, 1+i%len(sizes))
				for j := range events {
					events[j] = crdt.Event{Kind: "k", ContentType: "text/plain", Payload: bytes.Repeat(fmt.Appendf(nil, "%d %d %d ", w, i, j), sizes[j]/6)}
				}
				if _, err := l.AppendBatch(ended, events); err == nil {
					t.Error("appended although the context had ended")
				}
				if _, err := l.AppendBatch(t.Context(), append(slices.Clone(events), crdt.Event{})); err == nil {
					t.Error("appended an event of no kind")
				}
				places, err := l.AppendBatch(t.Context(), events)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for j, p := range places {
					want[p] = events[j].Payload
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	n := 0
	for e, err := range l.Entries(t.Context(), eventlog.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; !bytes.Equal(e.Payload, want[e.Place()]) {
			t.Errorf("%s is %d bytes that begin with %.20q, want %.20q", e.Place(), len(e.Payload), e.Payload, want[e.Place()])
		}
	}
	if n != len(want) {
		t.Errorf("%d entries, want %d", n, len(want))
	}
}
