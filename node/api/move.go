package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/nearest"
)

// Move is a transition to append.
type Move struct {
	// Subject is what moves; To is the stage it moves to.
	Subject string `json:"subject"`
	To      string `json:"to"`
	// From is the stage it moves from. Nil means the stage it is in.
	From *string `json:"from,omitempty"`
	// Trigger is what made it move, if that is worth a word.
	Trigger string `json:"trigger,omitempty"`
	// Time is when it moved. The zero time means now.
	Time time.Time `json:"time,omitzero"`
	// Module is the part or instance of a program that says so.
	Module string `json:"module,omitempty"`
	// Headers are texts beside the transition.
	Headers map[string]string `json:"headers,omitempty"`
}

var moveFields = []string{"subject", "to", "from", "trigger", "time", "module", "headers"}

// ParseMove reads the JSON form of a move. A field that does not exist, and one that stands there
// twice, are errors.
func ParseMove(line []byte) (Move, error) {
	if !utf8.Valid(line) {
		return Move{}, errors.New("not valid UTF-8, which JSON must be")
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	if token, err := dec.Token(); err != nil {
		return Move{}, jsonError(err)
	} else if token != json.Delim('{') {
		return Move{}, errors.New("expected a JSON object")
	}
	var m Move
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return Move{}, jsonError(err)
		}
		name, _ := token.(string)
		if !slices.Contains(moveFields, name) {
			return Move{}, nearest.Unknown("field", name, moveFields)
		}
		if seen[name] {
			return Move{}, fmt.Errorf("field %q stands there twice", name)
		}
		seen[name] = true
		if err := m.field(name, dec); err != nil {
			return Move{}, fmt.Errorf("field %q: %w", name, jsonError(err))
		}
	}
	if _, err := dec.Token(); err != nil {
		return Move{}, jsonError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Move{}, errors.New("more follows the JSON object")
	}
	for _, name := range []string{"subject", "to"} {
		if !seen[name] {
			return Move{}, fmt.Errorf("field %q is missing", name)
		}
	}
	return m, nil
}

func (m *Move) field(name string, dec *json.Decoder) error {
	switch name {
	case "subject":
		return dec.Decode(&m.Subject)
	case "to":
		return dec.Decode(&m.To)
	case "from":
		return dec.Decode(&m.From)
	case "trigger":
		return dec.Decode(&m.Trigger)
	case "module":
		return dec.Decode(&m.Module)
	case "headers":
		return dec.Decode(&m.Headers)
	}
	var text string
	if err := dec.Decode(&text); err != nil {
		return err
	}
	var err error
	m.Time, err = crdt.ParseTime(text)
	return err
}

// EventHeaders returns the headers sorted by name, as an event has them.
func (m Move) EventHeaders() []crdt.EventHeader {
	var headers []crdt.EventHeader
	for name, value := range m.Headers {
		headers = append(headers, crdt.EventHeader{Name: name, Value: value})
	}
	slices.SortFunc(headers, func(a, b crdt.EventHeader) int { return strings.Compare(a.Name, b.Name) })
	return headers
}
