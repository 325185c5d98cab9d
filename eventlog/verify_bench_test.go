package eventlog

import (
	"testing"
)

// BenchmarkVerify verifies what a plain reading, in author order, reads beside it: entries of 300 bytes, in ops of many and
// in ops of one, without an index and with one. What it takes of the file are bytes of ops.
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
		dir := b.TempDir()
		buildForReading(b, dir, log.authors, log.perOp, log.entries)
		l, err := Open(dir, Config{Key: testKey("who reads")})
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		if log.indexed {
			if err := l.CatchUpIndex(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		held := l.Stats()
		each := func(name string, run func() uint64) {
			b.Run(log.name+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(l.store.state.Room))
				for b.Loop() {
					if n := run(); n != held.Entries {
						b.Fatalf("%d entries instead of %d", n, held.Entries)
					}
				}
				b.ReportMetric(float64(held.Entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			})
		}
		each("verify", func() uint64 {
			report, err := l.Verify(b.Context())
			if err != nil || !report.OK() {
				b.Fatal(err, report.String())
			}
			return report.Entries
		})
		each("read", func() (n uint64) {
			for _, err := range l.Entries(b.Context(), Query{}) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			return n
		})
	}
}
