package api

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/object"
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

var moveFields = object.Fields{
	Known:  []string{"subject", "to", "from", "trigger", "time", "module", "headers"},
	Needed: []string{"subject", "to"},
}

// ParseMove reads the JSON form of a move. A field that does not exist, and one that stands there
// twice, are errors.
func ParseMove(line []byte) (Move, error) {
	var m Move
	into := map[string]any{
		"subject": &m.Subject, "to": &m.To, "from": &m.From, "trigger": &m.Trigger, "module": &m.Module, "headers": &m.Headers,
	}
	err := moveFields.Read(line, func(name string, value []byte) error {
		if name != "time" {
			return jsonError(json.Unmarshal(value, into[name]))
		}
		text, err := object.Text(value)
		if err == nil {
			m.Time, err = crdt.ParseTime(text)
		}
		return err
	})
	if err != nil {
		return Move{}, err
	}
	return m, nil
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
