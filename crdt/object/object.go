// Package object reads JSON objects strictly: what people and other programs hand in as one, where a name
// that is not known, a name that stands there twice or half of a surrogate pair is a mistake to be told of.
// encoding/json would let all three pass.
//
// [Fields] says which members an object has and reads one; [Text] and [Uint] read the values of members,
// [Check] any value, and [Each] walks over an object whose names are not known beforehand. Nothing here
// knows what an object means, and no error shows more than the beginning of what it was given.
package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt/bom"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/crdt/nearest"
)

// Fields are the members of an object, each of which stands there once at most.
type Fields struct {
	// Known are their names.
	Known []string
	// Needed are those of Known that must be there.
	Needed []string
	// Others lets names that are not known pass, each once, with whatever value.
	Others bool
}

// Read reads the object that is all of b and calls field for each of its members that is known, in order,
// with the value as it stands in b.
func (f Fields) Read(b []byte, field func(name string, value []byte) error) error {
	seen := make([]bool, len(f.Known))
	others := map[string]bool{}
	err := Each(b, func(name string, value []byte) error {
		i := slices.Index(f.Known, name)
		switch {
		case i < 0 && !f.Others:
			return nearest.Unknown("field", name, f.Known)
		case i < 0 && !others[name]:
			others[name] = true
			return nil
		case i < 0 || seen[i]:
			return fmt.Errorf("field %q stands there twice", clip.Text(name))
		}
		seen[i] = true
		if err := field(name, value); err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range f.Needed {
		if !seen[slices.Index(f.Known, name)] {
			return fmt.Errorf("field %q is missing", name)
		}
	}
	return nil
}

// Each calls member for each member of the object that is all of b. Names may come twice.
func Each(b []byte, member func(name string, value []byte) error) error {
	w := walk{b: b}
	if w.space() != '{' {
		if w.at == len(b) {
			return errors.New("expected a JSON object: it is cut off")
		}
		return errors.New("expected a JSON object")
	}
	w.at++
	for first := true; ; first = false {
		c := w.space()
		if c == '}' {
			break
		}
		if !first {
			if c != ',' {
				return w.fail("expected a comma or the end of the object")
			}
			w.at++
			c = w.space()
		}
		if c != '"' {
			return w.fail("expected a name in quotes")
		}
		name, value, err := w.member()
		if err != nil {
			return err
		}
		if err := member(name, value); err != nil {
			return err
		}
	}
	w.at++
	if w.space(); w.at < len(w.b) {
		return w.fail("more follows the JSON value")
	}
	return nil
}

// walk goes over the members of an object. encoding/json is let near the single values only: for whole
// objects it takes several times as long.
type walk struct {
	b  []byte
	at int
}

// member takes a name, a colon and a value.
func (w *walk) member() (name string, value []byte, err error) {
	quoted, err := w.value()
	if err != nil {
		return "", nil, err
	}
	if name, err = Text(quoted); err != nil {
		return "", nil, err
	}
	if w.space() != ':' {
		return "", nil, w.fail("expected a colon after the name %q", clip.Text(name))
	}
	w.at++
	w.space()
	if value, err = w.value(); err != nil {
		return "", nil, fmt.Errorf("field %q: %w", clip.Text(name), err)
	}
	return name, value, nil
}

// space skips white space and returns the byte after it, 0 at the end.
func (w *walk) space() byte {
	for ; w.at < len(w.b); w.at++ {
		switch c := w.b[w.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (w *walk) fail(format string, args ...any) error {
	if w.at >= len(w.b) {
		return errors.New("not valid JSON: it is cut off")
	}
	return fmt.Errorf("not valid JSON at byte %d: %s", w.at, fmt.Sprintf(format, args...))
}

// value takes the JSON value that stands here.
func (w *walk) value() ([]byte, error) {
	from, depth := w.at, 0
	for ; w.at < len(w.b); w.at++ {
		c := w.b[w.at]
		if depth == 0 && (c == ',' || c == ':' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			break
		}
		switch c {
		case '"':
			w.at = endOfText(w.b, w.at)
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
	}
	// Brackets that do not match and all else that is wrong within the value are found here.
	value := w.b[from:min(w.at, len(w.b))]
	if w.at >= len(w.b) || len(value) == 0 {
		return nil, w.fail("expected a value")
	}
	if err := Check(value); err != nil {
		return nil, err
	}
	return value, nil
}

// endOfText returns where the quote stands that closes the one at from, or the end of b.
func endOfText(b []byte, from int) int {
	for i := from + 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(b)
}

// Text reads a valid JSON value that must be a string. It refuses an escape that stands for no
// character, half of a surrogate pair, which encoding/json would silently replace.
func Text(value []byte) (string, error) {
	if value[0] != '"' {
		return "", fmt.Errorf("expected a text, got %s", clip.Text(string(value)))
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1]), nil
	}
	if brokenEscape(value) {
		return "", fmt.Errorf("%s has half of a surrogate pair", clip.Text(string(value)))
	}
	var s string
	err := json.Unmarshal(value, &s)
	return s, err
}

// brokenEscape reports whether a valid JSON string has a \u escape that is half of a pair.
func brokenEscape(s []byte) bool {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return false
		}
		if s[i+1] != 'u' {
			s = s[i+2:]
			continue
		}
		r := hexRune(s[i+2:])
		s = s[i+6:]
		if !utf16.IsSurrogate(r) {
			continue
		}
		if !bytes.HasPrefix(s, []byte(`\u`)) || utf16.DecodeRune(r, hexRune(s[2:])) == utf8.RuneError {
			return true
		}
		s = s[6:]
	}
}

// hexRune returns the number that the first four digits of s write.
func hexRune(s []byte) rune {
	n, err := strconv.ParseUint(string(s[:4]), 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

// Uint reads a JSON number without sign, fraction or exponent that is below limit.
func Uint(value []byte, limit uint64) (uint64, error) {
	n, err := strconv.ParseUint(string(value), 10, 64)
	if err != nil || n >= limit {
		return 0, fmt.Errorf("expected a whole number below %d, got %s", limit, clip.Text(string(value)))
	}
	return n, nil
}

// Check says why b is not one JSON value. It is stricter than [json.Valid], which lets bytes that are not
// UTF-8 pass (RFC 8259, section 8.1).
func Check(b []byte) error {
	if utf8.Valid(b) && json.Valid(b) {
		return nil
	}
	if _, err := bom.Strip(b); err != nil {
		return err
	}
	if !utf8.Valid(b) {
		return errors.New("not valid UTF-8, which JSON must be")
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("not valid JSON: %w", err)
	}
	return errors.New("not valid JSON")
}
