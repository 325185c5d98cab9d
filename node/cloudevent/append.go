package cloudevent

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
)

// Append appends an entry as a CloudEvent in the JSON form. Offset is the entry's. What cannot be told as one is an error
// that wraps [ErrInvalid], and nothing is appended.
func Append(b []byte, e *crdt.Entry, offset uint64) ([]byte, error) {
	if e.Gone > 0 {
		return b, fmt.Errorf("%w: entry %s is gone: there is nothing to tell", ErrInvalid, e.Place())
	}
	for _, f := range []struct{ field, text string }{{"kind", e.Kind}, {"subject", e.Subject}, {"content type", e.ContentType}} {
		if !sayable(f.text) {
			return b, fmt.Errorf("%w: entry %s: %s %q has a control character, which a CloudEvent cannot have", ErrInvalid, e.Place(), f.field, clip.Text(f.text))
		}
	}
	w := members{append(b, '{')}
	w.text("specversion", "1.0")
	id, others := e.Place().String(), map[string]string{}
	for _, h := range e.Headers {
		switch {
		case h.Name == headerID && h.Value != "" && sayable(h.Value):
			id = h.Value
		case h.Name == headerSchema && h.Value != "" && sayable(h.Value) && reference(h.Value) == nil:
			w.text("dataschema", h.Value)
		case isExtension(h.Name) && sayable(h.Value):
			w.text(h.Name, h.Value)
		default:
			others[h.Name] = h.Value
		}
	}
	w.text("id", id)
	w.text("source", sourceOf(e))
	w.text("type", e.Kind)
	if e.Subject != "" {
		w.text("subject", e.Subject)
	}
	w.text("time", e.Time.UTC().Format(time.RFC3339Nano))
	if e.ContentType != "" {
		w.text("datacontenttype", e.ContentType)
	}
	if e.Retention != crdt.Persistent {
		w.text("quipuretention", e.Retention.String())
	}
	if len(others) > 0 {
		w.text("quipuheaders", plainJSON(others))
	}
	w.text("quipuplace", e.Place().String())
	w.text("quipuclock", e.Clock.String())
	w.text("quipuoffset", strconv.FormatUint(offset, 10))
	w.data(&e.Event)
	return append(w.b, '}'), nil
}

// sourceOf returns the source of an entry.
func sourceOf(e *crdt.Entry) string {
	switch {
	case e.Module == "":
		return "quipu:" + e.Author.String()
	case sayable(e.Module) && reference(e.Module) == nil:
		return e.Module
	}
	return strings.ReplaceAll(url.QueryEscape(e.Module), "+", "%20")
}

// plainJSON returns texts as a JSON object in ASCII without control characters.
func plainJSON(texts map[string]string) string {
	b, err := json.Marshal(texts)
	if err != nil {
		panic(err) // texts are always sayable in JSON
	}
	var plain []byte
	for _, r := range string(b) {
		switch {
		case r < 0x7f:
			plain = append(plain, byte(r))
		case r < 0x10000:
			plain = fmt.Appendf(plain, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			plain = fmt.Appendf(plain, `\u%04x\u%04x`, high, low)
		}
	}
	return string(plain)
}

// members is a JSON object that is written, up to its end.
type members struct{ b []byte }

func (o *members) name(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(strconv.AppendQuote(o.b, name), ':')
}

func (o *members) text(name, text string) {
	o.name(name)
	o.b = appendText(o.b, text)
}

func appendText(b []byte, text string) []byte {
	var quoted bytes.Buffer
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		panic(err) // texts are always sayable in JSON
	}
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}

// data writes the payload: JSON and texts as they are, where they come back byte for byte.
func (o *members) data(e *crdt.Event) {
	var compact bytes.Buffer
	switch {
	case len(e.Payload) == 0:
	case e.SaysJSON() && utf8.Valid(e.Payload) && json.Compact(&compact, e.Payload) == nil && bytes.Equal(compact.Bytes(), e.Payload):
		o.name("data")
		o.b = append(o.b, e.Payload...)
	case !e.SaysJSON() && strings.HasPrefix(strings.ToLower(e.ContentType), "text/") && utf8.Valid(e.Payload):
		o.text("data", string(e.Payload))
	default:
		o.name("data_base64")
		o.b = append(o.b, '"')
		o.b = append(base64.StdEncoding.AppendEncode(o.b, e.Payload), '"')
	}
}
