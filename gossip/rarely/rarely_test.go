package rarely_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/quipulog/quipu/gossip/rarely"
)

var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

func TestOneOfEachKindInAMinute(t *testing.T) {
	var lines rarely.Lines[string]
	for _, step := range []struct {
		kind string
		at   time.Duration
		want bool
	}{
		{"a", 0, true}, {"a", 0, false}, {"b", time.Second, true}, {"a", time.Minute - 1, false},
		{"a", time.Minute, true}, {"b", time.Minute, false}, {"a", 2*time.Minute - 1, false}, {"a", 2 * time.Minute, true},
	} {
		if got := lines.Pass(step.kind, noon.Add(step.at)); got != step.want {
			t.Errorf("%s after %s: %t, want %t", step.kind, step.at, got, step.want)
		}
	}
}

func TestSomeInASpan(t *testing.T) {
	lines := rarely.Lines[int]{Most: 2, Span: time.Second}
	for i, want := range []slog.Level{slog.LevelWarn, slog.LevelWarn, slog.LevelDebug, slog.LevelWarn} {
		if got := lines.Level(slog.LevelWarn, 0, noon.Add(time.Duration(i)*time.Second/3)); got != want {
			t.Errorf("line %d: %s, want %s", i, got, want)
		}
	}
}

// Who makes up kinds gets as many lines in a minute as there are kinds remembered, and no memory beyond.
func TestKindsAreBounded(t *testing.T) {
	var lines rarely.Lines[int]
	for minute := range 3 {
		passed := 0
		for kind := range 1500 {
			if lines.Pass(minute*1500+kind, noon.Add(time.Duration(minute)*time.Minute)) {
				passed++
			}
		}
		if passed != 1024 {
			t.Errorf("minute %d: %d lines of made-up kinds, want 1024", minute, passed)
		}
	}
}

// A line that passes says how many of its kind were held back since the last one.
func TestLinesSayHowManyWereHeldBack(t *testing.T) {
	var lines rarely.Lines[string]
	for i, want := range []slog.Attr{{}, {}, {}, slog.Int("repeated", 2), {}} {
		at := []time.Duration{0, 1, 2, time.Minute, 2 * time.Minute}[i]
		lines.Pass("b", noon.Add(at))
		passed := lines.Pass("a", noon.Add(at))
		if passed != (i == 0 || i > 2) {
			t.Errorf("line %d: passed is %t", i, passed)
		}
		if got := lines.Repeated("a"); passed && !got.Equal(want) {
			t.Errorf("line %d: %v, want %v", i, got, want)
		}
	}
	if got := lines.Repeated("c"); !got.Equal(slog.Attr{}) {
		t.Errorf("of an unknown kind: %v", got)
	}
}
