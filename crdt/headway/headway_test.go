package headway_test

import (
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt/headway"
)

// TestGauge: the rate is that of the last half minute, whatever came before.
func TestGauge(t *testing.T) {
	var g headway.Gauge
	now := time.Unix(1, 0)
	reach := func(pause time.Duration, done uint64) { now = now.Add(pause); g.Reached(now, done) }
	want := func(what string, rate float64, total uint64, left time.Duration, known bool) {
		t.Helper()
		d, ok := g.Left(total)
		if g.Rate() != rate || d != left || ok != known {
			t.Errorf("%s: %v/s, %s left of %d (%v); want %v/s, %s (%v)", what, g.Rate(), d, total, ok, rate, left, known)
		}
	}
	want("nothing known", 0, 10, 0, false)
	reach(0, 1_000_000) // a head start: what was done in an earlier run
	want("one moment", 0, 2_000_000, 0, false)
	want("done", 0, 5, 0, true)
	reach(100*time.Millisecond, 1_000_100)
	want("a tenth of a second", 1000, 1_001_100, time.Second, true)
	for i := range uint64(1000) {
		reach(10*time.Millisecond, 1_000_200+i*10)
	}
	want("ten seconds", float64(10_090+100)/10.1, 1_010_190, 0, true)
	for i := range uint64(60) {
		reach(time.Second, 1_010_190+i)
	}
	want("slower for a minute", 1, 1_010_190+59+3600, time.Hour, true)
	reach(time.Hour, 1_010_190+59)
	for range 40 {
		reach(time.Second, 1_010_190+59)
	}
	want("it stands still", 0, 1<<40, 0, false)
	reach(time.Second, 1_010_190+60)
	want("too slow to say", 1./29, 1<<50, 0, false)
	reach(time.Second, 7)
	want("another beginning", 0, 8, 0, false)
	reach(time.Second, 8)
	want("and on", 1, 10, 2*time.Second, true)
}
