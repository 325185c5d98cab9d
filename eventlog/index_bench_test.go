package eventlog

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// indexBenchEntries is how many entries the benchmarks of the index build, unless the environment has
// another number in QUIPU_BENCH_ENTRIES.
const indexBenchEntries = 1_000_000

func benchEntries(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("QUIPU_BENCH_ENTRIES"))
	if err != nil {
		return indexBenchEntries
	}
	return n
}

// buildForIndex makes a log of entries of about 300 bytes: their subjects are taken in turns out of so
// many, the kinds out of ten.
func buildForIndex(b *testing.B, dir string, entries, subjects int) *Log {
	b.Helper()
	genesis := crdt.Genesis{Random: [32]byte{1}}
	l, err := Create(dir, Birth{Genesis: &genesis}, Config{Key: testKey("who reads")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	payload := fmt.Appendf(nil, `{"text":"%0220d"}`, 1)
	for n := range slices.Chunk(slices.Collect(counted(entries)), 10_000) {
		events := make([]crdt.Event, len(n))
		for i, at := range n {
			events[i] = crdt.Event{Kind: fmt.Sprintf("kind-%d", at*7919%10), Subject: fmt.Sprintf("subject-%09d", at*7919%subjects), Payload: payload}
		}
		if _, err := l.AppendBatch(context.Background(), events); err != nil {
			b.Fatal(err)
		}
	}
	return l
}

func counted(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// BenchmarkIndexBuild measures making the index, and what it takes of the file.
func BenchmarkIndexBuild(b *testing.B) {
	entries := benchEntries(b)
	for _, subjects := range []int{entries, 10_000, 1} {
		b.Run(fmt.Sprintf("subjects=%d", subjects), func(b *testing.B) {
			l := buildForIndex(b, b.TempDir(), entries, subjects)
			for b.Loop() {
				if err := l.RebuildIndex(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			s, err := l.IndexStatus()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(s.Bytes)/float64(entries), "B/entry")
			b.ReportMetric(100*float64(s.Bytes)/float64(l.Stats().Bytes), "%file")
			b.ReportMetric(float64(s.Layers), "layers")
		})
	}
}

// BenchmarkHistory reads the history of one subject, of ten entries, with the index and by a scan.
func BenchmarkHistory(b *testing.B) {
	entries := benchEntries(b)
	l := buildForIndex(b, b.TempDir(), entries, entries/10)
	if err := l.CatchUpIndex(b.Context()); err != nil {
		b.Fatal(err)
	}
	for _, order := range []Order{ByAuthor, Causal, Arrival} {
		for _, off := range []bool{false, true} {
			b.Run(fmt.Sprintf("order=%s/scan=%t", order, off), func(b *testing.B) {
				l.store.cfg.NoIndex = off
				i := 0
				for b.Loop() {
					q := Query{Subjects: []string{fmt.Sprintf("subject-%09d", i%(entries/10))}, Order: order}
					i += 7919
					n := 0
					for _, err := range l.Entries(b.Context(), q) {
						if err != nil {
							b.Fatal(err)
						}
						n++
					}
					if n != 10 {
						b.Fatalf("%d entries, not 10", n)
					}
				}
			})
		}
	}
}

// BenchmarkAppendBesideIndex measures single appends while the index is made anew again and again, and
// while it is not.
func BenchmarkAppendBesideIndex(b *testing.B) {
	for _, beside := range []bool{false, true} {
		b.Run(fmt.Sprintf("indexing=%t", beside), func(b *testing.B) {
			l := buildForIndex(b, b.TempDir(), benchEntries(b)/2, benchEntries(b)/2)
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				for beside && l.RebuildIndex(ctx) == nil {
				}
			}()
			var took []time.Duration
			for b.Loop() {
				begun := time.Now()
				if _, err := l.Append(b.Context(), crdt.Event{Kind: "k", Subject: "s"}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begun))
			}
			cancel()
			<-done
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs/p50")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs/p99")
			b.ReportMetric(float64(took[len(took)-1].Microseconds()), "µs/max")
		})
	}
}
