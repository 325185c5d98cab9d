package api

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt/nearest"
	"github.com/quipulog/quipu/node/age"
)

// Parameter is a parameter that a call takes in its URL.
type Parameter struct {
	Name string
	// About says what it is for, to people.
	About string
	// Many says that it may stand there more than once, OneOf which values it takes, where they are few.
	Many  bool
	OneOf []string
	// Type is the type of a value in a JSON schema; empty is a string.
	Type string
	// Default is what counts without it, in the form of a value.
	Default any
}

// CheckParameters refuses a name that is not among the parameters, which would otherwise be passed over and something
// else done than was asked for, and one that stands there twice where one value is wanted.
func CheckParameters(v url.Values, known []Parameter) error {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		i := slices.IndexFunc(known, func(p Parameter) bool { return p.Name == name })
		if i < 0 {
			names := make([]string, len(known))
			for i, p := range known {
				names[i] = p.Name
			}
			return nearest.Unknown("parameter", strings.ToValidUTF8(name, "?"), names)
		}
		if values := v[name]; len(values) > 1 && !known[i].Many {
			return fmt.Errorf("parameter %s: %q: one value is enough", name, values[1])
		}
	}
	return nil
}

// The parameters of a [Moment], as a URL names them.
const (
	paramClock    = "clock"
	paramEvent    = "event"
	paramFrontier = "frontier"
)

// StateParameters are those of a [StateQuery].
var StateParameters = []Parameter{
	{Name: ParamSubject, Many: true, About: "Of these subjects alone."},
	{Name: paramClock, About: "At this time, by the clocks of the ops: RFC 3339, a date, or an age such as 90m."},
	{Name: paramEvent, About: "At this time, by the event times, which are the writers' word."},
	{Name: paramFrontier, About: "With exactly the entries of this frontier: what GET /v1/frontier returns, in JSON. One that is too long for a URL goes in the body of the call of the same name below this one, /at."},
}

// Values returns the query as parameters of a URL.
func (q StateQuery) Values() url.Values {
	v := url.Values{}
	if len(q.Subjects) > 0 {
		v[ParamSubject] = q.Subjects
	}
	for name, at := range map[string]age.Time{paramClock: q.At.Clock, paramEvent: q.At.Event} {
		if !at.IsZero() {
			v.Set(name, at.Format(time.RFC3339Nano))
		}
	}
	return v
}

// ParseStateQuery reads the parameters of a [StateQuery].
func ParseStateQuery(v url.Values) (q StateQuery, err error) {
	q.Subjects = v[ParamSubject]
	for name, into := range map[string]*age.Time{paramClock: &q.At.Clock, paramEvent: &q.At.Event} {
		if !v.Has(name) {
			continue
		}
		if into.Time, err = age.ParseTime(v.Get(name), time.Now()); err != nil {
			return q, fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	if v.Has(paramFrontier) {
		q.At.Frontier = new(Frontier)
		if err = Decode([]byte(v.Get(paramFrontier)), q.At.Frontier); err != nil {
			err = fmt.Errorf("parameter %s: %w", paramFrontier, err)
		}
	}
	return q, err
}

// ProfileParameters are those of Go's profiles.
var ProfileParameters = []Parameter{
	{Name: "seconds", Type: "number", About: "For how long is looked: 30 for the processor, 1 for a trace."},
	{Name: "debug", Type: "integer", About: "1 or 2 for a text."},
	{Name: "gc", Type: "integer", About: "1 for the heap behind a collection."},
}
