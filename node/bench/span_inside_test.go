package bench

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestBars says in which bar a latency stands, that none between two is left out, and that they add up.
func TestBars(t *testing.T) {
	const ms = time.Millisecond
	var a, b, s Span
	if bars := a.Bars(); bars != nil || a.Latency(0.5) != 0 || a.Latency(1) != 0 || a.PerSecond(1) != 0 {
		t.Errorf("nothing has the bars %v", bars)
	}
	for _, took := range []time.Duration{150 * time.Microsecond, 180 * time.Microsecond, 3 * ms} {
		a.call(took, 2, 10)
	}
	b.call(900*time.Microsecond, 2, 10)
	s.take(&a)
	s.take(&b)
	want := []Bar{{200 * time.Microsecond, 2}, {500 * time.Microsecond, 0}, {ms, 1}, {2 * ms, 0}, {5 * ms, 1}}
	if diff := cmp.Diff(want, s.Bars()); diff != "" {
		t.Error(diff)
	}
	if s.Calls != 4 || s.Entries != 8 || s.Bytes != 40 || s.Latency(1) != 3*ms || a.Calls != 0 || a.Bars() != nil || a.Latency(1) != 0 {
		t.Errorf("together they are %d calls, %d entries, %d bytes, %s at most", s.Calls, s.Entries, s.Bytes, s.Latency(1))
	}
	for share, want := range map[float64]time.Duration{0: 150 * time.Microsecond, 0.25: 150 * time.Microsecond, 0.5: 180 * time.Microsecond, 0.75: 900 * time.Microsecond, 0.999: 3 * ms} {
		if got := s.Latency(share); math.Abs(float64(got-want)) > float64(want)/1000 {
			t.Errorf("%v of the calls took no more than %s, want %s", share, got, want)
		}
	}
	var longest Span
	longest.call(math.MaxInt64, 1, 1)
	if bars := longest.Bars(); len(bars) != 1 || bars[0].UpTo != math.MaxInt64 || longest.Latency(0.5) < math.MaxInt64/2 {
		t.Errorf("the longest call has the bars %v", bars)
	}
}
