package analysis

import (
	"encoding/json"
	"math/big"
	"math/bits"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt/sketch"
)

// Latency says how long pairs took. Percentiles are by nearest rank, so each is a latency that was
// measured: the P-th is the least that at least P in a hundred latencies do not exceed. The median is the
// 50th: of an even number, the lower of the two in the middle.
type Latency struct {
	Count    uint64
	Min, Max time.Duration
	// Average is Total / Count to the nearest nanosecond, half up.
	Average          time.Duration
	Median, P95, P99 time.Duration
	// Total is the sum in nanoseconds, exact.
	Total *big.Int
	// Exact says that the percentiles are exact; else each is off by at most [SketchError] of itself. The
	// other figures are always exact.
	Exact bool
}

// MarshalJSON writes all durations in nanoseconds, as whole numbers.
func (l Latency) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Count   uint64        `json:"count"`
		Total   *big.Int      `json:"totalNs"`
		Min     time.Duration `json:"minNs"`
		Average time.Duration `json:"averageNs"`
		Median  time.Duration `json:"medianNs"`
		P95     time.Duration `json:"p95Ns"`
		P99     time.Duration `json:"p99Ns"`
		Max     time.Duration `json:"maxNs"`
		Exact   bool          `json:"percentilesExact"`
	}{l.Count, l.Total, l.Min, l.Average, l.Median, l.P95, l.P99, l.Max, l.Exact})
}

// latencies takes latencies in. It keeps each of them while there is room, and a sketch from then on.
type latencies struct {
	room      *int // how many more may be kept; shared by all groups of a summary
	count     uint64
	high, low uint64 // the sum in nanoseconds, 128 bits
	min, max  uint64
	kept      []uint64
	sketch    *sketch.Sketch
}

func (l *latencies) add(d time.Duration) {
	v := uint64(d)
	if l.count == 0 {
		l.min = v
	}
	l.min, l.max = min(l.min, v), max(l.max, v)
	l.count++
	var carry uint64
	l.low, carry = bits.Add64(l.low, v, 0)
	l.high += carry
	if l.sketch == nil && *l.room == 0 {
		l.summarize()
	}
	if l.sketch != nil {
		l.sketch.Add(v)
		return
	}
	l.kept = append(l.kept, v)
	*l.room--
}

// summarize puts what is kept into a sketch, and gives its room back.
func (l *latencies) summarize() {
	l.sketch = new(sketch.Sketch)
	for _, v := range l.kept {
		l.sketch.Add(v)
	}
	*l.room += len(l.kept)
	l.kept = nil
}

// latency returns the figures.
func (l *latencies) latency() Latency {
	total := new(big.Int).SetUint64(l.high)
	total.Add(total.Lsh(total, 64), new(big.Int).SetUint64(l.low))
	found := Latency{
		Count: l.count, Total: total, Exact: l.sketch == nil,
		Min: time.Duration(l.min), Max: time.Duration(l.max),
	}
	if l.count == 0 {
		return found
	}
	// The sum of n latencies of less than 2^63 has a high part of less than n.
	average, rest := bits.Div64(l.high, l.low, l.count)
	if rest >= l.count-l.count/2 {
		average++
	}
	found.Average = time.Duration(average)
	slices.Sort(l.kept)
	found.Median, found.P95, found.P99 = l.percentile(50), l.percentile(95), l.percentile(99)
	return found
}

// percentile returns the p-th percentile. What is kept is sorted.
func (l *latencies) percentile(p uint64) time.Duration {
	// ceil(p*n/100), without leaving 64 bits.
	whole, part := l.count/100, l.count%100
	rank := whole*p + (part*p+99)/100
	if l.sketch == nil {
		return time.Duration(l.kept[rank-1])
	}
	return time.Duration(min(max(l.sketch.Ranked(rank), l.min), l.max))
}
