package crdt

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt/clip"
)

// ErrNotTime is returned by [ParseTime] for a text that is not written as in RFC 3339.
var ErrNotTime = errors.New("expected a time as in RFC 3339")

// ParseTime reads a time as RFC 3339 writes it: with any offset, with letters of either case, with T or a
// space before the hours. It is what reads times everywhere: in the JSON form of an entry, in requests and
// in flags.
//
// In Go the zero time, 0001-01-01T00:00:00Z, means that there is no time, and programs print it where they
// have none. As a text it is refused, so that it is never taken for a time, nor for none. Decimals below a
// nanosecond are refused unless they are zero. A leap second, which can only be the last of a month, is
// the second after it, as it is to POSIX.
func ParseTime(s string) (time.Time, error) {
	b := []byte(s)
	if len(b) < len("2006-01-02T15:04:05Z") {
		return time.Time{}, notTime(s)
	}
	if b[10] == 't' || b[10] == ' ' {
		b[10] = 'T'
	}
	if last := len(b) - 1; b[last] == 'z' {
		b[last] = 'Z'
	}
	seconds := b[17:19]
	leap := string(seconds) == "60"
	if leap {
		copy(seconds, "59")
	}
	var t time.Time
	if err := t.UnmarshalText(b); err != nil || b[19] == ',' || !soundOffset(b) {
		return time.Time{}, notTime(s)
	}
	if leap {
		t = t.Add(time.Second)
		if utc := t.UTC(); utc.Day() != 1 || utc.Hour() != 0 || utc.Minute() != 0 {
			return time.Time{}, notTime(s)
		}
	}
	if _, decimals, ok := strings.Cut(s, "."); ok {
		digits := decimals[:strings.IndexAny(decimals, "zZ+-")]
		if len(strings.TrimRight(digits, "0")) > 9 {
			return time.Time{}, fmt.Errorf("%q: at most nine decimals are kept", clip.Text(s))
		}
	}
	if t.IsZero() {
		return time.Time{}, fmt.Errorf("%q: it is what Go prints where there is no time: leave it out", clip.Text(s))
	}
	return t, nil
}

func notTime(s string) error {
	return fmt.Errorf("%q: %w, such as 2024-05-01T12:00:00Z", clip.Text(s), ErrNotTime)
}

// soundOffset reports whether the offset from UTC at the end of a time is less than a day, which package
// time does not check.
func soundOffset(b []byte) bool {
	zone := b[len(b)-len("+00:00"):]
	return b[len(b)-1] == 'Z' || string(zone[1:3]) < "24" && string(zone[4:]) < "60"
}
