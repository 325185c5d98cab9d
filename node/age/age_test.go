package age_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/node/age"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0d": 0, "0s": 0, "14d": 14 * 24 * time.Hour, "1d12h": 36 * time.Hour, "36h": 36 * time.Hour,
		"90m": 90 * time.Minute, "1.5s": 1500 * time.Millisecond, "106751d": 106751 * 24 * time.Hour,
	} {
		if got, err := age.Parse(text); err != nil || time.Duration(got) != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "14", "-1d", "-1h", "1d-1h", "1.5d", "1d1d", "106752d", "106751d24h", "99999999999999999999d", "two days"} {
		if got, err := age.Parse(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestString(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", 14 * 24 * time.Hour: "14d", 36 * time.Hour: "1d12h", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s",
		10 * time.Minute: "10m", 20 * time.Second: "20s",
	} {
		if got := age.Age(d).String(); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := age.Age(rapid.Int64Range(0, math.MaxInt64).Draw(t, "ns"))
		if back, err := age.Parse(a.String()); err != nil || back != a {
			t.Fatalf("%d is %q, which reads back as %d, %v", a, a, back, err)
		}
	})
}
