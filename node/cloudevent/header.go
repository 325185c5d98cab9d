package cloudevent

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
)

// headerPrefix begins the name of a header of a request that is an attribute.
const headerPrefix = "ce-"

// IsHeader reports whether the header of a request has attributes of a CloudEvent.
func IsHeader(header map[string][]string) bool {
	for name := range header {
		if strings.HasPrefix(strings.ToLower(name), headerPrefix) {
			return true
		}
	}
	return false
}

// FromHeader returns the event of a CloudEvent whose attributes are in the header of a request, and whose data is its body.
// The event keeps the body. What a header's value is says section 3.1.3 of the HTTP protocol binding: a quoted string is
// unquoted, and then what is percent-encoded is decoded.
func FromHeader(header map[string][]string, body []byte) (crdt.Event, error) {
	var e event
	for _, key := range slices.Sorted(maps.Keys(header)) {
		name, is := strings.CutPrefix(strings.ToLower(key), headerPrefix)
		value := header[key][0]
		var err error
		switch {
		case !is && name == "content-type":
			name = "datacontenttype"
		case !is:
			continue
		case name == "datacontenttype":
			err = errors.New("the header Content-Type says it")
		case len(header[key]) > 1:
			err = errors.New("it stands there twice")
		default:
			value, err = decodeValue(value)
		}
		if err != nil {
			return crdt.Event{}, fmt.Errorf("%w: header %s: %w", ErrInvalid, clip.Text(key), err)
		}
		if err := e.attribute(name, value); err != nil {
			return crdt.Event{}, err
		}
	}
	if len(body) > 0 {
		e.Payload = body
	}
	return e.finish()
}

// decodeValue returns the text that the value of a header stands for.
func decodeValue(value string) (string, error) {
	var plain strings.Builder
	quoted := false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted && i+1 < len(value):
			i++
			plain.WriteByte(value[i])
		default:
			plain.WriteByte(c)
		}
	}
	text, err := url.PathUnescape(plain.String())
	switch {
	case quoted:
		return "", fmt.Errorf("%q: a quote is not closed", clip.Text(value))
	case err != nil:
		return "", fmt.Errorf("%q: expected two hex digits behind each percent sign", clip.Text(value))
	case !utf8.ValidString(text):
		return "", fmt.Errorf("%q: what it stands for is not valid UTF-8", clip.Text(value))
	}
	return text, nil
}
