package analysis

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog"
)

// Success says how an end went.
type Success uint8

const (
	// Undecided ends say nothing, or nobody asked.
	Undecided Success = iota
	// Succeeded ends fulfil the condition.
	Succeeded
	// Failed ends do not.
	Failed
)

// String returns "undecided", "succeeded" or "failed".
func (s Success) String() string { return enum.Text(s, "success", "undecided", "succeeded", "failed") }

// MarshalText returns the text form.
func (s Success) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Mark is an entry as a join keeps it, without its payload. It shares no memory with the entry.
type Mark struct {
	// Place is where the entry stands.
	Place crdt.Place `json:"place"`
	// Kind and Module are the entry's; Key is what it is paired by, "" where it has none.
	Kind   string `json:"kind"`
	Module string `json:"module,omitempty"`
	Key    string `json:"key,omitempty"`
	// Time is the event time, Clock the clock.
	Time  time.Time  `json:"time"`
	Clock crdt.Clock `json:"clock"`
	// Number is the number that stands in the payload as it is written, "" where there is none.
	Number string `json:"number,omitempty"`
	// Success says how an end went.
	Success Success `json:"success,omitzero"`
	// Repeated says of a start that another start of its key was waiting when it came, and of an end that
	// every start that it could have had was taken.
	Repeated bool `json:"repeated,omitempty"`

	at  uint64 // what entries are ordered by, see instant
	end bool
}

// IsZero reports whether there is no such entry.
func (m Mark) IsZero() bool { return m.Kind == "" }

// mark makes the mark of an entry that has one of the kinds.
func (j *Join) mark(e *eventlog.Entry) (m *Mark, ok bool) {
	isStart := slices.Contains(j.Start.Kinds, e.Kind)
	if !isStart && !slices.Contains(j.End.Kinds, e.Kind) {
		return nil, false
	}
	m = &Mark{
		Place: e.Place(), Kind: strings.Clone(e.Kind), Module: strings.Clone(e.Module),
		Time: e.Time, Clock: e.Clock, at: j.instant(e), end: !isStart,
	}
	doc := document{payload: e.Payload}
	side := &j.Start
	if m.end {
		side = &j.End
		m.Success = j.Success.of(e, &doc)
	}
	if key, has := side.Key.of(e, &doc); has {
		m.Key = strings.Clone(key)
	}
	if !j.Number.Field.IsZero() && j.Number.AtStart == isStart {
		if text, _, _ := doc.text(j.Number.Field); isNumber(text) {
			m.Number = text
		}
	}
	return m, true
}

func isNumber(text string) bool {
	_, ok := parseDecimal(text)
	return ok
}

func (c *Condition) of(e *eventlog.Entry, doc *document) Success {
	fulfilled := false
	switch {
	case len(c.Kinds) > 0:
		fulfilled = slices.Contains(c.Kinds, e.Kind)
	case c.Field.IsZero():
		return Undecided
	default:
		text, _, found := doc.text(c.Field)
		if !found {
			return Undecided
		}
		fulfilled = text == c.Equals
	}
	if fulfilled {
		return Succeeded
	}
	return Failed
}

// instant returns a number that grows with the entry's time on the join's scale: nanoseconds from the
// least there are, or the clock.
func (j *Join) instant(e *eventlog.Entry) uint64 {
	if j.Scale == ByClock {
		return uint64(e.Clock)
	}
	return uint64(e.Time.UnixNano()) ^ 1<<63
}

// distance returns the nanoseconds from instant a to instant b, which is not before it.
func (j *Join) distance(a, b uint64) uint64 {
	if j.Scale != ByClock {
		return b - a
	}
	millis := uint64(crdt.Clock(b).Millis() - crdt.Clock(a).Millis())
	if millis > math.MaxInt64/uint64(time.Millisecond) {
		return unbounded
	}
	return millis * uint64(time.Millisecond)
}

// compare is the order in which marks are paired. It is total.
func (j *Join) compare(a, b *Mark) int {
	if a.at != b.at {
		return cmp.Compare(a.at, b.at)
	}
	if j.Scale == ByTime && a.end != b.end {
		if b.end {
			return -1
		}
		return 1
	}
	return comparePlaces(a, b)
}

// comparePlaces is author order.
func comparePlaces(a, b *Mark) int {
	return cmp.Or(a.Place.Author.Compare(b.Place.Author), cmp.Compare(a.Place.Seq, b.Place.Seq),
		bytes.Compare(a.Place.Branch[:], b.Place.Branch[:]))
}

// bytes returns what m takes while it waits.
func (m *Mark) bytes() int {
	return markBytes + len(m.Kind) + len(m.Module) + len(m.Key) + len(m.Number)
}
