package analysis

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog"
)

// ErrJoin is wrapped by every error that says why a [Join] makes no sense.
var ErrJoin = errors.New("invalid join")

// LimitError is returned by [Join.Outcomes] when the starts that wait for an end need more memory than
// [Join.MaxBytes].
type LimitError struct {
	MaxBytes int
	Waiting  int // starts
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("join: %d starts wait for an end and take more than %d bytes: give a shorter maximum distance, fewer entries or more memory", e.Waiting, e.MaxBytes)
}

// Pairing says which start an end goes with, among the starts of its key that are not after it and not
// further away than [Join].Within. Ends choose in order of time.
type Pairing uint8

const (
	// Nearest pairs each end with the last start that no end has taken.
	Nearest Pairing = iota
	// Oldest pairs each end with the first start that no end has taken, as a queue does.
	Oldest
	// OneToMany pairs each end with the last start, whether others have taken it or not.
	OneToMany
)

// String returns "nearest", "oldest" or "one-to-many".
func (p Pairing) String() string { return enum.Text(p, "pairing", "nearest", "oldest", "one-to-many") }

// MarshalText returns the text form.
func (p Pairing) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Scale says which time of an entry counts.
type Scale uint8

const (
	// ByTime takes the event time, to the nanosecond. Of two entries at the same nanosecond a start
	// comes before an end.
	ByTime Scale = iota
	// ByClock takes the clock, to the millisecond, and orders entries causally; entries of one op share its
	// clock, and are ordered by seq. Nobody can set a clock below what its writer had seen, save what was
	// more than a minute ahead.
	ByClock
)

// String returns "time" or "clock".
func (s Scale) String() string { return enum.Text(s, "scale", "time", "clock") }

// MarshalText returns the text form.
func (s Scale) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Side is one side of a join.
type Side struct {
	// Kinds are the kinds of the side's entries; at least one. No kind is on both sides.
	Kinds []string
	// Key is where these entries have their key; the zero Key is the subject.
	Key Key
}

// Condition says which ends are a success. The zero Condition decides none. Kinds or Field is given, not
// both.
type Condition struct {
	// Kinds are the kinds of the end that are a success; its others are failures.
	Kinds []string
	// Field and Equals: an end is a success where the value at Field in its payload, as text, is Equals, a
	// failure where that is another, and undecided where there is no value. See [ParseKey] for the text of
	// a value; null is "null".
	Field  Pointer
	Equals string
}

// Number says which number goes along with a pair. The zero Number is none.
type Number struct {
	// Field is where the number stands in the payload: a JSON number, or a text that is one. It may have up
	// to [MaxDigits] digits.
	Field Pointer
	// AtStart says that the number is the start's, not the end's.
	AtStart bool
}

// Join says how entries are paired.
type Join struct {
	Start, End Side
	// Within is the greatest distance in time, included, from a start to its end. 0 is the greatest
	// possible, 292 years.
	Within time.Duration
	// Pairing says which start an end goes with; default [Nearest].
	Pairing Pairing
	// Scale says which time counts; default [ByTime].
	Scale Scale
	// Success says which ends are a success; default: undecided.
	Success Condition
	// Number says which number goes along with a pair; default none.
	Number Number
	// Window is how many entries are held back to be put in order of time; default [DefaultWindow].
	Window int
	// MaxBytes bounds the memory of the entries that wait, about 400 bytes and the texts of each; default
	// [DefaultMaxBytes].
	MaxBytes int
}

// Kinds returns the kinds of both sides: what a query has to take.
func (j Join) Kinds() []string { return slices.Concat(j.Start.Kinds, j.End.Kinds) }

// Outcomes pairs the entries and yields what became of each entry of one of the kinds; others are passed
// over. An outcome comes as soon as it is certain. Outcomes are those of the entries in order of time, save
// what came too [Late].
//
// The first error ends the iteration: one that wraps [ErrJoin] before anything is read, one that came with
// the entries, or a [*LimitError].
func (j Join) Outcomes(entries iter.Seq2[eventlog.Entry, error]) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		if err := j.Check(); err != nil {
			yield(Outcome{}, err)
			return
		}
		m := newMatcher(j.withDefaults(), func(o Outcome) bool { return yield(o, nil) })
		for e, err := range entries {
			if err == nil {
				err = m.add(&e)
			}
			if err != nil {
				m.fail(err, yield)
				return
			}
		}
		if err := m.finish(); err != nil {
			m.fail(err, yield)
		}
	}
}

// Check returns why j makes no sense, or nil. Errors wrap [ErrJoin].
func (j Join) Check() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrJoin}, args...)...)
	}
	switch {
	case len(j.Start.Kinds) == 0:
		return fail("no kind of entry is a start")
	case len(j.End.Kinds) == 0:
		return fail("no kind of entry is an end")
	case j.Within < 0:
		return fail("a maximum distance of %s: expected 0 for none, or more", j.Within)
	case j.Pairing > OneToMany:
		return fail("%s: expected nearest, oldest or one-to-many", j.Pairing)
	case j.Scale > ByClock:
		return fail("%s: expected time or clock", j.Scale)
	case j.Window < 0:
		return fail("a window of %d entries: expected 0 for the default, or more", j.Window)
	case j.MaxBytes < 0:
		return fail("%d bytes of memory: expected 0 for the default, or more", j.MaxBytes)
	case len(j.Success.Kinds) > 0 && !j.Success.Field.IsZero():
		return fail("success is told by kind or by field, not by both")
	}
	for _, kind := range j.Start.Kinds {
		if slices.Contains(j.End.Kinds, kind) {
			return fail("kind %q is both a start and an end", kind)
		}
	}
	for _, kind := range j.Success.Kinds {
		if !slices.Contains(j.End.Kinds, kind) {
			return fail("kind %q is a success, but no end", kind)
		}
	}
	return nil
}

func (j Join) withDefaults() Join {
	j.Within = cmp.Or(j.Within, math.MaxInt64)
	j.Window = cmp.Or(j.Window, DefaultWindow)
	j.MaxBytes = cmp.Or(j.MaxBytes, DefaultMaxBytes)
	return j
}
