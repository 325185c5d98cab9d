package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// metering runs a meter for so many seconds of four steps each, and returns what it has written.
func metering(columns, seconds int, at func(step uint64) api.Progress) string {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	m := &meter{what: "verify", columns: columns, out: &out, close: func() {}, now: func() time.Time { return now }}
	m.next = now.Add(m.every())
	for step := range uint64(4*seconds + 1) {
		m.show(at(step))
		now = now.Add(time.Second / 4)
	}
	m.end()
	return out.String()
}

// TestMeterInAFile: a line every ten seconds, nothing for what ends sooner.
func TestMeterInAFile(t *testing.T) {
	entries := func(step uint64) api.Progress {
		return api.Progress{Done: step * 1000, Total: 240_000, Unit: "entries"}
	}
	if got := metering(0, 9, entries); got != "" {
		t.Errorf("nine seconds: %q", got)
	}
	const want = "verify: 40000 of 240000 entries (16%), 4000/s, 50s left\n" +
		"verify: 80000 of 240000 entries (33%), 4000/s, 40s left\n"
	if got := metering(0, 29, entries); got != want {
		t.Errorf("29 seconds:\n%swant\n%s", got, want)
	}
	unknown := func(step uint64) api.Progress { return api.Progress{Done: step * 1_000_000, Unit: api.Bytes} }
	if got := metering(0, 10, unknown); got != "verify: 40.0 MB, 4.0 MB/s\n" {
		t.Errorf("bytes without a total: %q", got)
	}
	still := func(uint64) api.Progress { return api.Progress{Done: 7, Total: 9, Unit: "ops"} }
	if got := metering(0, 10, still); got != "verify: 7 of 9 ops (77%)\n" {
		t.Errorf("standing still: %q", got)
	}
	beyond := func(uint64) api.Progress { return api.Progress{Done: 12, Total: 9, Unit: "ops"} }
	if got := metering(0, 10, beyond); got != "verify: 12 of 9 ops (100%)\n" {
		t.Errorf("beyond its total: %q", got)
	}
}

// TestMeterOnATerminal: one line that changes, never as wide as the terminal, and gone at the end.
func TestMeterOnATerminal(t *testing.T) {
	for _, columns := range []int{leastRoom, 60, 100, 200} {
		got := metering(columns, 20, func(step uint64) api.Progress {
			return api.Progress{Done: step * 1e6, Total: 80e6 - step%2*79_900_000, Unit: "entries"} // long and short words take turns
		})
		if strings.Contains(got, "\n") || strings.Count(got, "\r") < 40 {
			t.Fatalf("%d columns: %q", columns, got)
		}
		stands := []rune{}
		for _, draw := range strings.Split(got, "\r") {
			for i, r := range []rune(draw) {
				if i >= len(stands) {
					stands = append(stands, ' ')
				}
				stands[i] = r
			}
			if len(stands) >= columns {
				t.Fatalf("%d columns: %q stands on the terminal", columns, string(stands))
			}
			if rest := stands[len([]rune(draw)):]; strings.TrimSpace(string(rest)) != "" {
				t.Fatalf("%d columns: %q is left of an earlier line", columns, string(rest))
			}
		}
		if left := strings.TrimSpace(string(stands)); left != "" {
			t.Errorf("%d columns: %q is left at the end", columns, left)
		}
		bar := map[int]string{100: "[########........]  ", 200: "[############............]  "}[columns]
		if half := "verify  " + bar + "40000000 of 80000000 entries (50%)"; columns > leastRoom && !strings.Contains(got, half) {
			t.Errorf("%d columns: %q is not in %q", columns, half, got)
		}
	}
}
