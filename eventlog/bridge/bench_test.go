package bridge_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/bridge"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/transition"
)

// event300 returns an event that is about 300 bytes as an entry.
func event300() crdt.Event {
	return crdt.Event{
		Kind: "bench.event", Module: "bench", Subject: "subject-00000001",
		Payload: []byte(`{"n":1,"text":"Forty knots hang on a cord of cotton, each tied where the one before it let go; ` +
			`the reader counts them with a thumb, from the main cord outward, and says the number aloud. Then the next cord."}`),
	}
}

// benchLog returns a log that is not verified at the end.
func benchLog(b *testing.B) *eventlog.Log {
	b.Helper()
	genesis := eventlogtest.Genesis(b)
	l, err := eventlog.Create(b.TempDir(), eventlog.Birth{Genesis: &genesis}, eventlog.Config{Key: eventlogtest.Key("bench")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	return l
}

// parallel calls do from so many goroutines at once, and reports the calls a second.
func parallel(b *testing.B, goroutines int, do func() error) {
	b.Helper()
	if goroutines == 1 {
		for b.Loop() {
			if err := do(); err != nil {
				b.Fatal(err)
			}
		}
		return
	}
	b.SetParallelism((goroutines + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkPublish measures publishers of entries of 300 bytes: plain Append, Record (durable at
// return, like Append) and Publish (queued at return; the time includes that until all is durable).
func BenchmarkPublish(b *testing.B) {
	ctx := context.Background()
	for _, publishers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("append/publishers=%d", publishers), func(b *testing.B) {
			l := benchLog(b)
			parallel(b, publishers, func() error {
				_, err := l.Append(ctx, event300())
				return err
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
		b.Run(fmt.Sprintf("record/publishers=%d", publishers), func(b *testing.B) {
			benchmarkBridge(b, publishers, func(s *bridge.Bridge[crdt.Event]) error {
				_, err := s.Record(ctx, event300())
				return err
			})
		})
		b.Run(fmt.Sprintf("publish/publishers=%d", publishers), func(b *testing.B) {
			benchmarkBridge(b, publishers, func(s *bridge.Bridge[crdt.Event]) error { return s.Publish(ctx, event300()) })
		})
	}
}

func benchmarkBridge(b *testing.B, publishers int, do func(*bridge.Bridge[crdt.Event]) error) {
	ctx := context.Background()
	s, err := bridge.New(ctx, benchLog(b), bridge.Config[crdt.Event]{Encode: func(e crdt.Event) (crdt.Event, error) { return e, nil }})
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	parallel(b, publishers, func() error { return do(s) })
	if err := s.Close(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(b.N)/float64(s.Stats().Batches), "entries/batch")
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// BenchmarkTransitions measures one publisher of moves of a thousand subjects.
func BenchmarkTransitions(b *testing.B) {
	ctx := context.Background()
	s, err := bridge.NewTransitions(ctx, benchLog(b), bridge.Config[transition.Move]{})
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for i := 0; b.Loop(); i++ {
		if err := s.Publish(ctx, transition.Move{Subject: fmt.Sprint("subject-", i%1000), To: "on"}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
