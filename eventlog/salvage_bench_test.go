package eventlog_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// BenchmarkSalvage salvages a file of 200,000 entries of 320 bytes, of whose pages one in a hundred is zeroed.
func BenchmarkSalvage(b *testing.B) {
	dir, cfg := b.TempDir(), eventlog.Config{Key: eventlogtest.Key("own")}
	l := eventlog.Unsynced(eventlogtest.Create(b, dir, cfg))
	events := make([]crdt.Event, 1000)
	for range 200 {
		for i := range events {
			events[i] = crdt.Event{Kind: "k", ContentType: "text/plain", Payload: make([]byte, 320)}
		}
		if _, err := l.AppendBatch(b.Context(), events); err != nil {
			b.Fatal(err)
		}
	}
	_, err := l.Compact(b.Context())
	must(b, err)
	must(b, l.Close())
	file, err := os.ReadFile(filepath.Join(dir, "quipu.db"))
	must(b, err)
	rng := rand.New(rand.NewPCG(1, 2))
	for at := 2 * pageSize; at < len(file); at += pageSize {
		if rng.IntN(100) == 0 {
			clear(file[at:min(len(file), at+pageSize)])
		}
	}
	b.SetBytes(int64(len(file)))
	var entries uint64
	for b.Loop() {
		b.StopTimer()
		damaged := flood(b, file, int64(len(file)))
		b.StartTimer()
		report, err := eventlog.Salvage(b.Context(), damaged, cfg, nil)
		must(b, err)
		entries = report.Entries
	}
	b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(entries)/200_000*100, "%kept")
}
