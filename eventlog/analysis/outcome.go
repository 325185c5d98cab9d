package analysis

import (
	"encoding/json"
	"time"

	"github.com/quipulog/quipu/crdt/enum"
)

// Verdict is what a join says of an entry.
type Verdict uint8

const (
	// Paired: Start and End belong together.
	Paired Verdict = iota
	// StartAlone: no end took Start.
	StartAlone
	// EndAlone: there was no start for End. If End is [Mark].Repeated, other ends had taken every start
	// that it could have had. If Start is set, it is the first start of End's key that came after End, no
	// further away than a pair may be: End seems to have come before its beginning.
	EndAlone
	// Late: the entry came when later entries had left the window. It took no part.
	Late
	// Keyless: the entry has no key. It took no part.
	Keyless
	// Displaced: there was no room to remember that Start has an end, so that another end of its key will
	// not be known to be repeated. The pair has an outcome of its own.
	Displaced
	// Overlooked: an EndAlone that was given up for want of room before it was known whether a start comes
	// after it.
	Overlooked
	// Gone: Outcome.Gone entries are not in the log any more, and nobody knows their kinds. Only a reading
	// that shows what is gone has it, see [eventlog.ShowGone].
	Gone
)

// String returns the verdict in a word: "paired", "start-alone", "end-alone", "late", "keyless",
// "displaced", "overlooked" or "gone".
func (v Verdict) String() string {
	return enum.Text(v, "verdict", "paired", "start-alone", "end-alone", "late", "keyless", "displaced", "overlooked", "gone")
}

// MarshalText returns the text form.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Outcome is what a join says of an entry, or of a pair.
type Outcome struct {
	Verdict Verdict
	// Start and End are the entries; a zero Mark stands for none.
	Start, End Mark
	// Latency is the time from Start to End of a pair, never negative.
	Latency time.Duration
	// Nth says which end of Start's this is, from 1 on. Only [OneToMany] has more than one.
	Nth uint64
	// Gone is how many entries are gone; 0 with another verdict than [Gone].
	Gone uint64
}

// MarshalJSON writes the outcome; that of a pair has the latency in nanoseconds, as a whole number.
func (o Outcome) MarshalJSON() ([]byte, error) {
	form := struct {
		Verdict Verdict        `json:"verdict"`
		Latency *time.Duration `json:"latencyNs,omitempty"`
		Number  string         `json:"number,omitempty"`
		Nth     uint64         `json:"nth,omitempty"`
		Gone    uint64         `json:"gone,omitempty"`
		Start   Mark           `json:"start,omitzero"`
		End     Mark           `json:"end,omitzero"`
	}{Verdict: o.Verdict, Nth: o.Nth, Gone: o.Gone, Start: o.Start, End: o.End}
	if o.Verdict == Paired {
		form.Latency, form.Number = &o.Latency, o.Number()
	}
	return json.Marshal(form)
}

// Number returns the number that goes along with the pair, as it is written, or "".
func (o *Outcome) Number() string {
	if o.Start.Number != "" {
		return o.Start.Number
	}
	return o.End.Number
}

// entry returns the entry that an outcome is about first: the start, where there is one and the end is
// not what was left alone.
func (o *Outcome) entry() *Mark {
	if o.Start.IsZero() || o.Verdict == EndAlone {
		return &o.End
	}
	return &o.Start
}

// alone makes the outcome of a single mark.
func alone(v Verdict, m *Mark) Outcome {
	if m.end {
		return Outcome{Verdict: v, End: *m}
	}
	return Outcome{Verdict: v, Start: *m}
}
