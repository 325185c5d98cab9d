package eventlog_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/eventlog"
)

// memoryCursors is a store of cursors that costs nothing.
type memoryCursors map[string]eventlog.Cursor

func (m memoryCursors) Load(_ context.Context, name string) (eventlog.Cursor, bool, error) {
	c, found := m[name]
	return c, found, nil
}

func (m memoryCursors) Save(_ context.Context, name string, c eventlog.Cursor) error {
	m[name] = c
	return nil
}

// BenchmarkFollow measures how many entries of a log a follower is given, in batches of the default size: with a
// handler that does nothing in a commit for each, with one that counts in a bucket, with one that takes one entry in
// a hundred, and without a transaction; and as a tail is given them.
func BenchmarkFollow(b *testing.B) {
	const n = 1_000_000
	ctx := context.Background()
	until := eventlog.FollowConfig{Until: new(uint64(n))}
	deliver := func(l *eventlog.Log, store eventlog.CursorStore) error {
		return l.Deliver(ctx, "bench", until, store, func(context.Context, eventlog.Delivery) error { return nil })
	}
	follow := func(l *eventlog.Log, cfg eventlog.FollowConfig) error {
		return l.Follow(ctx, "bench", cfg, func(*eventlog.Tx, []eventlog.Entry) error { return nil })
	}
	subjects := make([]string, 0, 100)
	for i := range cap(subjects) {
		subjects = append(subjects, event300(i*n/cap(subjects)).Subject)
	}
	for _, test := range []struct {
		name string
		run  func(l *eventlog.Log) error
	}{
		{"bare", func(l *eventlog.Log) error { return follow(l, until) }},
		{"counter", func(l *eventlog.Log) error {
			_, err := countHere(l, n)
			return err
		}},
		{"filtered", func(l *eventlog.Log) error {
			return follow(l, eventlog.FollowConfig{Until: new(uint64(n)), Subjects: subjects})
		}},
		{"deliver", func(l *eventlog.Log) error { return deliver(l, nil) }},
		{"elsewhere", func(l *eventlog.Log) error { return deliver(l, memoryCursors{}) }},
		{"tail", func(l *eventlog.Log) error {
			for e, err := range l.Tail(ctx, eventlog.Query{}) {
				if err != nil || e.Offset == n-1 {
					return err
				}
			}
			return nil
		}},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			l, err := eventlog.Open(keptLog(b, n), config("bench"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = l.Close() })
			for b.Loop() {
				if err := test.run(l); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				for _, name := range []string{"bench", "count"} {
					_ = l.RemoveFollower(ctx, name) // one of them at most was there
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkFollowOne measures how long after a lone writer has begun to append an entry a follower's handler has it.
func BenchmarkFollowOne(b *testing.B) {
	l := benchLog(b, b.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	came := make(chan time.Time)
	ended := make(chan error, 1)
	go func() {
		ended <- l.Follow(ctx, "bench", eventlog.FollowConfig{}, func(*eventlog.Tx, []eventlog.Entry) error {
			came <- time.Now()
			return nil
		})
	}()
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		begin := time.Now()
		if _, err := l.Append(ctx, event300(i)); err != nil {
			b.Fatal(err)
		}
		took = append(took, (<-came).Sub(begin))
	}
	cancel()
	<-ended
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
