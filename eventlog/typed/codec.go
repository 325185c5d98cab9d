package typed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Codec turns values into payloads and back. It may be used by many goroutines at once.
//
// The payloads that Decode is given may be anything that anybody has written, up to
// [crdt.MaxPayload] bytes: what is not a payload of Encode's is an error, and never a panic.
type Codec[T any] interface {
	// ContentType returns the media type of the payloads, which is compared without its parameters.
	// Empty means application/json.
	ContentType() string
	// Encode returns the payload of v. Equal values have equal payloads.
	Encode(v T) ([]byte, error)
	// Decode reads a payload. The value shares no memory with it.
	Decode(payload []byte) (T, error)
}

const jsonType = "application/json"

// JSON is the codec that uses package encoding/json, without escaping for HTML. Keys of maps are
// sorted, so equal values have equal bytes unless a MarshalJSON of their own does otherwise.
//
// What encoding/json would change without a word is an error here: a value with a text that is not
// valid UTF-8, a value that encodes as null, a payload that is not valid UTF-8, a payload that is null
// where a value is expected. A field that a payload does not have, or has as null, stays zero as
// encoding/json has it: see [Declaration.Check].
type JSON[T any] struct {
	// Strict makes a field that T does not have an error. Otherwise such a field is left alone: a newer
	// program may have written it, and it can be read from the payload.
	Strict bool
}

var (
	errNull = errors.New("it is null, not a value")
	errUTF8 = errors.New("not valid UTF-8, which JSON must be")
)

// ContentType returns the empty text, which stands for application/json.
func (JSON[T]) ContentType() string { return "" }

// Encode returns v as JSON on one line.
func (JSON[T]) Encode(v T) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	payload := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	switch {
	case isNull(payload):
		return nil, errNull
	case hasReplacement(payload):
		return nil, errors.New("a text in it is not valid UTF-8: encode bytes as base64, as encoding/json does for []byte")
	}
	return payload, nil
}

// Decode reads one JSON value and nothing after it.
func (c JSON[T]) Decode(payload []byte) (v T, err error) {
	switch {
	case len(payload) == 0:
		return v, errors.New("it is empty: expected JSON")
	case !utf8.Valid(payload):
		return v, errUTF8
	case isNull(payload):
		return v, errNull
	}
	if c.Strict {
		v, err = decodeStrict[T](payload)
	} else {
		err = json.Unmarshal(payload, &v)
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}

func decodeStrict[T any](payload []byte) (v T, err error) {
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return v, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return v, fmt.Errorf("something follows the value, after %d bytes", dec.InputOffset())
	}
	return v, nil
}

func isNull(payload []byte) bool {
	return string(bytes.Trim(payload, " \t\r\n")) == "null"
}

// hasReplacement reports whether the encoder put an escape in the place of bytes that are not UTF-8.
// The character U+FFFD itself it writes as it is.
func hasReplacement(payload []byte) bool {
	escape := []byte(`\ufffd`)
	for rest := payload; ; {
		i := bytes.Index(rest, escape)
		if i < 0 {
			return false
		}
		// A backslash before it may be one that is escaped itself.
		before := rest[:i]
		if slashes := len(before) - len(bytes.TrimRight(before, `\`)); slashes%2 == 0 {
			return true
		}
		rest = rest[i+len(escape):]
	}
}

// sameType reports whether two content types name the same media type.
func sameType(a, b string) bool { return strings.EqualFold(mediaType(a), mediaType(b)) }

// mediaType returns a content type without its parameters (RFC 9110, section 8.3.1).
func mediaType(contentType string) string {
	if contentType == "" {
		return jsonType
	}
	media, _, _ := strings.Cut(contentType, ";")
	return strings.TrimSpace(media)
}
