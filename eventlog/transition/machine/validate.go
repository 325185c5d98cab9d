package machine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/crdt/nearest"
)

// The bounds of a machine.
const (
	MaxStates = 1 << 10
	MaxMoves  = 1 << 14
	// MaxName bounds a state's name and its aliases, in bytes, as package transition bounds stages.
	MaxName = 255
	// MaxTexts bounds the aliases of a state, and the triggers of a move.
	MaxTexts = 256
)

// ErrInvalid is wrapped by every [Problem].
var ErrInvalid = errors.New("invalid machine")

// Problem is one thing that is wrong with a machine.
type Problem struct {
	// Where and Index say what is at fault: the field, such as "moves", and the index in it; -1 for the
	// whole field.
	Where string
	Index int
	// What says what is wrong, and what was expected.
	What string
}

func (p Problem) Error() string {
	if p.Index < 0 {
		return fmt.Sprintf("%s: %s", p.Where, p.What)
	}
	return fmt.Sprintf("%s[%d]: %s", p.Where, p.Index, p.What)
}

// Unwrap returns [ErrInvalid].
func (p Problem) Unwrap() error { return ErrInvalid }

// Validate returns nil for a valid machine, and else every problem, joined: names that are empty, too long,
// there twice or unknown; states that nothing leads to; terminal states with moves out, and others without
// any; moves that are there twice.
func (m *Machine) Validate() error {
	problems := m.Problems()
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// Problems returns what [Machine.Validate] joins, in the order of the fields.
func (m *Machine) Problems() []Problem {
	v := validator{m: m, named: make(map[string]string)}
	if len(m.States) > MaxStates || len(m.Moves) > MaxMoves {
		v.say("states", -1, "%d states and %d moves: at most %d and %d are allowed", len(m.States), len(m.Moves), MaxStates, MaxMoves)
		return v.problems
	}
	v.states()
	v.ends("initial", m.Initial)
	v.ends("terminal", m.Terminal)
	v.moves()
	if len(v.problems) == 0 { // it makes sense to follow the moves
		v.reach()
	}
	return v.problems
}

// validator collects the problems of one machine.
type validator struct {
	m        *Machine
	named    map[string]string // name or alias → the state
	problems []Problem
}

func (v *validator) say(where string, index int, format string, args ...any) {
	v.problems = append(v.problems, Problem{Where: where, Index: index, What: fmt.Sprintf(format, args...)})
}

func (v *validator) states() {
	if len(v.m.States) == 0 {
		v.say("states", -1, "there are none: expected at least one")
	}
	for i, s := range v.m.States {
		if len(s.Aliases) > MaxTexts {
			v.say("states", i, "%d aliases, at most %d are allowed", len(s.Aliases), MaxTexts)
			continue
		}
		for _, name := range append([]string{s.Name}, s.Aliases...) {
			if why := badName(name); why != "" {
				v.say("states", i, "the name %q %s", clip.Text(name), why)
				continue
			}
			if other, twice := v.named[name]; twice {
				v.say("states", i, "%q is there twice: it is the state %q, or an alias of it", name, other)
				continue
			}
			v.named[name] = s.Name
		}
	}
}

// badName says why a state cannot be called that; "" when it can.
func badName(name string) string {
	switch {
	case name == "":
		return "is empty"
	case name == Any:
		return "stands for any state: it cannot be the name of one"
	case len(name) > MaxName:
		return fmt.Sprintf("has %d bytes, at most %d are allowed", len(name), MaxName)
	case !utf8.ValidString(name):
		return "is not valid UTF-8"
	}
	return ""
}

// known says of a name in a list that it is not that of a state.
func (v *validator) known(where string, index int, name string) {
	state, known := v.named[name]
	switch {
	case known && state == name:
	case known:
		v.say(where, index, "%q is an alias: write %q", name, state)
	default:
		names := make([]string, len(v.m.States))
		for i, s := range v.m.States {
			names[i] = s.Name
		}
		if near := nearest.Name(name, names); near != "" {
			v.say(where, index, "unknown state %q: did you mean %q?", clip.Text(name), near)
			return
		}
		v.say(where, index, "unknown state %q: the states are %s", clip.Text(name), clip.List(names, 20, strings.Clone))
	}
}

func (v *validator) ends(where string, names []string) {
	if where == "initial" && len(names) == 0 {
		v.say(where, -1, "there is none: expected the states in which a subject may begin")
	}
	for i, name := range names {
		v.known(where, i, name)
		if slices.Contains(names[:i], name) {
			v.say(where, i, "%q is there twice", clip.Text(name))
		}
	}
}

func (v *validator) moves() {
	type pair struct{ from, to string }
	seen := make(map[pair][]int)
	for i, move := range v.m.Moves {
		if move.From != Any {
			v.known("moves", i, move.From)
		}
		v.known("moves", i, move.To)
		if slices.Contains(v.m.Terminal, move.From) {
			v.say("moves", i, "%q is terminal: nothing moves out of it", clip.Text(move.From))
		}
		if len(move.Triggers) > MaxTexts {
			v.say("moves", i, "%d triggers, at most %d are allowed", len(move.Triggers), MaxTexts)
			continue
		}
		at := pair{move.From, move.To}
		for _, other := range seen[at] {
			if v.overlap(other, i) {
				v.say("moves", i, "%q to %q is there twice", clip.Text(move.From), clip.Text(move.To))
				break
			}
		}
		if len(seen[at]) < MaxTexts { // more differ in their triggers only
			seen[at] = append(seen[at], i)
		}
	}
}

// overlap reports whether two moves between the same states share a trigger.
func (v *validator) overlap(i, j int) bool {
	a, b := v.m.Moves[i].Triggers, v.m.Moves[j].Triggers
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(t string) bool { return slices.Contains(b, t) })
}

// reach follows the moves from the initial states, and looks for states without moves out.
func (v *validator) reach() {
	out := make(map[string][]string)
	for _, move := range v.m.Moves {
		if move.From != Any {
			out[move.From] = append(out[move.From], move.To)
			continue
		}
		for _, s := range v.m.States {
			if s.Name != move.To && !slices.Contains(v.m.Terminal, s.Name) {
				out[s.Name] = append(out[s.Name], move.To)
			}
		}
	}
	reached := make(map[string]bool)
	for todo := slices.Clone(v.m.Initial); len(todo) > 0; {
		state := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !reached[state] {
			reached[state] = true
			todo = append(todo, out[state]...)
		}
	}
	for i, s := range v.m.States {
		if !reached[s.Name] {
			v.say("states", i, "nothing leads to %q: expected it to be initial, or a move to it from a state that can be reached", s.Name)
		}
		if len(out[s.Name]) == 0 && !slices.Contains(v.m.Terminal, s.Name) {
			v.say("states", i, "nothing leads out of %q: expected a move, or that it is terminal", s.Name)
		}
	}
}
