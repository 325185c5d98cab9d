package age_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/age"
)

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 29, 22, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2024-05-01T12:00:00Z":      time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC),
		"2024-05-01 14:00:00+02:00": time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC),
		"2024-05-01":                time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC),
		"14d":                       now.AddDate(0, 0, -14),
		"90m":                       now.Add(-90 * time.Minute),
		"1d12h":                     now.Add(-36 * time.Hour),
		"0":                         now,
	} {
		if got, err := age.ParseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "2024", "2024-05", "2024-13-01", "2024-5-1", "01.05.2024", "-1h", "2024-05-01T12:00"} {
		got, err := age.ParseTime(text, now)
		if !errors.Is(err, crdt.ErrNotTime) || !strings.Contains(err.Error(), "RFC 3339, such as 2024-05-01T12:00:00Z, a date, such as 2024-05-01, or an age, such as 90m or 14d") {
			t.Errorf("%q: got %v, %v, want the forms that are read", text, got, err)
		}
	}
	for _, zero := range []string{"0001-01-01T00:00:00Z", "0001-01-01"} {
		if got, err := age.ParseTime(zero, now); err == nil || errors.Is(err, crdt.ErrNotTime) {
			t.Errorf("%q: got %v, %v, want a refusal of the zero time", zero, got, err)
		}
	}
}

func TestTimeJSON(t *testing.T) {
	type request struct {
		Before age.Time `json:"before,omitzero"`
	}
	for text, want := range map[string]string{
		`{}`:                      `{}`,
		`{"before":null}`:         `{}`,
		`{"before":"2024-05-01"}`: `{"before":"2024-05-01T00:00:00Z"}`,
		`{"before":"2024-05-01T12:00:00.5+02:00"}`: `{"before":"2024-05-01T12:00:00.5+02:00"}`,
	} {
		var r request
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got, err := json.Marshal(r); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{`{"before":"0001-01-01T00:00:00Z"}`, `{"before":""}`, `{"before":0}`, `{"before":"x"}`} {
		var r request
		if err := json.Unmarshal([]byte(text), &r); err == nil {
			t.Errorf("%s: got %v", text, r.Before)
		}
	}
}
