package eventlog

import (
	"fmt"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// BenchmarkRead reads a million entries of 300 bytes, by five authors who wrote side by side, in each
// order: warm, and cold, with the file thrown out of memory before each reading.
func BenchmarkRead(b *testing.B) {
	const authors, entries = 5, 1_000_000
	dir := b.TempDir()
	buildForReading(b, dir, authors, entries)
	for _, order := range []Order{ByAuthor, Causal, Arrival} {
		for _, cold := range []bool{false, true} {
			name := fmt.Sprintf("order=%s/warm", order)
			if cold {
				name = fmt.Sprintf("order=%s/cold", order)
			}
			b.Run(name, func(b *testing.B) { benchmarkRead(b, dir, Query{Order: order}, cold, entries) })
		}
	}
}

func benchmarkRead(b *testing.B, dir string, q Query, cold bool, entries int) {
	for b.Loop() {
		b.StopTimer()
		if cold {
			dropFromMemory(b, dir)
		}
		l, err := Open(dir, Config{Key: testKey("who reads")})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		n := 0
		for _, err := range l.Entries(b.Context(), q) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		b.StopTimer()
		if n != entries {
			b.Fatalf("%d entries instead of %d", n, entries)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// buildForReading makes a log in dir whose authors have written in turns, in ops of about 15 KB.
func buildForReading(b *testing.B, dir string, authors, entries int) {
	b.Helper()
	const perOp = 50
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	genesis := crdt.Genesis{Random: [32]byte{1}}
	l, err := Create(dir, Birth{Genesis: &genesis}, Config{Key: testKey("who reads"), Now: func() time.Time { return now.Add(time.Hour) }})
	if err != nil {
		b.Fatal(err)
	}
	heads := make([]crdt.Head, authors)
	payload := fmt.Appendf(nil, `{"text":"%0240d"}`, 1)
	clock := crdt.ClockAt(now)
	for n := 0; n < entries; {
		runs := make([]crdt.Run, authors)
		for i := range runs {
			for range 40 {
				drafts := make([]crdt.Draft, perOp)
				for j := range drafts {
					if drafts[j], err = crdt.NewDraft(crdt.Event{Kind: "order.paid", Subject: "order-1234567", Time: now, Payload: payload}); err != nil {
						b.Fatal(err)
					}
				}
				clock++
				h := crdt.Header{Log: genesis.Log(), First: heads[i].Next, Prev: heads[i].ID, Clock: clock}
				op, err := crdt.Seal(testKey(fmt.Sprintf("author %d", i)), h, drafts)
				if err != nil {
					b.Fatal(err)
				}
				heads[i] = op.Head()
				runs[i].Ops = append(runs[i].Ops, op)
				n += perOp
			}
		}
		if _, err := l.Apply(b.Context(), runs); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}
