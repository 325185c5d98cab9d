package crdt

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt/clip"
)

// Clock is a hybrid logical clock (Kulkarni et al., 2014): 48 bits of milliseconds since 1970 above
// 16 bits of counter. Along a chain of ops it only grows; across authors it orders what one writer
// had seen before what it wrote, where wall clocks are within [MaxAhead] of each other. Its text form is "MILLISECONDS.COUNTER".
type Clock uint64

// NewClock returns the clock of millisecond ms with the given counter. It saturates at the greatest
// clock the format allows and treats times before 1970 as 1970.
func NewClock(ms int64, counter uint16) Clock {
	if ms < 0 {
		return Clock(counter)
	}
	if ms >= MaxClock>>16 {
		return MaxClock - 1
	}
	return Clock(ms)<<16 | Clock(counter)
}

// ClockAt returns the first clock of t's millisecond.
func ClockAt(t time.Time) Clock { return NewClock(t.UnixMilli(), 0) }

// NextClock returns the clock of an op that is written at wall time now by a writer whose feed ends
// at prev and who holds no clock greater than held among those that are at most [MaxAhead] ahead:
// greater than both, and no less than now. The caller checks the result against [MaxClock]: a feed
// whose last clock is the greatest one has no next.
func NextClock(now time.Time, prev, held Clock) Clock {
	return max(ClockAt(now), prev+1, held+1)
}

// Millis returns the milliseconds since 1970.
func (c Clock) Millis() int64 { return int64(c >> 16) }

// Counter returns the counter within the millisecond.
func (c Clock) Counter() uint16 { return uint16(c) }

// Time returns the millisecond as a time in UTC.
func (c Clock) Time() time.Time { return time.UnixMilli(c.Millis()).UTC() }

// Ahead reports whether c is more than [MaxAhead] ahead of now. Such a clock is kept and shown, but
// moves nobody's.
func (c Clock) Ahead(now time.Time) bool { return c.Time().Sub(now) > MaxAhead }

// String returns the text form.
func (c Clock) String() string {
	return strconv.FormatInt(c.Millis(), 10) + "." + strconv.FormatUint(uint64(c.Counter()), 10)
}

// ParseClock reads the text form.
func ParseClock(s string) (Clock, error) {
	millis, counter, ok := strings.Cut(s, ".")
	if ok {
		ms, errMillis := strconv.ParseUint(millis, 10, 47)
		n, errCounter := strconv.ParseUint(counter, 10, 16)
		if c := Clock(ms<<16 | n); errMillis == nil && errCounter == nil && c.String() == s {
			return c, nil
		}
	}
	return 0, fmt.Errorf("clock %q: expected MILLISECONDS.COUNTER", clip.Text(s))
}

// MarshalText returns the text form.
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is [ParseClock].
func (c *Clock) UnmarshalText(text []byte) error {
	parsed, err := ParseClock(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}
