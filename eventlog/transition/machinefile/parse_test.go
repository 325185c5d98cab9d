package machinefile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/eventlog/transition/machine"
	"github.com/quipulog/quipu/eventlog/transition/machinefile"
)

const door = `# The front door.
name: door
states:
  - open
  - name: shut
    about: Closed, and can be opened by anyone.
    aliases: [shutt, closed]
  - {name: 404}
  - name: gone
initial: [open, shut]
terminal: gone
moves:
  - from: [open, 404]
    to: shut
  - from: shut
    to: [open, 404]
    triggers: key
    about: |
      By the key alone.
  - {from: "*", to: gone}
`

func TestParse(t *testing.T) {
	got, err := machinefile.Parse([]byte(door))
	if err != nil {
		t.Fatal(err)
	}
	byKey := func(to string) machine.Move {
		return machine.Move{From: "shut", To: to, Triggers: []string{"key"}, About: "By the key alone.\n"}
	}
	want := machine.Machine{
		Name: "door",
		States: []machine.State{
			{Name: "open"},
			{Name: "shut", About: "Closed, and can be opened by anyone.", Aliases: []string{"shutt", "closed"}},
			{Name: "404"}, {Name: "gone"},
		},
		Moves: []machine.Move{
			{From: "open", To: "shut"}, {From: "404", To: "shut"}, byKey("open"), byKey("404"), {From: machine.Any, To: "gone"},
		},
		Initial: []string{"open", "shut"}, Terminal: []string{"gone"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Each error names the line and what was expected.
func TestParseErrorsNameTheLine(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"initial:", "inital:", `line 10: unknown field "inital": did you mean "initial"?`},
		{"name: door", "colour: red", `line 2: unknown field "colour": the fields are about, initial, moves, name, states, terminal`},
		{"terminal: gone\n", "", "line 9: nothing leads out of \"gone\": expected a move, or that it is terminal"},
		{"terminal: gone\n", "terminal: gnoe\n", `line 11: unknown state "gnoe": did you mean "gone"?`},
		{"terminal: gone\n", "terminal:\n  - gone\n  - shut\n", `line 17: "shut" is terminal: nothing moves out of it`},
		{"    to: shut\n", "    to: [shut]\n    too: shut\n", `line 15: unknown field "too": did you mean "to"?`},
		{"    to: shut\n", "", `line 13: field "to" is missing`},
		{"    to: shut\n", "    to: shut\n    to: shut\n", `line 15: field "to" stands there twice`},
		{"    to: shut\n", "    to:\n", `line 14: expected a text, and not nothing`},
		{"    to: shut\n", "    to: {a: b}\n", `line 14: expected a text, and not fields`},
		{"name: door", "name: [door]", `line 2: expected a text, and not a list`},
		{"name: door", "name: &d door", `line 2: anchors of YAML are not taken: write it out`},
		{"initial: [open, shut]", "initial: &i [open, shut]", `line 10: anchors of YAML are not taken`},
		{"  - open\n", "  - [open]\n", `line 4: expected fields, such as "name: …", and not a list`},
		{"  - open\n", "", `unknown state "open"`},
		{"initial: [open, shut]\n", "", `line 2: field "initial" is missing`},
		{`from: "*"`, "from: *any", "any"},
		{"# The front door.\n", "- a\n", "1"},
		{door, "", "line 1: there is nothing: expected states, moves and initial"},
		{door, "# nothing\n", "line 1: there is nothing"},
		{door, "just text", `line 1: expected fields, such as "states: …", and not a text`},
		{door, door + "---\n" + door, "line 21: a second document begins: expected one"},
		{door, strings.Repeat("#", machinefile.MaxSize+1), "1048577 bytes, at most 1048576 are allowed"},
		{door, strings.Repeat("[", 100_000), ""},
		{door, "\xff\xfe\x00", ""},
	} {
		text := strings.Replace(door, c.old, c.new, 1)
		_, err := machinefile.Parse([]byte(text))
		if err == nil || !errors.Is(err, machine.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v\nwant: %s", clip(c.new), clip(c.old), err, c.want)
		}
	}
}

// Several problems come in the order of their lines, each once.
func TestParseNamesEveryProblem(t *testing.T) {
	_, err := machinefile.Parse([]byte("moves:\n  - {from: [a, b], to: c}\nstates: [a, a]\ninitial: d\n"))
	want := `line 2: unknown state "c": did you mean "a"?
line 2: unknown state "b": did you mean "a"?
line 3: "a" is there twice: it is the state "a", or an alias of it
line 4: unknown state "d": did you mean "a"?`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant:\n%s", err, want)
	}
	if e, ok := errors.AsType[*machinefile.LineError](err); !ok || e.Line != 2 {
		t.Errorf("first error %+v", e)
	}
}

// A machine with a product of moves past the bound is refused before it is made.
func TestParseBoundsTheMoves(t *testing.T) {
	many := "[" + strings.Repeat("a,", 60_000) + "a]"
	_, err := machinefile.Parse([]byte("states: [a]\ninitial: a\nmoves:\n  - {from: " + many + ", to: " + many + "}\n"))
	if err == nil || !strings.Contains(err.Error(), "line 4: more than 16384 moves") {
		t.Error(err)
	}
}

func clip(s string) string { return s[:min(len(s), 60)] }

// FuzzParse feeds the parser anything: it never panics, and what it takes is valid.
func FuzzParse(f *testing.F) {
	f.Add(door)
	f.Add("states: [a]\ninitial: a\nterminal: a\nmoves: []\n")
	f.Add("a: &a [*a, *a]\n")
	f.Add("? {a: b}\n: c\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := machinefile.Parse([]byte(text))
		if err != nil {
			return
		}
		if err := m.Validate(); err != nil {
			t.Errorf("taken, and not valid: %v", err)
		}
		var b strings.Builder
		if err := m.DOT(&b, nil); err != nil {
			t.Error(err)
		}
	})
}
