package transition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/nearest"
)

// The bounds of a transition, in bytes. The subject has those of every event.
const (
	MaxStage   = 255
	MaxTrigger = 1 << 10
)

// After names a transition: the place of its entry, with the whole id of its op.
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
func parsePayload(b []byte, strict bool) (payload, error) {
	var p payload
	if !utf8.Valid(b) {
		return p, errors.New("payload is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	known := []string{"from", "to", "trigger", "after"}
	err := eachField(dec, known, strict, func(name string) error {
		switch name {
		case "from":
			p.from = new(string)
			return decodeText(dec, p.from)
		case "to":
			return decodeText(dec, &p.to)
		case "trigger":
			return decodeText(dec, &p.trigger)
		}
		p.after = new(After)
		return p.after.decode(dec, strict)
	})
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			err = p.check()
		} else if err == nil {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		return payload{}, fmt.Errorf("payload: %w", err)
	}
	return p, nil
}

// decode reads an after, of which nothing may be left out.
func (a *After) decode(dec *json.Decoder, strict bool) error {
	seen := 0
	err := eachField(dec, []string{"author", "seq", "op"}, strict, func(name string) error {
		seen++
		switch name {
		case "author":
			return decodeHex(dec, &a.Author)
		case "seq":
			return decodeSeq(dec, &a.Seq)
		}
		return decodeHex(dec, &a.Op)
	})
	if err == nil && seen != 3 {
		err = errors.New("expected author, seq and op")
	}
	if err != nil {
		return fmt.Errorf("after: %w", err)
	}
	return nil
}

// eachField reads an object, calling field with each name once; field reads the value. A name that is not
// known is an error when strict, and else passed over with its value.
func eachField(dec *json.Decoder, known []string, strict bool, field func(name string) error) error {
	start, err := dec.Token()
	if err != nil {
		return noEOF(err)
	}
	if start != json.Delim('{') {
		return errors.New("expected an object")
	}
	seen := make(map[string]bool)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return noEOF(err)
		}
		name, _ := token.(string) // the decoder gives nothing else before a colon
		if seen[name] {
			return fmt.Errorf("field %q is there twice", clip(name))
		}
		seen[name] = true
		read := field
		if !slices.Contains(known, name) {
			if strict {
				return nearest.Unknown("field", name, known)
			}
			read = func(string) error { return dec.Decode(new(json.RawMessage)) }
		}
		if err := read(name); err != nil {
			return fmt.Errorf("field %q: %w", clip(name), noEOF(err))
		}
	}
	_, err = dec.Token()
	return noEOF(err)
}

// noEOF says what an end within the payload is.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func decodeText(dec *json.Decoder, s *string) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	text, ok := token.(string)
	if !ok {
		return errors.New("expected a text")
	}
	*s = text
	return nil
}

func decodeHex(dec *json.Decoder, v interface{ UnmarshalText([]byte) error }) error {
	var text string
	if err := decodeText(dec, &text); err != nil {
		return err
	}
	return v.UnmarshalText([]byte(text))
}

func decodeSeq(dec *json.Decoder, seq *uint64) error {
	if err := dec.Decode(seq); err != nil {
		return errors.New("expected a sequence number")
	}
	if *seq >= crdt.MaxSeq {
		return fmt.Errorf("%d: expected a sequence number below 2^53", *seq)
	}
	return nil
}

// clip shortens s for an error message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
