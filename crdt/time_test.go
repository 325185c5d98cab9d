package crdt_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
)

func TestParseTime(t *testing.T) {
	noon := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2024-05-01T12:00:00Z":                 noon,
		"2024-05-01t12:00:00z":                 noon,
		"2024-05-01 12:00:00Z":                 noon,
		"2024-05-01 14:00:00+02:00":            noon,
		"2024-05-01T06:30:00.000-05:30":        noon,
		"2024-05-01T12:00:00-00:00":            noon,
		"2024-05-01T12:00:00.5Z":               noon.Add(time.Second / 2),
		"2024-05-01T12:00:00.123456789z":       noon.Add(123456789),
		"2024-05-01T12:00:00.12345678900000Z":  noon.Add(123456789),
		"2016-12-31T23:59:60Z":                 time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC),
		"1990-12-31T15:59:60.25-08:00":         time.Date(1991, 1, 1, 0, 0, 0, 250_000_000, time.UTC),
		"0001-01-01T00:00:00.000000001Z":       time.Time{}.Add(1),
		"0000-01-01T00:00:00Z":                 time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		"9999-12-31T23:59:59.999999999-23:59":  time.Date(10000, 1, 1, 23, 58, 59, 999999999, time.UTC),
		"2024-02-29T00:00:00Z":                 time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
		"2024-05-01T12:00:00.0000000000+00:00": noon,
	} {
		if got, err := crdt.ParseTime(text); err != nil || !got.Equal(want) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "now", "2024-05-01", "2024-05-01T12:00Z", "2024-05-01T12:00:00", "2024-05-01T1:00:00Z", "2024-05-01T12:00:00,5Z",
		"2024-05-01T12:00:00.Z", "2024-05-01_12:00:00Z", "2024-05-01T12:00:00+2:00", "2024-05-01T12:00:00+02", "2024-05-01T12:00:00+0200",
		"2023-02-29T00:00:00Z", "2024-05-01T24:00:00Z", "2024-05-01T12:00:61Z", "2024-05-01T12:00:60Z", "2016-12-30T23:59:60Z",
		"2016-12-31T23:59:60+01:00", " 2024-05-01T12:00:00Z", "2024-05-01T12:00:00Z ", "2024-05-01T12:00:00 Z", "10000-01-01T00:00:00Z",
		"2024-05-01T12:00:00+24:00", "2024-05-01T12:00:00+02:60", "\u01322024-05-01T12:00:00Z", "2024-05-01T12:00:\xff0Z",
	} {
		if got, err := crdt.ParseTime(text); !errors.Is(err, crdt.ErrNotTime) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, crdt.ErrNotTime)
		}
	}
	if _, err := crdt.ParseTime("2024-05-01T12:00:00.0000000001Z"); err == nil || !strings.Contains(err.Error(), "at most nine decimals") {
		t.Errorf("ten decimals: %v", err)
	}
}

// TestZeroTimeIsRefusedAsText: what Go prints where there is no time is neither a time nor none.
func TestZeroTimeIsRefusedAsText(t *testing.T) {
	for _, text := range []string{
		"0001-01-01T00:00:00Z", "0001-01-01t00:00:00.000z", "0001-01-01 00:00:00+00:00", "0001-01-01T05:30:00+05:30", "0000-12-31T16:00:00-08:00",
	} {
		if got, err := crdt.ParseTime(text); err == nil || errors.Is(err, crdt.ErrNotTime) || !strings.Contains(err.Error(), "leave it out") {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
		if e, err := crdt.ParseEventJSON([]byte(`{"kind":"k","time":"` + text + `"}`)); err == nil {
			t.Errorf("event at %q: got %v", text, e.Time)
		}
	}
}

func TestParseTimeReadsWhatGoWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", 60*rapid.IntRange(-23*60, 23*60).Draw(t, "minutes"))
		want := time.Unix(0, rapid.Int64().Draw(t, "ns")).In(zone)
		text := want.Format(rapid.SampledFrom([]string{time.RFC3339Nano, "2006-01-02 15:04:05.000000000Z07:00"}).Draw(t, "form"))
		if got, err := crdt.ParseTime(text); err != nil || !got.Equal(want) {
			t.Fatalf("%q: got %v, %v", text, got, err)
		}
	})
}
