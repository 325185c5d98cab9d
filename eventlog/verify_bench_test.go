package eventlog

import (
	"context"
	"errors"
	"testing"
)

// BenchmarkVerify verifies what a plain reading, in author order, reads beside it: entries of 300 bytes, in ops of many and
// in ops of one, without an index and with one, warm and with the file thrown out of memory before. The bytes are those
// of the ops.
func BenchmarkVerify(b *testing.B) {
	for _, log := range []struct {
		name                    string
		authors, perOp, entries int
		indexed                 bool
	}{
		{"ops of 50 entries", 5, 50, 200_000, false},
		{"ops of 50 entries, indexed", 5, 50, 200_000, true},
		{"ops of one entry", 5, 1, 20_000, false},
		{"100 authors, ops of 50 entries", 100, 50, 200_000, false},
	} {
		b.Run(log.name, func(b *testing.B) {
			dir := b.TempDir()
			buildForReading(b, dir, log.authors, log.perOp, log.entries)
			if log.indexed {
				onceOpen(b, dir, func(l *Log) error { return l.CatchUpIndex(b.Context()) })
			}
			for name, do := range map[string]func(l *Log) error{"verify": verifyOnce, "read": readOnce} {
				b.Run(name+"/warm", func(b *testing.B) { benchmarkVerify(b, dir, false, do) })
				b.Run(name+"/cold", func(b *testing.B) { benchmarkVerify(b, dir, true, do) })
			}
		})
	}
}

func verifyOnce(l *Log) error {
	report, err := l.Verify(context.Background())
	if err == nil && !report.OK() {
		err = errors.New(report.String())
	}
	return err
}

func readOnce(l *Log) error {
	for _, err := range l.Entries(context.Background(), Query{}) {
		if err != nil {
			return err
		}
	}
	return nil
}

func benchmarkVerify(b *testing.B, dir string, cold bool, do func(l *Log) error) {
	var entries uint64
	for b.Loop() {
		b.StopTimer()
		if cold {
			dropFromMemory(b, dir)
		}
		onceOpen(b, dir, func(l *Log) error {
			entries += l.Stats().Entries
			b.SetBytes(int64(l.store.state.Room))
			b.StartTimer()
			defer b.StopTimer()
			return do(l)
		})
		b.StartTimer()
	}
	b.ReportMetric(float64(entries)/b.Elapsed().Seconds(), "entries/s")
}

// onceOpen opens the log in dir for fn.
func onceOpen(b testing.TB, dir string, fn func(l *Log) error) {
	l, err := Open(dir, Config{Key: testKey("who reads")})
	if err == nil {
		err = errors.Join(fn(l), l.Close())
	}
	if err != nil {
		b.Fatal(err)
	}
}
