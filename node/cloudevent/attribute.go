package cloudevent

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/crdt/object"
)

// ErrInvalid is wrapped by the errors for what is no CloudEvent, or one that an event has no room for.
var ErrInvalid = errors.New("invalid CloudEvent")

// The headers of an event that attributes are in which it has no field for.
const (
	headerID     = "ce-id"
	headerSchema = "ce-dataschema"
)

// core are the names that CloudEvents itself gives a meaning.
var core = []string{"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data"}

// ours begins the names of the attributes that this package makes.
const ours = "quipu"

// event is a CloudEvent that is read.
type event struct {
	crdt.Event
	seen []string // the attributes that it has had
}

// attribute takes an attribute in its text form.
func (e *event) attribute(name, value string) error {
	err := e.take(name, value)
	if err == nil && slices.Contains(e.seen, name) {
		err = errors.New("it stands there twice")
	}
	if err != nil {
		return fmt.Errorf("%w: attribute %s: %w", ErrInvalid, clip.Text(name), err)
	}
	e.seen = append(e.seen, name)
	return nil
}

func (e *event) take(name, value string) (err error) {
	if !sayable(value) {
		return fmt.Errorf("%q has a control character, or is not valid UTF-8", clip.Text(value))
	}
	if slices.Contains(core, name) && value == "" {
		return errors.New("it is empty")
	}
	switch name {
	case "specversion":
		if value != "1.0" {
			return fmt.Errorf("%q: expected 1.0", clip.Text(value))
		}
	case "type":
		e.Kind = value
		return fits(value, crdt.MaxKind)
	case "source":
		e.Module = value
		if err := reference(value); err != nil {
			return err
		}
		return fits(value, crdt.MaxModule)
	case "subject":
		e.Subject = value
		return fits(value, crdt.MaxSubject)
	case "datacontenttype":
		e.ContentType = value
		return fits(value, crdt.MaxContentType)
	case "time":
		e.Time, err = crdt.ParseTime(value)
		e.Time = e.Time.UTC()
	case "id":
		e.header(headerID, value)
	case "dataschema":
		e.header(headerSchema, value)
		return reference(value)
	case "quipuretention":
		e.Retention, err = crdt.ParseRetention(value)
	case "quipuheaders":
		err = e.headers(value)
	case "quipuplace", "quipuclock", "quipuoffset":
	default:
		if !isExtension(name) {
			return errors.New("no extension has such a name: expected lower-case letters and digits, and not quipu before them")
		}
		e.header(name, value)
	}
	return err
}

func (e *event) header(name, value string) {
	e.Headers = append(e.Headers, crdt.EventHeader{Name: name, Value: value})
}

// headers takes headers that are no extensions.
func (e *event) headers(text string) error {
	if err := object.Check([]byte(text)); err != nil {
		return err
	}
	return object.Each([]byte(text), func(name string, value []byte) error {
		text, err := object.Text(value)
		e.header(name, text)
		return err
	})
}

// finish returns the event when all attributes are there.
func (e *event) finish() (crdt.Event, error) {
	for _, name := range []string{"specversion", "id", "source", "type"} {
		if !slices.Contains(e.seen, name) {
			return crdt.Event{}, fmt.Errorf("%w: attribute %s is missing", ErrInvalid, name)
		}
	}
	slices.SortFunc(e.Headers, func(a, b crdt.EventHeader) int { return strings.Compare(a.Name, b.Name) })
	return e.Event, nil
}

// isExtension reports whether an attribute of that name is an extension, and none of ours.
func isExtension(name string) bool {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return name != "" && !slices.Contains(core, name) && !strings.HasPrefix(name, ours)
}

// sayable reports whether a text may be the value of an attribute: it has no control characters, and no code points that
// are no characters.
func sayable(text string) bool {
	for _, r := range text {
		if r < 0x20 || r >= 0x7f && r <= 0x9f || r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef {
			return false
		}
	}
	return utf8.ValidString(text)
}

// fits says that a text is too long for where it would stand, or nil.
func fits(text string, most int) error {
	if len(text) > most {
		return fmt.Errorf("it has %d bytes, and an event has room for %d", len(text), most)
	}
	return nil
}

// reference says why a text is no URI reference, or nil.
func reference(text string) error {
	if _, err := url.Parse(text); err != nil || strings.ContainsAny(text, " \"<>\\^`{|}") {
		return fmt.Errorf("%q is no URI reference", clip.Text(text))
	}
	return nil
}
