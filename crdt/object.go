package crdt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt/nearest"
)

// object walks over the members of a JSON object. encoding/json is let near the single values only:
// for whole objects it has no way to see a name that comes twice, and takes several times as long.
type object struct {
	b  []byte
	at int
}

// readObject reads a JSON object from all of b and calls field for each of its members, in order,
// with the value as it stands in b. A name that is not in known, a name that comes twice and bytes
// that are not UTF-8 are errors, all of which encoding/json would let pass.
func readObject(b []byte, known []string, field func(name string, value []byte) error) error {
	seen := make([]bool, len(known))
	return eachMember(b, func(name string, value []byte) error {
		i := slices.Index(known, name)
		if i < 0 {
			return nearest.Unknown("field", name, known)
		}
		if seen[i] {
			return fmt.Errorf("field %q stands there twice", name)
		}
		seen[i] = true
		if err := field(name, value); err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
		return nil
	})
}

// eachMember calls member for each member of the JSON object that is all of b. Names may come twice.
func eachMember(b []byte, member func(name string, value []byte) error) error {
	o := object{b: b}
	if o.space() != '{' {
		return errors.New("expected a JSON object")
	}
	o.at++
	for first := true; ; first = false {
		c := o.space()
		if c == '}' {
			break
		}
		if !first {
			if c != ',' {
				return o.fail("expected a comma or the end of the object")
			}
			o.at++
			c = o.space()
		}
		if c != '"' {
			return o.fail("expected a name in quotes")
		}
		name, value, err := o.member()
		if err != nil {
			return err
		}
		if err := member(name, value); err != nil {
			return err
		}
	}
	o.at++
	if o.space(); o.at < len(o.b) {
		return o.fail("more follows the object")
	}
	return nil
}

// member takes a name, a colon and a value.
func (o *object) member() (name string, value []byte, err error) {
	quoted, err := o.value()
	if err != nil {
		return "", nil, err
	}
	if name, err = readText(quoted); err != nil {
		return "", nil, err
	}
	if o.space() != ':' {
		return "", nil, o.fail("expected a colon after the name %q", clip(name))
	}
	o.at++
	o.space()
	if value, err = o.value(); err != nil {
		return "", nil, fmt.Errorf("field %q: %w", clip(name), err)
	}
	return name, value, nil
}

// space skips white space and returns the byte after it, 0 at the end.
func (o *object) space() byte {
	for ; o.at < len(o.b); o.at++ {
		switch c := o.b[o.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (o *object) fail(format string, args ...any) error {
	if o.at >= len(o.b) {
		return errors.New("not valid JSON: it is cut off")
	}
	return fmt.Errorf("not valid JSON at byte %d: %s", o.at, fmt.Sprintf(format, args...))
}

// value takes the JSON value that stands here.
func (o *object) value() ([]byte, error) {
	from, depth := o.at, 0
	for ; o.at < len(o.b); o.at++ {
		c := o.b[o.at]
		if depth == 0 && (c == ',' || c == ':' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			break
		}
		switch c {
		case '"':
			o.at = endOfText(o.b, o.at)
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
	}
	// Brackets that do not match and all else that is wrong within the value are found here.
	value := o.b[from:min(o.at, len(o.b))]
	if o.at >= len(o.b) || len(value) == 0 {
		return nil, o.fail("expected a value")
	}
	if err := checkJSON(value); err != nil {
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

// readText reads a valid JSON value that must be a string. It refuses an escape that stands for no
// character, half of a surrogate pair, which encoding/json would silently replace.
func readText(value []byte) (string, error) {
	if value[0] != '"' {
		return "", fmt.Errorf("expected a text, got %s", clip(string(value)))
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1]), nil
	}
	if brokenEscape(value) {
		return "", fmt.Errorf("%s has half of a surrogate pair", clip(string(value)))
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

// readUint reads a JSON number without sign, fraction or exponent that is below limit.
func readUint(value []byte, limit uint64) (uint64, error) {
	n, err := strconv.ParseUint(string(value), 10, 64)
	if err != nil || n >= limit {
		return 0, fmt.Errorf("expected a whole number below %d, got %s", limit, clip(string(value)))
	}
	return n, nil
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
