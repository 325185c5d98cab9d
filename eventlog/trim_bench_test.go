package eventlog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// benchForget times what forgets, on a log of 200,000 entries of 300 bytes, and says how many it gets
// through in a second.
func benchForget(b *testing.B, class crdt.Retention, forget func(k *keeper)) {
	const entries = 200_000
	e := note(strings.Repeat("x", 250))
	e.Retention = class
	events := make([]crdt.Event, 1000)
	for i := range events {
		events[i] = e
	}
	for b.Loop() {
		b.StopTimer()
		k := newKeeper(b, "keeper")
		for range entries / len(events) {
			if _, err := k.AppendBatch(b.Context(), events); err != nil {
				b.Fatal(err)
			}
		}
		k.now = k.now.Add(2 * time.Hour)
		b.StartTimer()
		forget(k)
	}
	b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

func BenchmarkTrim(b *testing.B) {
	benchForget(b, crdt.Trimmable, func(k *keeper) { k.trim(eventlog.TrimOptions{}) })
}

func BenchmarkPrune(b *testing.B) {
	benchForget(b, crdt.Persistent, func(k *keeper) {
		k.prune(eventlog.PruneRequest{Keep: 10})
		k.trim(eventlog.TrimOptions{})
	})
}

func BenchmarkCompact(b *testing.B) {
	benchForget(b, crdt.Persistent, func(k *keeper) {
		if _, err := k.Compact(b.Context()); err != nil {
			b.Fatal(err)
		}
	})
}
