package recorder_test

import (
	"context"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/recorder"
)

// sale is an event of about 100 bytes.
var sale = crdt.Event{Kind: "sold", Module: "till 3", Subject: "order 4711", Payload: []byte(`{"amount":1299,"currency":"EUR","items":3}`)}

// BenchmarkRecord is what Record costs its caller while there is room, with and without the file that
// counts, and where the kind is filtered.
func BenchmarkRecord(b *testing.B) {
	for _, bench := range []struct {
		name string
		cfg  recorder.Config
	}{
		{"memory", recorder.Config{}},
		{"counted", recorder.Config{Dir: "dir"}},
		{"filtered", recorder.Config{Kinds: []string{"returned"}}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := fillable(b, bench.cfg)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n++; n%2048 == 0 {
					recorder.Empty(r)
				}
				if err := r.Record(sale); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bench.name+"/16 goroutines", func(b *testing.B) {
			r := fillable(b, bench.cfg)
			b.ReportAllocs()
			var wg sync.WaitGroup
			each := b.N/16 + 1
			b.ResetTimer()
			for range 16 {
				wg.Go(func() {
					for n := range each {
						if n%128 == 0 {
							recorder.Empty(r)
						}
						if err := r.Record(sale); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// fillable returns a recorder whose buffer never fills, and of which nothing is flushed.
func fillable(b *testing.B, cfg recorder.Config) *recorder.Recorder {
	b.Helper()
	if cfg.Dir != "" {
		cfg.Dir = b.TempDir()
	}
	cfg.Buffer, cfg.BufferBytes = math.MaxInt, math.MaxInt
	return newRecorder(b, eventlogtest.Open(b), cfg)
}

// BenchmarkSustained is how many events a second come into the log when they are recorded without a
// pause: through memory, with callers that wait for room, and through the spill.
func BenchmarkSustained(b *testing.B) {
	for _, overflow := range []recorder.Overflow{recorder.Wait, recorder.Spill} {
		b.Run(overflow.String(), func(b *testing.B) {
			r := newRecorder(b, eventlogtest.Open(b), recorder.Config{Overflow: overflow, Dir: b.TempDir(), SpillBytes: 8 << 30})
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			run := make(chan error)
			go func() { run <- r.Run(ctx) }()
			began := time.Now()
			for b.Loop() {
				if err := r.Record(sale); err != nil {
					b.Fatal(err)
				}
			}
			if err := r.Close(ctx); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "entries/s")
			if err := <-run; err != nil {
				b.Fatal(err)
			}
		})
	}
}
