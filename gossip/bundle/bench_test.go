package bundle_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip/bundle"
)

// benchEntries is how many entries the benchmarks move.
const benchEntries = 1_000_000

// bigLog returns a log on disk with benchEntries entries, as a program writes them.
func bigLog(b *testing.B) *eventlog.Log {
	b.Helper()
	l, err := eventlog.Create(b.TempDir(), eventlog.Birth{Genesis: &genesis}, eventlog.Config{Key: eventlogtest.Key("big")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	r := rand.New(rand.NewPCG(1, 2))
	const together = 2000
	for range benchEntries / together {
		events := make([]crdt.Event, together)
		for i := range events {
			events[i] = crdt.Event{
				Kind: "order.moved", Module: "warehouse", Subject: fmt.Sprintf("order/%08x", r.Uint32()),
				Payload: fmt.Appendf(nil, `{"order":"o-%08x","state":"shipped","items":%d,"took_ms":%.3f}`, r.Uint32(), r.IntN(9), r.Float64()*50),
			}
		}
		if _, err := l.AppendBatch(b.Context(), events); err != nil {
			b.Fatal(err)
		}
	}
	return l
}

func BenchmarkCreate(b *testing.B) {
	l := bigLog(b)
	for b.Loop() {
		s, err := bundle.Create(b.Context(), l, io.Discard, bundle.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(s.Plain)
		b.ReportMetric(float64(s.Bytes)/float64(s.Plain), "ratio")
	}
	b.ReportMetric(benchEntries*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

func BenchmarkApply(b *testing.B) {
	path := filepath.Join(b.TempDir(), "big.bundle")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	s, err := bundle.Create(b.Context(), bigLog(b), file, bundle.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(s.Plain)
	for b.Loop() {
		to, err := eventlog.Create(b.TempDir(), eventlog.Birth{Genesis: &genesis}, eventlog.Config{Key: eventlogtest.Key("other")})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			b.Fatal(err)
		}
		r, err := bundle.Apply(b.Context(), to, file)
		if err != nil || !r.OK() || r.Entries != benchEntries {
			b.Fatalf("%+v, %v", r, err)
		}
		if err := to.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(benchEntries*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

func BenchmarkInspect(b *testing.B) {
	var made bytes.Buffer
	s, err := bundle.Create(b.Context(), bigLog(b), &made, bundle.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(s.Plain)
	for b.Loop() {
		if c, err := bundle.Inspect(b.Context(), bytes.NewReader(made.Bytes()), nil); err != nil || !c.OK() {
			b.Fatalf("%+v, %v", c, err)
		}
	}
}
