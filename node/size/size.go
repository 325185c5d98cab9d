// Package size reads and writes amounts of bytes as people say them, in flags and in quipu.yaml: "20GiB",
// "500MB", "4096". KiB, MiB, GiB and TiB are powers of 1,024; KB, MB, GB and TB are powers of 1,000.
package size

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size uint64

// units are the larger first, so that the first one that divides a size gives its shortest form.
var units = []struct {
	name  string
	bytes uint64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3},
}

// Parse reads a number with or without a unit.
func Parse(s string) (Size, error) {
	digits, each := s, uint64(1)
	for _, u := range units {
		if number, found := strings.CutSuffix(s, u.name); found {
			digits, each = strings.TrimSpace(number), u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	over, total := bits.Mul64(n, each)
	if err != nil || over > 0 {
		return 0, fmt.Errorf("%q: expected a size, such as 20GiB, 500MB or 4096", s)
	}
	return Size(total), nil
}

// String returns a form that [Parse] reads.
func (s Size) String() string {
	for _, u := range units {
		if s > 0 && uint64(s)%u.bytes == 0 {
			return strconv.FormatUint(uint64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatUint(uint64(s), 10)
}

// MarshalText returns what [Size.String] does.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is [Parse].
func (s *Size) UnmarshalText(b []byte) (err error) {
	*s, err = Parse(string(b))
	return err
}
