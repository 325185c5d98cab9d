package crdt

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/crdt/object"
)

// The one JSON form of an entry, in the order in which its fields are written:
//
//	author     64 hex digits                            op        64 hex digits
//	seq        a number                                 disputed  only when true
//	clock      a string, "MILLISECONDS.COUNTER": as a number it would pass 2^53
//	gone       only of entries whose bodies are gone: how many, from seq on; retention follows at once
//	time       RFC 3339 in UTC with nine decimals
//	kind, module, subject, contentType                  left out when empty
//	headers    an object of strings                     left out when empty
//	payload    the payload itself when it is UTF-8, JSON, and as compact as [json.Compact] makes it;
//	           else payloadBase64 (RFC 4648, section 4); an empty payload has neither
//	retention  "persistent" or "trimmable"; that of an event that was broadcast, "transient"
//	offset     a number, where it is local
//
// The payload's bytes survive the trip exactly, whatever they are. An event that was broadcast has the
// same form without seq, op, disputed and offset: it stands nowhere.
var (
	placeFields = []string{"author", "seq", "op", "disputed", "clock", "gone", "offset"}
	eventFields = []string{"time", "kind", "module", "subject", "contentType", "headers", "payload", "payloadBase64", "retention"}
	entryFields = object.Fields{Known: slices.Concat(placeFields, eventFields)}
)

const jsonTime = "2006-01-02T15:04:05.000000000Z"

// AppendJSON appends the JSON form of e to dst; offset is left out when nil.
func (e Entry) AppendJSON(dst []byte, offset *uint64) []byte {
	dst = append(dst, `{"author":"`...)
	dst = hex.AppendEncode(dst, e.Author[:])
	dst = append(dst, `","seq":`...)
	dst = strconv.AppendUint(dst, e.Seq, 10)
	dst = append(dst, `,"op":"`...)
	dst = hex.AppendEncode(dst, e.Op[:])
	dst = append(dst, '"')
	if e.Disputed {
		dst = append(dst, `,"disputed":true`...)
	}
	dst = append(dst, `,"clock":"`...)
	dst = append(dst, e.Clock.String()...)
	dst = append(dst, `",`...)
	if e.Gone > 0 {
		dst = strconv.AppendUint(append(dst, `"gone":`...), e.Gone, 10)
		dst = append(append(dst, `,"retention":"`...), e.Retention.String()...)
		dst = append(dst, '"')
	} else {
		dst = e.appendFields(dst)
	}
	if offset != nil {
		dst = append(dst, `,"offset":`...)
		dst = strconv.AppendUint(dst, *offset, 10)
	}
	return append(dst, '}')
}

// MarshalJSON returns what [Entry.AppendJSON] makes without an offset. A [json.Encoder] changes it
// unless it was told SetEscapeHTML(false): it escapes <, > and & within the payload too, whose bytes
// are then others, and it refuses a payload nested as deeply as JSON may be. AppendJSON does neither.
func (e Entry) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil, nil), nil }

// UnmarshalJSON is [ParseEntryJSON] without the offset.
func (e *Entry) UnmarshalJSON(b []byte) error {
	parsed, _, err := ParseEntryJSON(b)
	if err != nil {
		return err
	}
	*e = parsed
	return nil
}

// AppendJSON appends the event's part of the JSON form of an entry to dst: what [ParseEventJSON]
// reads. The time is left out when it is zero.
func (e Event) AppendJSON(dst []byte) []byte {
	return append(e.appendFields(append(dst, '{')), '}')
}

// MarshalJSON returns what [Event.AppendJSON] makes; see [Entry.MarshalJSON] for what [json.Encoder]
// does to it.
func (e Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// UnmarshalJSON is [ParseEventJSON].
func (e *Event) UnmarshalJSON(b []byte) error {
	parsed, err := ParseEventJSON(b)
	if err != nil {
		return err
	}
	*e = parsed
	return nil
}

func (e *Event) appendFields(dst []byte) []byte {
	if !e.Time.IsZero() {
		dst = append(dst, `"time":"`...)
		dst = e.Time.UTC().AppendFormat(dst, jsonTime)
		dst = append(dst, `",`...)
	}
	dst = append(dst, `"kind":`...)
	dst = appendText(dst, e.Kind)
	for _, f := range []struct{ name, text string }{
		{`,"module":`, e.Module}, {`,"subject":`, e.Subject}, {`,"contentType":`, e.ContentType},
	} {
		if f.text != "" {
			dst = appendText(append(dst, f.name...), f.text)
		}
	}
	for i, h := range e.Headers {
		if i == 0 {
			dst = append(dst, `,"headers":{`...)
		} else {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, h.Name), ':')
		dst = appendText(dst, h.Value)
	}
	if len(e.Headers) > 0 {
		dst = append(dst, '}')
	}
	dst = appendPayload(dst, e.Payload)
	dst = append(dst, `,"retention":"`...)
	dst = append(dst, e.Retention.String()...)
	return append(dst, '"')
}

// ParseEventJSON reads the event of a JSON form of an entry, as a program or a person writes it or
// [Entry.AppendJSON] made it. The fields that say where an entry stands are let pass and ignored;
// an unknown field, a field that stands there twice and a text that is not what JSON calls a string
// are errors. Headers may come in any order; an inline payload is taken without the white space
// between its parts. Without a time, the event's time is zero.
//
// The event is not checked against the limits: see [Event.Check]. It shares no memory with line.
// Errors wrap [ErrEvent].
func ParseEventJSON(line []byte) (Event, error) {
	var r eventReader
	err := entryFields.Read(line, func(name string, value []byte) error {
		if name == "gone" {
			return errors.New("the line stands for entries whose bodies are gone: there is nothing to append")
		}
		if slices.Contains(placeFields, name) {
			return nil
		}
		return r.field(name, value)
	})
	if err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	return r.Event, nil
}

// ParseEntryJSON reads the JSON form of an entry, and its offset if there is one, so that a client can
// read what a node prints. All that [Entry.AppendJSON] always writes must be there. Nothing is proven
// by it, so the author is not checked to be a usable key. Errors wrap [ErrEvent].
func ParseEntryJSON(line []byte) (e Entry, offset *uint64, err error) {
	var r eventReader
	missing := []string{"author", "seq", "op", "clock", "time", "kind"}
	err = entryFields.Read(line, func(name string, value []byte) error {
		missing = slices.DeleteFunc(missing, func(m string) bool { return m == name })
		if name == "offset" {
			n, err := object.Uint(value, 1<<63)
			offset = &n
			return err
		}
		if slices.Contains(placeFields, name) {
			return e.placeField(name, value)
		}
		return r.field(name, value)
	})
	if e.Gone > 0 {
		missing = slices.DeleteFunc(missing, func(m string) bool { return m == "time" || m == "kind" })
	}
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("field %q is missing", missing[0])
	}
	if err != nil {
		return Entry{}, nil, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	e.Event = r.Event
	return e, offset, nil
}

// placeField takes a field that says where the entry stands.
func (e *Entry) placeField(name string, value []byte) error {
	switch name {
	case "seq":
		var err error
		e.Seq, err = object.Uint(value, MaxSeq)
		return err
	case "gone":
		var err error
		e.Gone, err = object.Uint(value, MaxSeq)
		return err
	case "disputed":
		e.Disputed = string(value) == "true"
		if !e.Disputed && string(value) != "false" {
			return fmt.Errorf("expected true or false, got %s", clip.Text(string(value)))
		}
		return nil
	}
	text, err := object.Text(value)
	if err != nil {
		return err
	}
	switch name {
	case "author":
		return unmarshalHex(e.Author[:], []byte(text), "author")
	case "op":
		return e.Op.UnmarshalText([]byte(text))
	default:
		return e.Clock.UnmarshalText([]byte(text))
	}
}

// eventReader fills an event from the fields of its JSON form.
type eventReader struct {
	Event
	hasPayload bool // by either of its names
}

func (r *eventReader) field(name string, value []byte) error {
	switch name {
	case "payload", "payloadBase64":
		if r.hasPayload {
			return errors.New("payload and payloadBase64 stand for the same: give one of them")
		}
		r.hasPayload = true
		return r.payload(name, value)
	case "headers":
		var err error
		r.Headers, err = readHeaders(value)
		return err
	}
	text, err := object.Text(value)
	if err != nil {
		return err
	}
	switch name {
	case "time":
		if r.Time, err = ParseTime(text); err == nil {
			r.Time, err = r.Time.UTC(), checkTime(r.Time)
		}
	case "kind":
		r.Kind = text
	case "module":
		r.Module = text
	case "subject":
		r.Subject = text
	case "contentType":
		r.ContentType = text
	case "retention":
		r.Retention, err = ParseRetention(text)
	}
	return err
}

func readHeaders(value []byte) ([]EventHeader, error) {
	if value[0] != '{' {
		return nil, fmt.Errorf("expected an object of texts, got %s", clip.Text(string(value)))
	}
	var headers []EventHeader
	err := object.Each(value, func(name string, value []byte) error {
		text, err := object.Text(value)
		if err != nil {
			return fmt.Errorf("%q: %w", clip.Text(name), err)
		}
		headers = append(headers, EventHeader{Name: name, Value: text})
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(headers, func(a, b EventHeader) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(headers); i++ {
		if headers[i-1].Name == headers[i].Name {
			return nil, fmt.Errorf("%q stands there twice", clip.Text(headers[i].Name))
		}
	}
	return headers, nil
}

// appendText appends s as a JSON string. It escapes what JSON must escape, and the two line
// separators that some readers of lines stop at; <, > and & stand as they are.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r < 0x20 || r == 0x7f || r == '\u2028' || r == '\u2029':
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
