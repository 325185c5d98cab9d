package crdt

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestClockText(t *testing.T) {
	for text, want := range map[string]Clock{
		"0.0":                   0,
		"0.1":                   1,
		"1.0":                   1 << 16,
		"1714564800123.65535":   Clock(1714564800123)<<16 | 65535,
		"140737488355327.65535": MaxClock - 1,
	} {
		got, err := ParseClock(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("ParseClock(%q) = %d (%s), %v: want %d", text, got, got, err, want)
		}
	}
	for _, text := range []string{
		"", "0", ".", "0.", ".0", "00.0", "0.00", "+1.0", "-1.0", "0.65536", "140737488355328.0", "1.0.0", "1,0", " 1.0", "0x1.0", "1_0.0",
	} {
		if c, err := ParseClock(text); err == nil {
			t.Errorf("ParseClock(%q) = %s, want an error", text, c)
		}
	}
}

func TestClockTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Clock(rapid.Uint64Max(MaxClock-1).Draw(t, "clock"))
		text, err := c.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Clock
		if err := back.UnmarshalText(text); err != nil || back != c {
			t.Fatalf("%s reads as %s, %v", text, back, err)
		}
		if NewClock(c.Millis(), c.Counter()) != c {
			t.Fatalf("%s is not made of its parts", c)
		}
	})
}

func TestNewClockSaturates(t *testing.T) {
	for _, tt := range []struct {
		ms   int64
		want Clock
	}{
		{math.MinInt64, 7}, {-1, 7}, {0, 7}, {1, 1<<16 | 7},
		{1<<47 - 1, Clock(1<<47-1)<<16 | 7}, {1 << 47, MaxClock - 1}, {math.MaxInt64, MaxClock - 1},
	} {
		if got := NewClock(tt.ms, 7); got != tt.want {
			t.Errorf("NewClock(%d, 7) = %d, want %d", tt.ms, got, tt.want)
		}
	}
}

func TestNextClock(t *testing.T) {
	now := ClockAt(vectorTime)
	for _, tt := range []struct{ prev, held, want Clock }{
		{0, 0, now},
		{now - 1, now - 1, now},
		{now, 0, now + 1},
		{0, now, now + 1},
		{now + 5, now + 9, now + 10},
		{now + 9, now + 5, now + 10},
		{0, now | 0xffff, (now | 0xffff) + 1}, // the counter overflows into the milliseconds
		{MaxClock - 1, 0, MaxClock},           // which the caller refuses
	} {
		if got := NextClock(vectorTime, tt.prev, tt.held); got != tt.want {
			t.Errorf("NextClock(prev %s, held %s) = %s, want %s", tt.prev, tt.held, got, tt.want)
		}
	}
}

func TestClockAhead(t *testing.T) {
	// A clock's milliseconds are cut off, so that this is the last moment that is not ahead.
	edge := vectorTime.Truncate(time.Millisecond)
	for add, want := range map[time.Duration]bool{
		-time.Hour: false, 0: false, MaxAhead: false, MaxAhead + time.Millisecond: true, 1000 * time.Hour: true,
	} {
		if got := ClockAt(edge.Add(add)).Ahead(edge); got != want {
			t.Errorf("a clock %v ahead: Ahead = %t", add, got)
		}
	}
	if !Clock(MaxClock - 1).Ahead(vectorTime) {
		t.Error("the greatest clock is not ahead")
	}
}
