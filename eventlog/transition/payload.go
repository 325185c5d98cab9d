package transition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/object"
)

// The bounds of a transition, in bytes. The subject has those of every event.
const (
	MaxStage   = 255
	MaxTrigger = 1 << 10
)

// After names a transition: by the place of its entry, with the whole id of its op.
type After struct {
	Author crdt.Author
	Seq    uint64
	Op     crdt.OpID
}

// IsZero reports whether a names no transition.
func (a After) IsZero() bool { return a == After{} }

// String returns AUTHOR/SEQ@BRANCH.
func (a After) String() string {
	return crdt.Place{Author: a.Author, Seq: a.Seq, Branch: a.Op.Branch()}.String()
}

// payload is what the payload of a transition says. A nil from was left out, as from and after may be
// in an event that is to be appended.
type payload struct {
	from    *string
	to      string
	trigger string
	after   *After
}

// encode returns the one form of the payload; a nil from is left out, for fillIn to fill in.
func (p *payload) encode() []byte {
	b := []byte{'{'}
	if p.from != nil {
		b = append(append(append(b, `"from":`...), quote(*p.from)...), ',')
	}
	b = append(append(b, `"to":`...), quote(p.to)...)
	if p.trigger != "" {
		b = append(append(b, `,"trigger":`...), quote(p.trigger)...)
	}
	if p.after != nil {
		b = fmt.Appendf(b, `,"after":{"author":"%s","seq":%d,"op":"%s"}`, p.after.Author, p.after.Seq, p.after.Op)
	}
	return append(b, '}')
}

// quote returns s as a JSON text, without escaping for HTML.
func quote(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a text can always be encoded, and a buffer always written
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// check holds the texts against their bounds.
func (p *payload) check() error {
	if p.to == "" {
		return errors.New("to is empty: it is the stage that the subject moves to")
	}
	from := ""
	if p.from != nil {
		from = *p.from
	}
	for _, f := range []struct {
		name, text string
		most       int
	}{{"from", from, MaxStage}, {"to", p.to, MaxStage}, {"trigger", p.trigger, MaxTrigger}} {
		if len(f.text) > f.most {
			return fmt.Errorf("%s has %d bytes, at most %d are allowed", f.name, len(f.text), f.most)
		}
		if !utf8.ValidString(f.text) {
			return fmt.Errorf("%s is not valid UTF-8", f.name)
		}
	}
	return nil
}

// parsePayload reads a payload. Fields may stand in any order, each once. What is not a field of a
// transition is an error when strict, and else left alone: a later version may know it.
func parsePayload(b []byte, strict bool, checked authors) (payload, error) {
	var p payload
	fields := object.Fields{Known: []string{"from", "to", "trigger", "after"}, Others: !strict}
	err := fields.Read(b, func(name string, value []byte) (err error) {
		switch name {
		case "from":
			p.from = new(string)
			*p.from, err = object.Text(value)
		case "to":
			p.to, err = object.Text(value)
		case "trigger":
			p.trigger, err = object.Text(value)
		case "after":
			p.after = new(After)
			err = p.after.read(value, strict, checked)
		}
		return err
	})
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return payload{}, fmt.Errorf("payload: %w", err)
	}
	return p, nil
}

// read reads an after, of which nothing may be left out.
func (a *After) read(b []byte, strict bool, checked authors) error {
	known := []string{"author", "seq", "op"}
	return object.Fields{Known: known, Needed: known, Others: !strict}.Read(b, func(name string, value []byte) (err error) {
		if name == "seq" {
			a.Seq, err = object.Uint(value, crdt.MaxSeq)
			return err
		}
		text, err := object.Text(value)
		switch {
		case err != nil:
			return err
		case name == "author":
			a.Author, err = checked.parse(text)
			return err
		}
		return a.Op.UnmarshalText([]byte(text))
	})
}

// authors are those whose text was checked: that costs several times what all else of a transition does. Nil ones
// remember none.
type authors map[string]crdt.Author

const maxAuthors = 1 << 12 // that are remembered

func (c authors) parse(text string) (crdt.Author, error) {
	if a, known := c[text]; known {
		return a, nil
	}
	a, err := crdt.ParseAuthor(text)
	if err == nil && c != nil {
		if len(c) == maxAuthors {
			clear(c)
		}
		c[text] = a
	}
	return a, err
}
