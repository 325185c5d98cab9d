package eventlog_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// event300 returns an event that is about 320 bytes as an entry.
func event300(i int) crdt.Event {
	return crdt.Event{
		Kind: "bench.event", Module: "bench", Subject: fmt.Sprintf("subject-%08d", i),
		Payload: fmt.Appendf(nil, `{"n":%d,"text":%q}`, i, "Forty knots hang on a cord of cotton, each tied where the one before it let go; the reader counts them with a thumb, from the main cord outward, and says the number aloud. Then the next cord."),
	}
}

// BenchmarkAppend measures appending with a sync for each commit.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 16, 64, 256, 1024} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			genesis := eventlogtest.Genesis(b)
			l, err := eventlog.Create(b.TempDir(), eventlog.Birth{Genesis: &genesis}, eventlog.Config{Key: eventlogtest.Key("bench")})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					e := event300(w)
					for left.Add(-1) >= 0 {
						if _, err := l.Append(context.Background(), e); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
