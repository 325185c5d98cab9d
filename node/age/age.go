// Package age reads and writes spans of time and moments as people say them, in flags, in quipu.yaml and
// over the HTTP interface.
//
// An [Age] is written with units, the larger ones first: "14d", "36h", "1d12h", "90m". A day is 24 hours.
// Below a day the units are those of package time, down to "ns". No time at all is "0".
package age

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Age is a span of time that is not negative.
type Age time.Duration

const (
	day     = 24 * time.Hour
	maxDays = uint64(math.MaxInt64 / day) // about 292 years
)

// Parse reads what [Age.String] writes, and any other order of a day's units that package time reads.
func Parse(s string) (Age, error) {
	wrong := fmt.Errorf("%q: expected an age, such as 14d, 36h or 0", s)
	days, rest, hasDays := strings.Cut(s, "d")
	if !hasDays {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 64)
	if err != nil || n > maxDays {
		return 0, wrong
	}
	var below time.Duration
	if rest != "" || !hasDays {
		if below, err = time.ParseDuration(rest); err != nil || below < 0 {
			return 0, wrong
		}
	}
	if sum := time.Duration(n)*day + below; sum >= 0 {
		return Age(sum), nil
	}
	return 0, wrong
}

// String returns the shortest form that [Parse] reads.
func (a Age) String() string {
	if a == 0 {
		return "0"
	}
	text := ""
	if days := time.Duration(a) / day; days > 0 {
		text = strconv.FormatInt(int64(days), 10) + "d"
	}
	rest := (time.Duration(a) % day).String()
	if rest == "0s" {
		return text
	}
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(rest, zero) {
			rest = rest[:len(rest)-2]
		}
	}
	return text + rest
}

// Rough returns a span, which is not negative, in the one unit that says it to a hundredth or so: "12s", "61m",
// "26h", "3650d".
func Rough(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return strconv.FormatInt(int64(d.Round(time.Second)/time.Second), 10) + "s"
	case d < 2*time.Hour:
		return strconv.FormatInt(int64(d.Round(time.Minute)/time.Minute), 10) + "m"
	case d < 2*day:
		return strconv.FormatInt(int64(d.Round(time.Hour)/time.Hour), 10) + "h"
	}
	return strconv.FormatInt(int64(d.Round(day)/day), 10) + "d"
}

// MarshalText returns what [Age.String] does.
func (a Age) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is [Parse].
func (a *Age) UnmarshalText(b []byte) (err error) {
	*a, err = Parse(string(b))
	return err
}
