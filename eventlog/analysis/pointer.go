package analysis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrPointer is wrapped by the errors of [ParsePointer].
var ErrPointer = errors.New("invalid JSON pointer")

// Pointer is a JSON pointer (RFC 6901): where in a payload a value stands. The zero Pointer is none. The
// pointer to a whole document is not allowed.
type Pointer struct {
	text   string
	tokens []string
}

// ParsePointer reads the text form: "/fee", "/items/0/id", with "~1" for a slash in a name and "~0" for
// a tilde. Errors wrap [ErrPointer].
func ParsePointer(s string) (Pointer, error) {
	if !strings.HasPrefix(s, "/") {
		return Pointer{}, fmt.Errorf("%w %q: expected a slash and a name, such as /fee", ErrPointer, s)
	}
	tokens := strings.Split(s[1:], "/")
	for i, token := range tokens {
		rest := strings.NewReplacer("~0", "", "~1", "").Replace(token)
		if strings.Contains(rest, "~") {
			return Pointer{}, fmt.Errorf("%w %q: after ~ expected 0 or 1", ErrPointer, s)
		}
		// In this order, so that ~01 is ~1 and not a slash (RFC 6901, section 4).
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return Pointer{text: s, tokens: tokens}, nil
}

// String returns the text form.
func (p Pointer) String() string { return p.text }

// IsZero reports whether p is no pointer.
func (p Pointer) IsZero() bool { return p.text == "" }

// Find returns the value that p points to, as it stands in doc, whose memory it shares. Nothing is found
// where doc is no JSON, has no such value, or has an object with the name twice, whose meaning RFC 6901
// leaves open.
func (p Pointer) Find(doc []byte) (value []byte, found bool) {
	if p.IsZero() || !json.Valid(doc) {
		return nil, false
	}
	return p.find(doc)
}

// find is Find in a document that is valid JSON.
func (p Pointer) find(doc []byte) ([]byte, bool) {
	at := space(doc, 0)
	value := doc[at:valueEnd(doc, at)]
	for _, token := range p.tokens {
		found := false
		switch value[0] {
		case '{':
			value, found = member(value, token)
		case '[':
			value, found = element(value, token)
		}
		if !found {
			return nil, false
		}
	}
	return value, true
}

// member returns the value of the one member of the object that has the name.
func member(object []byte, name string) (value []byte, found bool) {
	for at := space(object, 1); object[at] != '}'; at = space(object, at) {
		if object[at] == ',' {
			at = space(object, at+1)
		}
		end := valueEnd(object, at)
		is := nameIs(object[at:end], name)
		at = space(object, space(object, end)+1) // past the colon
		end = valueEnd(object, at)
		if is && found {
			return nil, false
		}
		if is {
			value, found = object[at:end], true
		}
		at = end
	}
	return value, found
}

// element returns the element of the array that the index names: digits without a leading zero.
func element(array []byte, index string) (value []byte, found bool) {
	want, err := strconv.ParseUint(index, 10, 32)
	if err != nil || index != strconv.FormatUint(want, 10) {
		return nil, false
	}
	n := uint64(0)
	for at := space(array, 1); array[at] != ']'; at = space(array, at) {
		if array[at] == ',' {
			at = space(array, at+1)
		}
		end := valueEnd(array, at)
		if n == want {
			return array[at:end], true
		}
		n++
		at = end
	}
	return nil, false
}

// nameIs reports whether a text of JSON, in its quotes, is name.
func nameIs(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == name
	}
	text, ok := unquote(quoted)
	return ok && text == name
}

func unquote(quoted []byte) (text string, ok bool) {
	return text, json.Unmarshal(quoted, &text) == nil
}

// space returns the first place in b from at on that is no white space.
func space(b []byte, at int) int {
	for at < len(b) && (b[at] == ' ' || b[at] == '\t' || b[at] == '\n' || b[at] == '\r') {
		at++
	}
	return at
}

// valueEnd returns where the value ends that begins at at. b is valid JSON.
func valueEnd(b []byte, at int) int {
	depth := 0
	for ; at < len(b); at++ {
		switch b[at] {
		case '"':
			at = textEnd(b, at) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ',', ':', ' ', '\t', '\n', '\r':
			continue
		default:
			for at+1 < len(b) && bytes.IndexByte([]byte(",:]} \t\n\r"), b[at+1]) < 0 {
				at++
			}
		}
		if depth == 0 {
			return at + 1
		}
	}
	return at
}

// textEnd returns where the text ends whose first quote is at at.
func textEnd(b []byte, at int) int {
	for at++; b[at] != '"'; at++ {
		if b[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// document is a payload in which several pointers look; it is checked to be JSON once, when the first
// one does.
type document struct {
	payload        []byte
	checked, valid bool
}

// text returns the value that p points to as text: what a text says, and a number, true, false or null
// as it is written. Objects and arrays have none.
func (d *document) text(p Pointer) (text string, null, ok bool) {
	if !d.checked {
		d.checked, d.valid = true, json.Valid(d.payload)
	}
	if !d.valid {
		return "", false, false
	}
	value, found := p.find(d.payload)
	if !found {
		return "", false, false
	}
	switch value[0] {
	case '{', '[':
		return "", false, false
	case '"':
		if bytes.IndexByte(value, '\\') < 0 {
			return string(value[1 : len(value)-1]), false, true
		}
		text, ok = unquote(value)
		return text, false, ok
	}
	return string(value), value[0] == 'n', true
}
