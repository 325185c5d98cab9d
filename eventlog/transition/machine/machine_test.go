package machine_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/eventlog/transition/machine"
)

// door is a machine with something of everything.
func door() machine.Machine {
	return machine.Machine{
		Name: `the "door"`,
		States: []machine.State{
			{Name: "open"}, {Name: "shut", Aliases: []string{"shutt", "closed"}}, {Name: "locked"}, {Name: "gone"},
		},
		Moves: []machine.Move{
			{From: "open", To: "shut"}, {From: "shut", To: "open"},
			{From: "shut", To: "locked", Triggers: []string{"key", "bolt"}}, {From: "locked", To: "shut", Triggers: []string{"key"}},
			{From: machine.Any, To: "gone"},
		},
		Initial:  []string{"open", "shut"},
		Terminal: []string{"gone"},
	}
}

func TestJudge(t *testing.T) {
	m := door()
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to, trigger string
		want              machine.Verdict
	}{
		{"", "open", "", machine.Allowed},
		{"", "locked", "", machine.NotABeginning},
		{"open", "shut", "", machine.Allowed},
		{"open", "shut", "wind", machine.Allowed},
		{"open", "open", "", machine.Undeclared},
		{"open", "locked", "", machine.Undeclared},
		{"shut", "locked", "bolt", machine.Allowed},
		{"shut", "locked", "", machine.WrongTrigger},
		{"locked", "gone", "", machine.Allowed},
		{"gone", "gone", "", machine.AfterEnd},
		{"gone", "open", "", machine.AfterEnd},
	} {
		if got := m.Judge(c.from, c.to, c.trigger); got != c.want {
			t.Errorf("%q to %q by %q: verdict %d, want %d", c.from, c.to, c.trigger, got, c.want)
		}
	}
	if diff := cmp.Diff([]string{"open", "locked", "gone"}, m.Next("shut")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"key", "bolt"}, m.Triggers("shut", "locked")); diff != "" {
		t.Error(diff)
	}
}

func TestResolve(t *testing.T) {
	m := door()
	for _, c := range []struct {
		name, state string
		spelling    machine.Spelling
		near        string
	}{
		{"shut", "shut", machine.Proper, "shut"},
		{"closed", "shut", machine.Alias, "shut"},
		{"clozed", "clozed", machine.Unknown, "shut"},
		{"opne", "opne", machine.Unknown, "open"},
		{"window", "window", machine.Unknown, ""},
		{"", "", machine.Unknown, ""},
	} {
		state, spelling := m.Resolve(c.name)
		if near := m.Nearest(c.name); state != c.state || spelling != c.spelling || near != c.near {
			t.Errorf("%q: %q, %d, near %q", c.name, state, spelling, near)
		}
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*machine.Machine)
		want   string
	}{
		"no state":       {func(m *machine.Machine) { *m = machine.Machine{} }, "states: there are none: expected at least one\ninitial: there is none: expected the states in which a subject may begin"},
		"twice":          {func(m *machine.Machine) { m.States[2].Name = "open" }, `states[2]: "open" is there twice: it is the state "open", or an alias of it`},
		"alias twice":    {func(m *machine.Machine) { m.States[0].Aliases = []string{"shutt"} }, `states[1]: "shutt" is there twice: it is the state "open", or an alias of it`},
		"empty":          {func(m *machine.Machine) { m.States[1].Aliases[0] = "" }, `states[1]: the name "" is empty`},
		"any":            {func(m *machine.Machine) { m.States[1].Aliases[0] = "*" }, `states[1]: the name "*" stands for any state: it cannot be the name of one`},
		"long":           {func(m *machine.Machine) { m.States[1].Aliases[0] = strings.Repeat("x", 256) }, `has 256 bytes, at most 255 are allowed`},
		"not UTF-8":      {func(m *machine.Machine) { m.States[1].Aliases[0] = "\xff" }, `is not valid UTF-8`},
		"unknown, near":  {func(m *machine.Machine) { m.Moves[0].To = "shtu" }, `moves[0]: unknown state "shtu": did you mean "shut"?`},
		"unknown, far":   {func(m *machine.Machine) { m.Initial[0] = "window" }, `initial[0]: unknown state "window": the states are open, shut, locked, gone`},
		"an alias":       {func(m *machine.Machine) { m.Moves[0].To = "closed" }, `moves[0]: "closed" is an alias: write "shut"`},
		"initial twice":  {func(m *machine.Machine) { m.Initial[1] = "open" }, `initial[1]: "open" is there twice`},
		"terminal moves": {func(m *machine.Machine) { m.Terminal = append(m.Terminal, "locked") }, `moves[3]: "locked" is terminal: nothing moves out of it`},
		"move twice":     {func(m *machine.Machine) { m.Moves[1] = m.Moves[0] }, `moves[1]: "open" to "shut" is there twice`},
		"trigger twice": {func(m *machine.Machine) {
			m.Moves[0] = machine.Move{From: "shut", To: "locked", Triggers: []string{"bolt"}}
		}, `moves[2]: "shut" to "locked" is there twice`},
		"unreachable": {func(m *machine.Machine) { m.Moves[2].To = "gone" }, `states[2]: nothing leads to "locked": expected it to be initial, or a move to it from a state that can be reached`},
		"no way out":  {func(m *machine.Machine) { m.Terminal = nil }, `states[3]: nothing leads out of "gone": expected a move, or that it is terminal`},
		"too many":    {func(m *machine.Machine) { m.States = make([]machine.State, machine.MaxStates+1) }, `at most 1024 and 16384 are allowed`},
	} {
		m := door()
		c.change(&m)
		err := m.Validate()
		if err == nil || !errors.Is(err, machine.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant: %s", name, err, c.want)
		}
	}
}

// What has happened to some doors: moves that are allowed, also by a move from any state, one that is
// not, and stages that a stranger has made up.
var happened = []machine.Edge{
	{From: "", To: "open", Count: 12}, {From: "open", To: "shut", Count: 7}, {From: "shut", To: "locked", Count: 2},
	{From: "open", To: "gone", Count: 1}, {From: "gone", To: "open", Count: 3}, {From: "", To: "locked", Count: 1},
	{From: "open", To: "a \"b\" #<|>\\ \x1b[2J\n`", Count: 1},
}

var update = flag.Bool("update", false, "write the drawings in testdata again")

func TestDrawings(t *testing.T) {
	m := door()
	for file, draw := range map[string]func(*strings.Builder) error{
		"door.dot":     func(b *strings.Builder) error { return m.DOT(b, happened) },
		"door.mermaid": func(b *strings.Builder) error { return m.Mermaid(b, happened) },
	} {
		var b strings.Builder
		if err := draw(&b); err != nil {
			t.Fatal(err)
		}
		golden := "testdata/" + file
		if *update {
			if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), b.String()); diff != "" {
			t.Errorf("%s (-want +got; -update writes it again):\n%s", golden, diff)
		}
	}
}
