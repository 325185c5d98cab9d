package eventlog_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// event300 returns an event that is about 300 bytes as an entry.
func event300(i int) crdt.Event {
	return crdt.Event{
		Kind: "bench.event", Module: "bench", Subject: fmt.Sprintf("subject-%08d", i),
		Payload: fmt.Appendf(nil, `{"n":%d,"text":"Forty knots hang on a cord of cotton, each tied where the one before it let go; `+
			`the reader counts them with a thumb, from the main cord outward, and says the number aloud. Then the next cord."}`, i),
	}
}

// benchLog returns a log that is not verified at the end.
func benchLog(b *testing.B, dir string) *eventlog.Log {
	b.Helper()
	genesis := eventlogtest.Genesis(b)
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: &genesis}, config("bench"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	return l
}

// BenchmarkAppend measures appends of one event, durable each, by many writers at once.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 16, 64, 256, 1024} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			l := benchLog(b, b.TempDir())
			if writers == 1 {
				for i := 0; b.Loop(); i++ {
					if _, err := l.Append(context.Background(), event300(i)); err != nil {
						b.Fatal(err)
					}
				}
			} else {
				b.SetParallelism((writers + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
				b.RunParallel(func(pb *testing.PB) {
					e := event300(0)
					for pb.Next() {
						if _, err := l.Append(context.Background(), e); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// fill appends n events in batches of 10,000.
func fill(b *testing.B, l *eventlog.Log, n int) {
	b.Helper()
	events := make([]crdt.Event, 0, 10_000)
	for i := range n {
		events = append(events, event300(i))
		if len(events) == cap(events) || i == n-1 {
			if _, err := l.AppendBatch(context.Background(), events); err != nil {
				b.Fatal(err)
			}
			events = events[:0]
		}
	}
}

// runsOf returns all that l holds of its own feed, in runs of at most maxBytes.
func runsOf(b *testing.B, l *eventlog.Log, maxBytes int) []crdt.Run {
	b.Helper()
	segments, err := l.Plan(context.Background(), crdt.Want{Author: l.Author()})
	if err != nil {
		b.Fatal(err)
	}
	var rs []crdt.Run
	for {
		run, err := l.Read(context.Background(), &segments[0], maxBytes)
		if err != nil {
			b.Fatal(err)
		}
		if len(run.Ops) == 0 {
			return rs
		}
		rs = append(rs, run)
	}
}

// BenchmarkApply measures storing runs as peers send them, verified and durable: runs of 1 MiB one by
// one, all of them together in runs of 256 KiB, and one op each of many authors.
func BenchmarkApply(b *testing.B) {
	source := benchLog(b, b.TempDir())
	fill(b, source, 100_000)
	var authors []crdt.Run
	for i := range 5_000 {
		s := newStranger(b, fmt.Sprint("author ", i))
		authors = append(authors, crdt.Run{Ops: []crdt.Op{s.op(crdt.Op{}, "one")}})
	}
	genesis := eventlogtest.Genesis(b)
	for name, test := range map[string]struct {
		runs []crdt.Run
		most int // in a call
	}{
		"one by one": {runsOf(b, source, 1<<20), 1},
		"together":   {runsOf(b, source, 256<<10), math.MaxInt},
		"authors":    {authors, math.MaxInt},
	} {
		b.Run(name, func(b *testing.B) { benchmarkApply(b, genesis, test.runs, test.most) })
	}
}

// benchmarkApply applies rs to empty logs, at most so many in a call.
func benchmarkApply(b *testing.B, genesis crdt.Genesis, rs []crdt.Run, most int) {
	entries := 0
	for b.Loop() {
		b.StopTimer()
		l, err := eventlog.Create(b.TempDir(), eventlog.Birth{Genesis: &genesis}, config("peer"))
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for some := range slices.Chunk(rs, min(most, len(rs))) {
			outcomes, err := l.Apply(context.Background(), some)
			if err != nil || outcomes[0].Err != nil {
				b.Fatal(err, outcomes[0].Err)
			}
			for _, o := range outcomes {
				entries += o.Entries
			}
		}
		b.StopTimer()
		_ = l.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(entries)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkOpen measures opening a log of a thousand entries and one of a million. The large one is
// kept in the folder for temporary files from one run to the next.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			dir := keptLog(b, n)
			for b.Loop() {
				l, err := eventlog.Open(dir, config("bench"))
				if err != nil {
					b.Fatal(err)
				}
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// keptLog returns the directory of a log with n entries, which it makes if no run before has.
func keptLog(b *testing.B, n int) string {
	b.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("quipu-bench-%d", n))
	if l, err := eventlog.Open(dir, config("bench")); err == nil {
		whole := l.Stats().Entries == uint64(n)
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
		if whole {
			return dir
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		b.Fatal(err)
	}
	l := benchLog(b, dir)
	fill(b, l, n)
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	return dir
}
