package eventlog

import (
	"fmt"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// BenchmarkRead reads entries of 300 bytes in each order, by one author and by five who wrote side by side, in ops of
// many and in ops of one: warm, and cold, with the file thrown out of memory before each reading.
func BenchmarkRead(b *testing.B) {
	for _, log := range []struct {
		name                    string
		authors, perOp, entries int
	}{
		{"one author", 1, 50, 1_000_000},
		{"five authors", 5, 50, 1_000_000},
		{"one author, ops of one entry", 1, 1, 200_000},
		{"five authors, ops of one entry", 5, 1, 200_000},
	} {
		b.Run(log.name, func(b *testing.B) {
			dir := b.TempDir()
			buildForReading(b, dir, log.authors, log.perOp, log.entries)
			for _, order := range []Order{ByAuthor, Causal, Arrival} {
				b.Run(fmt.Sprintf("order=%s/warm", order), func(b *testing.B) { benchmarkRead(b, dir, Query{Order: order}, false, log.entries) })
				b.Run(fmt.Sprintf("order=%s/cold", order), func(b *testing.B) { benchmarkRead(b, dir, Query{Order: order}, true, log.entries) })
			}
		})
	}
}

// TestReadingAllocatesNothingAnEntry: what a reading allocates it does by the chunk, and by the op that is not small.
func TestReadingAllocatesNothingAnEntry(t *testing.T) {
	for _, perOp := range []int{1, 50} {
		dir, entries := t.TempDir(), 12_000
		buildForReading(t, dir, 2, perOp, entries)
		l, err := Open(dir, Config{Key: testKey("who reads")})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for i := range 6 {
			q := Query{Order: Order(i / 2), Reverse: i%2 == 1}
			allocated := testing.AllocsPerRun(5, func() {
				n := 0
				for _, err := range l.Entries(t.Context(), q) {
					if err != nil {
						t.Fatal(err)
					}
					n++
				}
				if n != entries {
					t.Fatalf("%d entries instead of %d", n, entries)
				}
			})
			if most := float64(entries) / 2; allocated > most {
				t.Errorf("ops of %d, %s, reverse %t: %.0f allocations for %d entries", perOp, q.Order, q.Reverse, allocated, entries)
			} else {
				t.Logf("ops of %d, %s, reverse %t: %.3f allocations an entry", perOp, q.Order, q.Reverse, allocated/float64(entries))
			}
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

// buildForReading makes a log in dir whose authors have written in turns, 2,000 entries each, in ops of so many.
func buildForReading(b testing.TB, dir string, authors, perOp, entries int) {
	b.Helper()
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
			for range 2000 / perOp {
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
