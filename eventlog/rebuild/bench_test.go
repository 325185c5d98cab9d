package rebuild_test

import (
	"context"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/rebuild"
)

// counting is the least that a projection can do.
type counting struct{ entries, bytes int }

func (c *counting) New(context.Context, rebuild.Range) error { *c = counting{}; return nil }
func (c *counting) Load(*eventlog.ReadBucket, uint64, rebuild.Range) error {
	return nil
}
func (c *counting) Apply(e *crdt.Entry) error {
	c.entries++
	c.bytes += len(e.Payload)
	return nil
}
func (c *counting) Store(*eventlog.Tx, *eventlog.Bucket) error  { return nil }
func (c *counting) Finish(*eventlog.Tx, *eventlog.Bucket) error { return nil }

// BenchmarkRebuild folds a log in each order, in turns with a plain read of the same entries that counts the same. It
// reports entries in a second of both, and the ratio.
func BenchmarkRebuild(b *testing.B) {
	const entries = 400_000
	log := eventlogtest.Open(b)
	events := make([]crdt.Event, 10_000)
	for i := range events {
		events[i] = crdt.Event{Kind: "order.paid", Subject: "order-1234", Payload: make([]byte, 200), ContentType: "application/octet-stream"}
	}
	for range entries / len(events) {
		if _, err := log.AppendBatch(b.Context(), events); err != nil {
			b.Fatal(err)
		}
	}
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal} {
		b.Run(order.String(), func(b *testing.B) {
			var plain, folded int64
			for b.Loop() {
				plain += timed(b, func() int {
					var c counting
					for e, err := range log.Entries(b.Context(), eventlog.Query{Order: order}) {
						if err != nil {
							b.Fatal(err)
						}
						_ = c.Apply(&e.Entry)
					}
					return c.entries
				}, entries)
				folded += timed(b, func() int {
					var c counting
					if _, err := rebuild.Run(b.Context(), log, "count", rebuild.Config{Order: order, Anew: true}, &c); err != nil {
						b.Fatal(err)
					}
					return c.entries
				}, entries)
			}
			b.ReportMetric(float64(b.N)*entries*1e9/float64(plain), "plain-entries/s")
			b.ReportMetric(float64(b.N)*entries*1e9/float64(folded), "rebuild-entries/s")
			b.ReportMetric(float64(plain)/float64(folded), "ratio")
		})
	}
}

// timed returns how many nanoseconds fn takes, which goes through so many entries.
func timed(b *testing.B, fn func() int, entries int) int64 {
	before := b.Elapsed()
	if n := fn(); n != entries {
		b.Fatalf("%d entries, want %d", n, entries)
	}
	return int64(b.Elapsed() - before)
}
