package crdt

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/crdt/object"
)

// ReservedPrefix begins the kinds that have a meaning to quipu itself.
const ReservedPrefix = "quipu."

// ErrEvent is wrapped by every error that says why an event cannot be an entry.
var ErrEvent = errors.New("invalid event")

// Event is what a program hands in. Only Kind is required. All text is valid UTF-8.
type Event struct {
	// Kind says what happened: 1 to 255 bytes. The prefix "quipu." is reserved.
	Kind string
	// Module is the part or instance of a program that says so: up to 255 bytes.
	Module string
	// Subject is what the event is about: up to 1 KiB.
	Subject string
	// Time is when it happened, to the nanosecond, in the years 1678 to 2262. Where an event is
	// appended, the zero time stands for the time of the call.
	Time time.Time
	// ContentType is the media type of Payload: up to 255 bytes. Empty means application/json, and
	// then a payload must be valid JSON to be appended.
	ContentType string
	// Headers are sorted by name, each name once, up to 4 KiB together.
	Headers []EventHeader
	// Payload is up to 1 MiB. It is kept byte for byte; JSON with white space between its parts is shown
	// in base64 to whoever reads JSON, see [Event.CompactPayload].
	Payload []byte
	// Retention says how long the event is kept.
	Retention Retention
}

// EventHeader is a named text beside an event: a CloudEvents attribute, a trace context, an
// idempotency key.
type EventHeader struct {
	Name, Value string
}

// Retention says how long an event is kept. All entries of an op share it.
type Retention uint8

const (
	// Persistent entries are kept until their author prunes them.
	Persistent Retention = 0
	// Trimmable entries may lose their body once they are old.
	Trimmable Retention = 1
	// Transient events are in no op and no log: they are told to whoever listens, see [Broadcast], and
	// kept nowhere.
	Transient Retention = 2
)

var retentions = []string{"persistent", "trimmable", "transient"}

// ParseRetention reads the text form.
func ParseRetention(s string) (Retention, error) {
	return enum.Parse[Retention](s, "retention", retentions...)
}

// String returns "persistent", "trimmable" or "transient".
func (r Retention) String() string { return enum.Text(r, "retention", retentions...) }

// Header returns the value of the header called name, or "".
func (e Event) Header(name string) string {
	for _, h := range e.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// Memory returns about how many bytes of memory the event takes, what its fields share with others
// included. Many short headers take several times as much as their text.
func (e *Event) Memory() int {
	const text = 8 // what an allocation of a short text is rounded up by
	n := int(unsafe.Sizeof(*e)) + len(e.Kind) + len(e.Module) + len(e.Subject) + len(e.ContentType) + cap(e.Payload)
	for _, h := range e.Headers {
		n += int(unsafe.Sizeof(h)) + len(h.Name) + len(h.Value) + 2*text
	}
	return n
}

// Reserved reports whether the event's kind has a meaning to quipu itself.
func (e Event) Reserved() bool { return strings.HasPrefix(e.Kind, ReservedPrefix) }

// Check says why e cannot be appended, or broadcast if it is transient, or nil. The rules for an entry that somebody else appended
// are the same but for the payload, which then may be anything. Every error wraps [ErrEvent].
func (e Event) Check() error { return e.check() }

func (e *Event) check() error {
	if err := e.checkFields(); err != nil {
		return fmt.Errorf("%w: %w", ErrEvent, err)
	}
	if e.ContentType == "" && len(e.Payload) > 0 {
		if err := object.Check(e.Payload); err != nil {
			return fmt.Errorf("%w: payload: %w; name another content type to append bytes as they are", ErrEvent, err)
		}
	}
	return nil
}

func (e *Event) checkFields() error {
	if e.Kind == "" {
		return errors.New("kind is empty: it says what happened")
	}
	switch {
	case !textFits(e.Kind, MaxKind):
		return textError("kind", e.Kind, MaxKind)
	case !textFits(e.Module, MaxModule):
		return textError("module", e.Module, MaxModule)
	case !textFits(e.Subject, MaxSubject):
		return textError("subject", e.Subject, MaxSubject)
	case !textFits(e.ContentType, MaxContentType):
		return textError("content type", e.ContentType, MaxContentType)
	}
	if len(e.Payload) > MaxPayload {
		return fmt.Errorf("payload has %d bytes, at most %d are allowed", len(e.Payload), MaxPayload)
	}
	if err := checkTime(e.Time); err != nil {
		return err
	}
	if e.Retention > Transient {
		return fmt.Errorf("%s: expected persistent, trimmable or transient", e.Retention)
	}
	if e.Retention != Persistent && e.Reserved() {
		return fmt.Errorf("kind %q is kept for ever: it cannot be %s", e.Kind, e.Retention)
	}
	return checkHeaders(e.Headers)
}

func textFits(text string, most int) bool { return len(text) <= most && utf8.ValidString(text) }

// textError says why a text does not fit.
func textError(name, text string, most int) error {
	if len(text) > most {
		return fmt.Errorf("%s has %d bytes, at most %d are allowed", name, len(text), most)
	}
	return fmt.Errorf("%s %q is not valid UTF-8", name, clip.Text(text))
}

// firstTime and lastTime bound the times that nanoseconds since 1970 can say in 64 bits.
var firstTime, lastTime = time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64)

// checkTime lets the zero time pass, which stands for a time that is not known yet.
func checkTime(t time.Time) error {
	if !t.IsZero() && (t.Before(firstTime) || t.After(lastTime)) {
		return fmt.Errorf("time %v: expected a time between %s and %s", t, firstTime.UTC().Format(time.DateOnly), lastTime.UTC().Format(time.DateOnly))
	}
	return nil
}

func checkHeaders(headers []EventHeader) error {
	size := 0
	for i, h := range headers {
		if h.Name == "" {
			return errors.New("a header has no name")
		}
		if !utf8.ValidString(h.Name) || !utf8.ValidString(h.Value) {
			return fmt.Errorf("header %q is not valid UTF-8", clip.Text(h.Name))
		}
		if i > 0 && headers[i-1].Name >= h.Name {
			return fmt.Errorf("header %q stands after %q: names are sorted, each once", clip.Text(h.Name), clip.Text(headers[i-1].Name))
		}
		size += len(h.Name) + len(h.Value)
	}
	if size > MaxHeaders {
		return fmt.Errorf("headers have %d bytes together, at most %d are allowed", size, MaxHeaders)
	}
	return nil
}

// Entry is an event in the log.
//
// Its strings and its payload may share memory with the op that it came from, which is never
// written again; do not write to the payload.
type Entry struct {
	Event
	Author Author
	Seq    uint64
	// Op is the id of the op that holds the entry.
	Op OpID
	// Clock is the clock of that op.
	Clock Clock
	// Disputed says that the entry is on a branch: its author has signed another op beside the
	// op's chain.
	Disputed bool
	// Gone is not 0 where the value stands for entries whose bodies are gone from where it was read:
	// that many, from Seq on. Then of the event only Retention is known.
	Gone uint64
}

// Place returns where e stands.
func (e Entry) Place() Place {
	p := Place{Author: e.Author, Seq: e.Seq}
	if e.Disputed {
		p.Branch = e.Op.Branch()
	}
	return p
}

// CompareEntries is the order of the log: by author, then seq, then op id.
func CompareEntries(a, b Entry) int {
	if c := a.Author.Compare(b.Author); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.Seq, b.Seq), compareBytes(a.Op[:], b.Op[:]))
}

// CompareCausal is causal order: by clock, then author, seq and op id. It is total, the same
// everywhere, and true to cause and effect wherever clocks are within [MaxAhead].
func CompareCausal(a, b Entry) int {
	if a.Clock != b.Clock {
		return cmp.Compare(a.Clock, b.Clock)
	}
	return CompareEntries(a, b)
}
