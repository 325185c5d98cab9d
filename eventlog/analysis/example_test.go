package analysis_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/analysis"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// Payments that were sent are paired with those that settled, and their fees added up.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "quipu-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: &crdt.Genesis{}}, eventlog.Config{Key: eventlogtest.Key("shop")})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	noon := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	_, err = l.AppendBatch(ctx, []crdt.Event{
		{Kind: "sent", Subject: "p1", Time: noon},
		{Kind: "sent", Subject: "p2", Time: noon.Add(time.Second)},
		{Kind: "settled", Subject: "p2", Time: noon.Add(1200 * time.Millisecond), Payload: []byte(`{"fee":0.10}`)},
		{Kind: "settled", Subject: "p1", Time: noon.Add(3 * time.Second), Payload: []byte(`{"fee":0.20}`)},
		{Kind: "sent", Subject: "p3", Time: noon.Add(4 * time.Second)},
	})
	if err != nil {
		log.Fatal(err)
	}

	fee, err := analysis.ParsePointer("/fee")
	if err != nil {
		log.Fatal(err)
	}
	join := analysis.Join{
		Start:  analysis.Side{Kinds: []string{"sent"}},
		End:    analysis.Side{Kinds: []string{"settled"}},
		Within: time.Minute,
		Number: analysis.Number{Field: fee},
	}
	entries := l.Entries(ctx, eventlog.Query{Order: eventlog.Causal, Kinds: join.Kinds()})
	s, err := analysis.Summarize(join.Outcomes(entries), analysis.Breakdown{Slowest: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Total.Pairs, "pairs,", s.Total.StartsAlone, "start alone")
	fmt.Println("average", s.Total.Latency.Average, "p99", s.Total.Latency.P99)
	fmt.Println("fees", s.Total.Number.Sum)
	fmt.Println("slowest", s.Slowest[0].Start.Key, s.Slowest[0].Latency, "for", s.Slowest[0].Number())
	// Output:
	// 2 pairs, 1 start alone
	// average 1.6s p99 3s
	// fees 0.30
	// slowest p1 3s for 0.20
}
