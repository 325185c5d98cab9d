package eventlog_test

import (
	"math"
	"runtime"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestApplyAllocates counts what storing a run allocates: nothing for an entry, and for an op only what the file's
// pages need in memory.
func TestApplyAllocates(t *testing.T) {
	s := newStranger(t, "allocating")
	apply := func(ops, entries int) int64 {
		var run crdt.Run
		var prev crdt.Op
		for range ops {
			prev = s.op(prev, make([]string, entries)...)
			run.Ops = append(run.Ops, prev)
		}
		least := int64(math.MaxInt64) // others of the process allocate too
		for range 3 {
			l := eventlogtest.Open(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			outcomes, err := l.Apply(t.Context(), []crdt.Run{run})
			runtime.ReadMemStats(&after)
			if err != nil || outcomes[0].Err != nil || outcomes[0].Entries != ops*entries {
				t.Fatalf("%+v, %v", outcomes, err)
			}
			least = min(least, int64(after.Mallocs-before.Mallocs))
		}
		return least
	}
	few, entries, ops := apply(100, 1), apply(100, 41), apply(500, 1)
	if more := entries - few; more > 400 {
		t.Errorf("4,000 entries more in as many ops: %d allocations more, want at most one for ten", more)
	}
	if more := ops - few; more > 400*8 {
		t.Errorf("400 ops more: %d allocations more, want at most 8 each", more)
	}
}
