package eventlog_test

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/quipulog/quipu/eventlog"
)

// BenchmarkFollow measures how many entries of a log a follower is given, in batches of the default
// size, durable each: with a handler that does nothing, and with one that counts in a bucket.
func BenchmarkFollow(b *testing.B) {
	const n = 1_000_000
	counter := func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		bucket := tx.Bucket("count")
		count := make([]byte, 8)
		copy(count, bucket.Get([]byte("n")))
		binary.BigEndian.PutUint64(count, binary.BigEndian.Uint64(count)+uint64(len(batch)))
		return bucket.Put([]byte("n"), count)
	}
	for name, handler := range map[string]func(*eventlog.Tx, []eventlog.Entry) error{
		"bare":    func(*eventlog.Tx, []eventlog.Entry) error { return nil },
		"counter": counter,
	} {
		b.Run(name, func(b *testing.B) {
			l, err := eventlog.Open(keptLog(b, n), config("bench"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = l.Close() })
			for b.Loop() {
				ctx, cancel := context.WithCancel(context.Background())
				err := l.Follow(ctx, "bench", eventlog.FollowConfig{}, func(tx *eventlog.Tx, batch []eventlog.Entry) error {
					if batch[len(batch)-1].Offset == n-1 {
						cancel()
					}
					return handler(tx, batch)
				})
				if !errors.Is(err, context.Canceled) {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := l.RemoveFollower(context.Background(), "bench"); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
