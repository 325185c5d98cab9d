package analysis

import (
	"errors"
	"fmt"
	"strings"

	"github.com/quipulog/quipu/eventlog"
)

// ErrKey is wrapped by the errors of [ParseKey].
var ErrKey = errors.New("invalid key")

// Key says where in an entry the text stands by which entries belong together. The zero Key is the subject.
// An entry whose text is empty or longer than [MaxKey] has no key.
type Key struct {
	from    keySource
	header  string
	pointer Pointer
}

type keySource uint8

const (
	fromSubject keySource = iota
	fromModule
	fromHeader
	fromPayload
)

const headerPrefix = "header:"

// ParseKey reads the text form: "subject", "module", "header:NAME", or a [Pointer] into the payload,
// whose value is a text, a number, true or false. A number counts as it is written: 1 and 1.0 are two
// keys, and 1 and "1" are one. Errors wrap [ErrKey] or [ErrPointer].
func ParseKey(s string) (Key, error) {
	switch {
	case s == "" || s == "subject":
		return Key{}, nil
	case s == "module":
		return Key{from: fromModule}, nil
	case strings.HasPrefix(s, headerPrefix) && len(s) > len(headerPrefix):
		return Key{from: fromHeader, header: s[len(headerPrefix):]}, nil
	case strings.HasPrefix(s, "/"):
		p, err := ParsePointer(s)
		return Key{from: fromPayload, pointer: p}, err
	}
	return Key{}, fmt.Errorf("%w %q: expected subject, module, header:NAME or a JSON pointer such as /id", ErrKey, s)
}

// String returns the text form.
func (k Key) String() string {
	switch k.from {
	case fromModule:
		return "module"
	case fromHeader:
		return headerPrefix + k.header
	case fromPayload:
		return k.pointer.String()
	}
	return "subject"
}

// of returns the key of e, which may share its memory, and whether it has one.
func (k Key) of(e *eventlog.Entry, doc *document) (string, bool) {
	text, null := "", false
	switch k.from {
	case fromSubject:
		text = e.Subject
	case fromModule:
		text = e.Module
	case fromHeader:
		text = e.Header(k.header)
	case fromPayload:
		text, null, _ = doc.text(k.pointer)
	}
	return text, text != "" && !null && len(text) <= MaxKey
}
