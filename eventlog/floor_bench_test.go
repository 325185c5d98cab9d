package eventlog_test

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

const (
	floorRounds  = 3
	floorTime    = 700 * time.Millisecond // of appends, a side and round
	floorEntries = 1_000_000              // that are read and followed
	floorApplied = 200_000
)

// BenchmarkFloor does the same work with a log and with a [floor] on the same disk, in turns, and prints a table of
// the medians; the ratio is the median of those of the rounds. Compare ratios: rates are those of the machine. Entries
// have payloads of 256 bytes, and are durable before their call returns. Folders are in $TMPDIR.
func BenchmarkFloor(b *testing.B) {
	var t comparison
	for _, writers := range []int{1, 16, 64, 256, 1024} {
		t.appends(b, fmt.Sprintf("append/writers=%d", writers), writers, 1)
	}
	t.appends(b, "batch/callers=1", 1, 256)
	t.appends(b, "batch/callers=4", 4, 256)
	t.applies(b)
	t.reads(b)
	t.print()
}

// sample is what one side did in one round.
type sample struct {
	rate     float64       // entries a second
	p50, p99 time.Duration // of a call
	bytes    float64       // of the file, an entry
}

// comparison is what both sides did at each work.
type comparison struct {
	rows []struct {
		work         string
		quipu, floor []sample
	}
}

// row measures both sides in turns.
func (t *comparison) row(b *testing.B, work string, quipu, floor func(b *testing.B) sample) {
	b.Run(work, func(b *testing.B) {
		var q, f []sample
		for b.Loop() {
			for range floorRounds {
				q, f = append(q, quipu(b)), append(f, floor(b))
			}
		}
		b.ReportMetric(0, "ns/op") // It would be of all rounds and both sides.
		b.ReportMetric(ratio(q, f), "ratio")
		t.rows = append(t.rows, struct {
			work         string
			quipu, floor []sample
		}{work, q, f})
	})
}

func ratio(quipu, floor []sample) float64 {
	ratios := make([]float64, len(quipu))
	for i := range ratios {
		ratios[i] = quipu[i].rate / floor[i].rate
	}
	return median(ratios, func(r float64) float64 { return r })
}

// median returns that of what of says of the samples.
func median[S any](samples []S, of func(S) float64) float64 {
	all := make([]float64, len(samples))
	for i, s := range samples {
		all[i] = of(s)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func (t *comparison) print() {
	fmt.Println("\nfloor is the same work with bbolt alone; a ratio of 1.00 is as fast. Medians of rounds in turns, payloads of " +
		"256 bytes.\nB/op and allocs/op above are those of both sides together.")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\n\tquipu/s\tfloor/s\tratio\tp50 ms\tfloor\tp99 ms\tfloor\tbytes an entry\tfloor\t")
	ms := func(d func(sample) time.Duration) func(sample) float64 {
		return func(s sample) float64 { return float64(d(s)) / float64(time.Millisecond) }
	}
	for _, r := range t.rows {
		fmt.Fprint(w, r.work)
		both := func(format string, of func(sample) float64) {
			for _, side := range [][]sample{r.quipu, r.floor} {
				if m := median(side, of); m > 0 {
					fmt.Fprintf(w, "\t"+format, m)
				} else {
					fmt.Fprint(w, "\t")
				}
			}
		}
		both("%.0f", func(s sample) float64 { return s.rate })
		fmt.Fprintf(w, "\t%.2f", ratio(r.quipu, r.floor))
		both("%.2f", ms(func(s sample) time.Duration { return s.p50 }))
		both("%.2f", ms(func(s sample) time.Duration { return s.p99 }))
		both("%.0f", func(s sample) float64 { return s.bytes })
		fmt.Fprintln(w, "\t")
	}
	_ = w.Flush()
}

// event256 returns an event with a payload of 256 bytes that is no JSON.
func event256() crdt.Event {
	payload := make([]byte, 256)
	for i := range payload {
		payload[i] = byte('a' + i%26)
	}
	return crdt.Event{Kind: "bench", ContentType: "application/octet-stream", Payload: payload}
}

// appends measures how fast so many writers append at once, each so many events a call.
func (t *comparison) appends(b *testing.B, work string, writers, perCall int) {
	events := slices.Repeat([]crdt.Event{event256()}, perCall)
	t.row(b, work, func(b *testing.B) sample {
		l := benchLog(b, b.TempDir())
		s := write(b, writers, perCall, func() (err error) {
			if perCall == 1 {
				_, err = l.Append(context.Background(), events[0])
			} else {
				_, err = l.AppendBatch(context.Background(), events)
			}
			return err
		})
		stats := l.Stats()
		s.bytes = float64(stats.Bytes) / float64(stats.Entries)
		closeLog(b, l)
		return s
	}, func(b *testing.B) sample {
		f := newFloor(b)
		s := write(b, writers, perCall, func() error { return f.append(events) })
		s.bytes = float64(f.bytes()) / float64(f.next)
		f.close(b)
		return s
	})
}

// write calls from so many goroutines at once, for floorTime.
func write(b *testing.B, writers, perCall int, call func() error) (s sample) {
	b.Helper()
	took := make([][]time.Duration, writers)
	begin := time.Now()
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for at := time.Now(); at.Sub(begin) < floorTime; {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
				now := time.Now()
				took[w] = append(took[w], now.Sub(at))
				at = now
			}
		})
	}
	all.Wait()
	elapsed := time.Since(begin)
	calls := slices.Concat(took...)
	slices.Sort(calls)
	if n := len(calls); n > 0 {
		s = sample{rate: float64(n*perCall) / elapsed.Seconds(), p50: calls[n/2], p99: calls[n*99/100]}
	}
	return s
}

func closeLog(b *testing.B, l *eventlog.Log) {
	b.Helper()
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}

// timed returns how fast work, which returns how many entries it did, does with n.
func timed(b *testing.B, n int, work func() (int, error)) sample {
	b.Helper()
	begin := time.Now()
	did, err := work()
	elapsed := time.Since(begin)
	if err != nil || did != n {
		b.Fatalf("%d entries instead of %d: %v", did, n, err)
	}
	return sample{rate: float64(n) / elapsed.Seconds()}
}

// fill256 appends n events through append, 1,000 at a time.
func fill256(b *testing.B, n int, append func([]crdt.Event) error) {
	b.Helper()
	events := slices.Repeat([]crdt.Event{event256()}, 1000)
	for range n / len(events) {
		if err := append(events); err != nil {
			b.Fatal(err)
		}
	}
}

func fillLog(b *testing.B, l *eventlog.Log, n int) {
	b.Helper()
	fill256(b, n, func(events []crdt.Event) error {
		_, err := l.AppendBatch(context.Background(), events)
		return err
	})
}

// applies measures storing what another has written, in one call.
func (t *comparison) applies(b *testing.B) {
	genesis := eventlogtest.Genesis(b)
	runs := sync.OnceValue(func() []crdt.Run {
		source := benchLog(b, b.TempDir())
		fillLog(b, source, floorApplied)
		return runsOf(b, source, 256<<10)
	})
	ops := sync.OnceValue(func() [][][]byte {
		source := newFloor(b)
		defer source.close(b)
		fill256(b, floorApplied, source.append)
		ops, err := source.ops()
		if err != nil {
			b.Fatal(err)
		}
		return ops
	})
	t.row(b, "apply", func(b *testing.B) sample {
		rs := runs()
		l, err := eventlog.Create(b.TempDir(), eventlog.Birth{Genesis: &genesis}, config("peer"))
		if err != nil {
			b.Fatal(err)
		}
		defer closeLog(b, l)
		return timed(b, floorApplied, func() (n int, err error) {
			outcomes, err := l.Apply(context.Background(), rs)
			for _, o := range outcomes {
				err = errors.Join(err, o.Err)
				n += o.Entries
			}
			return n, err
		})
	}, func(b *testing.B) sample {
		all := ops()
		f := newFloor(b)
		defer f.close(b)
		return timed(b, floorApplied, func() (int, error) {
			err := f.apply(f.key.Public().(ed25519.PublicKey), all)
			return int(f.next), err
		})
	})
}

// reads measures reading a million entries in each order, against a scan that copies each entry, and following them
// with a count that the handler keeps in the log, against the same scan with a commit of such a count every 1,024
// entries.
func (t *comparison) reads(b *testing.B) {
	l := sync.OnceValue(func() *eventlog.Log {
		l := benchLog(b, b.TempDir())
		fillLog(b, l, floorEntries)
		return l
	})
	f := sync.OnceValue(func() *floor {
		f := newFloor(b)
		b.Cleanup(func() { f.close(b) })
		fill256(b, floorEntries, f.append)
		return f
	})
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal, eventlog.Arrival} {
		t.row(b, fmt.Sprintf("read/order=%s", order), func(b *testing.B) sample {
			l := l()
			return timed(b, floorEntries, func() (n int, err error) {
				for _, err := range l.Entries(context.Background(), eventlog.Query{Order: order}) {
					if err != nil {
						return n, err
					}
					n++
				}
				return n, nil
			})
		}, func(b *testing.B) sample {
			f := f()
			return timed(b, floorEntries, func() (n int, err error) {
				var entries []floorEntry
				for n < floorEntries && err == nil {
					entries, err = f.read(uint64(n), 256, entries[:0])
					n += len(entries)
				}
				return n, err
			})
		})
	}
	t.row(b, "follow", func(b *testing.B) sample {
		l := l()
		s := timed(b, floorEntries, func() (int, error) { return countHere(l, floorEntries) })
		if err := l.RemoveFollower(context.Background(), "count"); err != nil {
			b.Fatal(err)
		}
		return s
	}, func(b *testing.B) sample {
		f := f()
		return timed(b, floorEntries, func() (int, error) { return f.follow(1024) })
	})
}

// countHere follows l up to an offset, with a handler that counts in the log, and returns the count.
func countHere(l *eventlog.Log, until uint64) (n int, err error) {
	key := []byte("n")
	err = l.Follow(context.Background(), "count", eventlog.FollowConfig{Until: &until}, func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		count := make([]byte, 8)
		copy(count, tx.Bucket("count").Get(key))
		n = int(binary.BigEndian.Uint64(count)) + len(batch)
		binary.BigEndian.PutUint64(count, uint64(n))
		return tx.Bucket("count").Put(key, count)
	})
	return n, err
}
