package bench

import (
	"math"
	"time"

	"github.com/quipulog/quipu/crdt/sketch"
)

// Span is what was measured between two moments. A call counts where it ends.
type Span struct {
	// From and To are how long after the beginning it began and ended.
	From, To time.Duration
	// Calls have appended or read Entries, of Bytes: of payload that was appended, of JSON that was read.
	Calls, Entries, Bytes uint64

	latency sketch.Sketch // in nanoseconds, of the calls
	max     time.Duration
}

// call counts one.
func (s *Span) call(took time.Duration, entries, bytes uint64) {
	s.Calls++
	s.Entries += entries
	s.Bytes += bytes
	s.latency.Add(uint64(max(took, 0)))
	s.max = max(s.max, took)
}

// take adds what another one has, and empties that.
func (s *Span) take(o *Span) {
	s.Calls += o.Calls
	s.Entries += o.Entries
	s.Bytes += o.Bytes
	s.latency.Merge(&o.latency)
	s.max = max(s.max, o.max)
	o.latency.Reset()
	*o = Span{latency: o.latency}
}

// PerSecond returns n for each second of the span.
func (s *Span) PerSecond(n uint64) float64 {
	if s.To <= s.From {
		return 0
	}
	return float64(n) / (s.To - s.From).Seconds()
}

// Latency returns the least time that so much of the calls, from 0 to 1, do not exceed, right to [sketch.Error] of itself;
// 0 where there was none. The latency of 1 is the greatest, and exact.
func (s *Span) Latency(share float64) time.Duration {
	if share >= 1 || s.Calls == 0 {
		return s.max
	}
	rank := max(1, uint64(math.Ceil(share*float64(s.Calls))))
	return min(time.Duration(s.latency.Ranked(rank)), s.max)
}

// Bar is how many calls took no longer than UpTo, and longer than the bar before.
type Bar struct {
	UpTo  time.Duration
	Calls uint64
}

// Bars returns the latencies as bars whose ends grow by 1, 2, 5, 10 and so on, from the first that has a call to the last.
func (s *Span) Bars() []Bar {
	var bars []Bar
	for v, calls := range s.latency.All() {
		took := min(time.Duration(v), s.max)
		if len(bars) == 0 {
			upTo := time.Nanosecond
			for upTo < took {
				upTo = following(upTo)
			}
			bars = append(bars, Bar{UpTo: upTo})
		}
		for bars[len(bars)-1].UpTo < took {
			bars = append(bars, Bar{UpTo: following(bars[len(bars)-1].UpTo)})
		}
		bars[len(bars)-1].Calls += calls
	}
	return bars
}

// following returns what comes behind d among 1, 2, 5, 10, 20 …; the greatest duration where that would be past it.
func following(d time.Duration) time.Duration {
	if d > math.MaxInt64/5*2 {
		return math.MaxInt64
	}
	lead := d
	for lead >= 10 {
		lead /= 10
	}
	if lead == 2 {
		return d / 2 * 5
	}
	return 2 * d
}
