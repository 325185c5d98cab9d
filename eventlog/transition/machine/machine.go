package machine

import (
	"slices"

	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/crdt/nearest"
)

// Any stands in a [Move] for every state that is not terminal.
const Any = "*"

// Machine is the states of a subject and its allowed moves. Its methods, but for [Machine.Validate] and
// [Machine.Problems], are for a valid machine. The JSON form has a field for each field, in lower case.
type Machine struct {
	// Name and About are for people: what the machine is called, and what it is for.
	Name  string `json:"name,omitempty"`
	About string `json:"about,omitempty"`
	// States are the stages that there are, at least one.
	States []State `json:"states"`
	// Moves are the moves that are allowed.
	Moves []Move `json:"moves"`
	// Initial are the states in which a subject may begin, at least one.
	Initial []string `json:"initial"`
	// Terminal are the states that no move leaves.
	Terminal []string `json:"terminal,omitempty"`
}

// State is a stage that a subject can be in.
type State struct {
	Name  string `json:"name"`            // what the state is called
	About string `json:"about,omitempty"` // for people: what it means
	// Aliases are other spellings that are met for the state: misspelt ones, or names of older times. A
	// move that uses an alias is taken for what it means, and counted.
	Aliases []string `json:"aliases,omitempty"`
}

// Move is an allowed move.
type Move struct {
	// From and To are states; From may be [Any].
	From  string `json:"from"`
	To    string `json:"to"`
	About string `json:"about,omitempty"` // for people: what it means
	// Triggers are what may cause the move; none means anything, also nothing.
	Triggers []string `json:"triggers,omitempty"`
}

// takes reports whether the move is from one state to another, given that from is not terminal. [Any]
// takes no move from a state to itself.
func (m *Move) takes(from, to string) bool {
	return m.To == to && (m.From == from || m.From == Any && from != to)
}

// Spelling says how a name relates to the states of a machine.
type Spelling uint8

const (
	// Unknown is the spelling of no state.
	Unknown Spelling = iota
	// Proper is the name of a state.
	Proper
	// Alias is another spelling of a state.
	Alias
)

// String returns "unknown", "proper" or "alias".
func (s Spelling) String() string { return enum.Text(s, "spelling", "unknown", "proper", "alias") }

// Resolve returns the state that a name stands for, and how the name spells it. An unknown name is
// returned as it is.
func (m *Machine) Resolve(name string) (state string, spelling Spelling) {
	for i := range m.States {
		switch s := &m.States[i]; {
		case s.Name == name:
			return name, Proper
		case slices.Contains(s.Aliases, name):
			return s.Name, Alias
		}
	}
	return name, Unknown
}

// Nearest returns the state whose name or alias is spelled most like an unknown name; "" when none is
// near.
func (m *Machine) Nearest(name string) string {
	var known []string
	for _, s := range m.States {
		known = append(append(known, s.Name), s.Aliases...)
	}
	state, _ := m.Resolve(nearest.Name(name, known))
	return state
}

// Verdict is what a machine says of a move.
type Verdict uint8

const (
	// Allowed is the verdict on a move that the machine declares.
	Allowed Verdict = iota
	// Undeclared is the verdict on a move that the machine does not declare.
	Undeclared
	// AfterEnd is the verdict on a move out of a terminal state.
	AfterEnd
	// NotABeginning is the verdict on a beginning in a state that is not initial.
	NotABeginning
	// WrongTrigger is the verdict on a move that the machine declares for other triggers.
	WrongTrigger
)

// String returns "allowed", "undeclared", "after the end", "not a beginning" or "wrong trigger".
func (v Verdict) String() string {
	return enum.Text(v, "verdict", "allowed", "undeclared", "after the end", "not a beginning", "wrong trigger")
}

// Judge returns the verdict on a move between two states by their proper names; from is "" for the
// beginning of a subject.
func (m *Machine) Judge(from, to, trigger string) Verdict {
	switch {
	case from == "" && slices.Contains(m.Initial, to):
		return Allowed
	case from == "":
		return NotABeginning
	case slices.Contains(m.Terminal, from):
		return AfterEnd
	}
	verdict := Undeclared
	for i := range m.Moves {
		move := &m.Moves[i]
		if !move.takes(from, to) {
			continue
		}
		if len(move.Triggers) == 0 || slices.Contains(move.Triggers, trigger) {
			return Allowed
		}
		verdict = WrongTrigger
	}
	return verdict
}

// Next returns the states to which a subject may move from a state, in the order of their declaration; for
// "" the states in which it may begin.
func (m *Machine) Next(from string) []string {
	if from == "" {
		return m.Initial
	}
	var next []string
	for _, s := range m.States {
		if v := m.Judge(from, s.Name, ""); v == Allowed || v == WrongTrigger {
			next = append(next, s.Name)
		}
	}
	return next
}

// Triggers returns what may cause a move from one state to another, in the order of declaration; none when
// anything may, and when the move is not allowed.
func (m *Machine) Triggers(from, to string) []string {
	var triggers []string
	for i := range m.Moves {
		if move := &m.Moves[i]; move.takes(from, to) {
			if len(move.Triggers) == 0 {
				return nil
			}
			triggers = append(triggers, move.Triggers...)
		}
	}
	return triggers
}
