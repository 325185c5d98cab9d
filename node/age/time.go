package age

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// ParseTime reads a time, which is written in one of three forms: as [crdt.ParseTime] reads it; as a date,
// "2024-05-01", which stands for its beginning in UTC; or as an age, "14d", which stands for so long before
// now. The error for what has none of them is [crdt.ErrNotTime].
func ParseTime(s string, now time.Time) (time.Time, error) {
	if a, err := Parse(s); err == nil {
		return now.Add(-time.Duration(a)), nil
	}
	text := s
	if len(s) == len(time.DateOnly) {
		text += "T00:00:00Z"
	}
	t, err := crdt.ParseTime(text)
	if errors.Is(err, crdt.ErrNotTime) {
		err = fmt.Errorf("%.80q: %w, such as 2024-05-01T12:00:00Z, a date, such as 2024-05-01, or an age, such as 90m or 14d", s, crdt.ErrNotTime)
	}
	return t, err
}

// Time is a time in the JSON form of a request. The zero Time means none; as a text it is refused, as
// [crdt.ParseTime] refuses it; null is none.
type Time struct{ time.Time }

// UnmarshalJSON reads what [ParseTime] does; an age counts from the time of the call.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return errors.New("expected a time as a text")
	}
	parsed, err := ParseTime(text, time.Now())
	if err == nil {
		t.Time = parsed
	}
	return err
}
