package crdt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt/bom"
	"github.com/quipulog/quipu/crdt/object"
)

// CompactPayload takes the white space between the parts of a JSON payload away, and a byte order mark, so that the JSON form
// of the event shows it as payload, and not in base64. It is for what people and their tools have
// written; nothing that reads or appends events calls it unasked, since a payload is its writer's bytes.
//
// A payload is JSON when it is valid JSON and the content type says so: an empty one, application/json,
// text/json and every type that ends in +json (RFC 6839). Any other payload stays as it is.
func (e *Event) CompactPayload() {
	if !e.SaysJSON() {
		return
	}
	if text, err := bom.Strip(e.Payload); err == nil && object.Check(text) == nil {
		e.Payload = compactJSON(text)
	}
}

// SaysJSON reports whether the content type is one of JSON. Parameters, as in "application/json;
// charset=utf-8", and the case of letters make no difference.
func (e *Event) SaysJSON() bool {
	media, _, _ := strings.Cut(e.ContentType, ";")
	switch media = strings.ToLower(strings.TrimSpace(media)); media {
	case "", "application/json", "text/json":
		return true
	}
	return strings.HasSuffix(media, "+json")
}

// compactJSON returns valid JSON without the white space between its parts.
func compactJSON(b []byte) []byte {
	var compact bytes.Buffer
	compact.Grow(len(b))
	_ = json.Compact(&compact, b) // fails for what is not JSON alone
	return compact.Bytes()
}

func appendPayload(dst, payload []byte) []byte {
	if len(payload) == 0 {
		return dst
	}
	if utf8.Valid(payload) {
		buf := bytes.NewBuffer(append(dst, `,"payload":`...))
		at := buf.Len()
		if json.Compact(buf, payload) == nil && bytes.Equal(buf.Bytes()[at:], payload) {
			return buf.Bytes()
		}
	}
	dst = append(dst, `,"payloadBase64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, payload)
	return append(dst, '"')
}

// payload takes the payload by either of its names. An inline value was checked to be JSON.
func (r *eventReader) payload(name string, value []byte) error {
	if name == "payload" {
		r.Payload = compactJSON(value)
		return nil
	}
	text, err := object.Text(value)
	if err != nil {
		return err
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return fmt.Errorf("expected base64: %w", err)
	}
	if len(b) > 0 {
		r.Payload = b
	}
	return nil
}
