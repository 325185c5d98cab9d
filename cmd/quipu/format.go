package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt/enum"
)

// The formats that commands print in.
const (
	asTable  = "table"
	asText   = "text"
	asJSON   = "json"
	asNDJSON = "ndjson"
)

// entryHelp explains the JSON form of an entry.
const entryHelp = `An entry in JSON is one object, with the fields

  author, seq, op   who wrote it, its number in that feed, and the id of its op
  disputed          true on a branch of an author who has forked; else left out
  clock             of its op, as a text: "MILLISECONDS.COUNTER"
  time              when it happened: RFC 3339, in UTC, with nine decimals
  kind              what happened
  module, subject, contentType, headers
                    left out when empty; headers are an object of texts
  payload           the payload, where it is JSON without white space between its
                    parts, as append and transition write it
  payloadBase64     any other payload, in base64; an empty one has neither
  retention         persistent or trimmable, or transient where a tail heard it
  offset            its place in the order in which entries arrived at this node`

// choice is a flag that takes one of a few words.
type choice struct {
	value *string
	words []string
}

func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

func (c *choice) Type() string { return "word" }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.words, s) {
		return fmt.Errorf("expected %s", enum.OneOf(c.words))
	}
	*c.value = s
	return nil
}

// printJSON prints a value as indented JSON.
func printJSON(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}

// array prints JSON values as one array, each on a line of its own, as they come.
type array struct {
	w     io.Writer
	begun bool
}

func (a *array) add(value []byte) error {
	before := ",\n"
	if !a.begun {
		a.begun, before = true, "[\n"
	}
	if _, err := io.WriteString(a.w, before); err != nil {
		return err
	}
	_, err := a.w.Write(value)
	return err
}

func (a *array) end() error {
	after := "\n]\n"
	if !a.begun {
		after = "[]\n"
	}
	_, err := io.WriteString(a.w, after)
	return err
}

// printable returns s with every character that a terminal might act on, or that hides or turns others,
// written as an escape: control characters, the format characters that change the direction of text,
// line separators, and bytes that are no UTF-8. Texts in the log come from strangers.
func printable(s string) string {
	clean := true
	for _, r := range s {
		if !shown(r) {
			clean = false
			break
		}
	}
	if clean && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case shown(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// shown reports whether a terminal shows r as it is.
func shown(r rune) bool { return r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// count returns n with what it counts, in the plural unless n is 1.
func count(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if before, ends := strings.CutSuffix(what, "entry"); ends {
		what = before + "entrie"
	}
	return fmt.Sprintf("%d %ss", n, what)
}
