package eventlog_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// TestCompactWaitsForVerify begins a compaction while the log is verified: it keeps nobody waiting until
// that is done. Were it under way, all would wait for the long transaction that looks at the pages.
func TestCompactWaitsForVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(t, "keeper")
		k.add(crdt.Persistent, 3)
		release := eventlog.HoldSweeps(t, k.Log)
		var compacted atomic.Bool
		go func() {
			if _, err := k.Compact(t.Context()); err != nil {
				t.Error(err)
			}
			compacted.Store(true)
		}()
		synctest.Wait()
		if compacted.Load() {
			t.Error("it has not waited")
		}
		k.add(crdt.Persistent, 1)
		release()
		synctest.Wait()
		if !compacted.Load() {
			t.Error("it waits for ever")
		}
	})
}
