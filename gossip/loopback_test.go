package gossip_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip"
)

// real is a node on this machine's own network with a log on disk.
type real struct {
	log *eventlog.Log
	*gossip.Gossip
}

// startReal runs a node with the key that name stands for on loopback, until the test ends.
func startReal(tb testing.TB, name string, join ...string) real {
	tb.Helper()
	log := eventlogtest.OpenAs(tb, name)
	g, err := gossip.New(gossip.Config{
		Log: log, Key: eventlogtest.Key(name), Name: name, Secret: secret, Listen: "127.0.0.1:0", Join: join,
		Profile: gossip.Local, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("node %s: %v", name, err)
		}
	})
	return real{log, g}
}

// await returns when the log's frontier holds n entries, or the test's patience is over.
func (r real) await(tb testing.TB, n uint64) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	for {
		changed := r.log.Changed()
		if r.log.Frontier().Entries() >= n {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			tb.Fatalf("holds %d entries after a minute, want %d\n%+v", r.log.Frontier().Entries(), n, r.Status())
		}
	}
}

// batch returns n small events.
func batch(n int) []crdt.Event {
	events := make([]crdt.Event, n)
	for i := range events {
		events[i] = crdt.Event{Kind: "bench.tick", Subject: "s", Payload: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	return events
}

func TestThreeNodesOnLoopback(t *testing.T) {
	a := startReal(t, "a")
	b := startReal(t, "b", a.Addr().String())
	c := startReal(t, "c", a.Addr().String())
	nodes := []real{a, b, c}
	const rounds = 20
	for i := range rounds {
		for _, n := range nodes {
			if _, err := n.log.AppendBatch(t.Context(), batch(1+i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, n := range nodes {
		n.await(t, 3*rounds*(rounds+1)/2)
		if n.log.Root() != a.log.Root() {
			t.Error("roots differ")
		}
	}
	for _, n := range nodes[1:] {
		if !n.Seeds()[0].Joined {
			t.Errorf("not joined: %v", n.Seeds()[0].Err)
		}
	}
}

// BenchmarkCatchUp measures how long a fresh node takes to get a million entries from another over
// loopback, both with their logs on disk and each commit synced.
func BenchmarkCatchUp(b *testing.B) {
	const entries, each = 1_000_000, 10_000
	source := startReal(b, "source")
	for range entries / each {
		if _, err := source.log.AppendBatch(b.Context(), batch(each)); err != nil {
			b.Fatal(err)
		}
	}
	round := 0
	for b.Loop() {
		round++
		fresh := startReal(b, fmt.Sprint("fresh ", round), source.Addr().String())
		fresh.await(b, entries)
	}
	b.ReportMetric(float64(entries*b.N)/b.Elapsed().Seconds(), "entries/s")
}
