package machinefile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/quipulog/quipu/crdt/bom"
	"github.com/quipulog/quipu/crdt/nearest"
	"github.com/quipulog/quipu/eventlog/transition/machine"
)

// MaxSize bounds a file, in bytes.
const MaxSize = 1 << 20

// LineError says what is wrong in a line.
type LineError struct {
	Line int // from 1
	What string
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.What) }

// Unwrap makes [machine.ErrInvalid] match.
func (e *LineError) Unwrap() error { return machine.ErrInvalid }

// Parse reads a machine and validates it. An error is a [*LineError], or several joined by line where
// the machine can be read but makes no sense; one of YAML's own where the text is not YAML.
func Parse(b []byte) (machine.Machine, error) {
	if len(b) > MaxSize {
		return machine.Machine{}, fmt.Errorf("%w: %d bytes, at most %d are allowed", machine.ErrInvalid, len(b), MaxSize)
	}
	root, err := document(b)
	if err != nil {
		return machine.Machine{}, err
	}
	p := parser{lines: make(map[field]int)}
	if err := p.machine(root); err != nil {
		return machine.Machine{}, err
	}
	var wrong []*LineError
	said := make(map[LineError]bool) // of the moves that one line stands for, several may be wrong alike
	for _, problem := range p.m.Problems() {
		line := cmp.Or(p.lines[field{problem.Where, problem.Index}], p.lines[field{problem.Where, -1}], root.Line)
		if e := (LineError{Line: line, What: problem.What}); !said[e] {
			said[e] = true
			wrong = append(wrong, &e)
		}
	}
	if len(wrong) == 0 {
		return p.m, nil
	}
	slices.SortStableFunc(wrong, func(a, b *LineError) int { return cmp.Compare(a.Line, b.Line) })
	errs := make([]error, len(wrong))
	for i, w := range wrong {
		errs[i] = w
	}
	return machine.Machine{}, errors.Join(errs...)
}

// document returns the only document of the text.
func document(b []byte) (*yaml.Node, error) {
	b, err := bom.Strip(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", machine.ErrInvalid, err)
	}
	loader, err := yaml.NewLoader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", machine.ErrInvalid, err)
	}
	var root, next yaml.Node
	if err := loader.Load(&root); errors.Is(err, io.EOF) {
		return nil, &LineError{Line: 1, What: "there is nothing: expected states, moves and initial"}
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", machine.ErrInvalid, err)
	}
	if err := loader.Load(&next); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, fmt.Errorf("%w: %w", machine.ErrInvalid, err)
		}
		return nil, &LineError{Line: max(1, next.Line), What: "a second document begins: expected one"}
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 {
		return nil, &LineError{Line: 1, What: "there is nothing: expected states, moves and initial"}
	}
	return root.Content[0], nil
}

// field names a field of a machine, or with an index from 0 one item of it.
type field struct {
	name  string
	index int
}

// parser makes a machine of a document and remembers the lines of its parts.
type parser struct {
	m     machine.Machine
	lines map[field]int
}

// fields are the fields of one mapping: how each is read.
type fields map[string]func(*yaml.Node) error

func (p *parser) machine(root *yaml.Node) error {
	for _, where := range []string{"states", "moves", "initial", "terminal"} {
		p.lines[field{where, -1}] = root.Line
	}
	list := func(where string, item func(*yaml.Node) error) func(*yaml.Node) error {
		return func(n *yaml.Node) error {
			p.lines[field{where, -1}] = n.Line
			return eachItem(n, item)
		}
	}
	names := func(where string, into *[]string) func(*yaml.Node) error {
		return list(where, func(n *yaml.Node) error {
			p.lines[field{where, len(*into)}] = n.Line
			return appendText(n, into)
		})
	}
	return mapping(root, fields{
		"name": text(&p.m.Name), "about": text(&p.m.About),
		"states": list("states", p.state), "moves": list("moves", p.move),
		"initial": names("initial", &p.m.Initial), "terminal": names("terminal", &p.m.Terminal),
	}, "states", "moves", "initial")
}

// state reads one state: a name, or a mapping.
func (p *parser) state(n *yaml.Node) error {
	var s machine.State
	p.lines[field{"states", len(p.m.States)}] = n.Line
	var err error
	if n.Kind == yaml.ScalarNode {
		err = text(&s.Name)(n)
	} else {
		err = mapping(n, fields{"name": text(&s.Name), "about": text(&s.About), "aliases": texts(&s.Aliases)}, "name")
	}
	p.m.States = append(p.m.States, s)
	return err
}

// move reads one item of moves, and makes a move of each pair of states in it.
func (p *parser) move(n *yaml.Node) error {
	var from, to []string
	var shared machine.Move
	err := mapping(n, fields{
		"from": texts(&from), "to": texts(&to), "about": text(&shared.About), "triggers": texts(&shared.Triggers),
	}, "from", "to")
	if err != nil {
		return err
	}
	if more := len(from) * len(to); len(p.m.Moves)+more > machine.MaxMoves {
		return lineErrorf(n, "more than %d moves, no more are allowed", machine.MaxMoves)
	}
	for _, a := range from {
		for _, b := range to {
			p.lines[field{"moves", len(p.m.Moves)}] = n.Line
			move := shared
			move.From, move.To = a, b
			p.m.Moves = append(p.m.Moves, move)
		}
	}
	return nil
}

// mapping reads a mapping: each field once, the needed ones at least, no other.
func mapping(n *yaml.Node, known fields, needed ...string) error {
	if n.Kind != yaml.MappingNode {
		return lineErrorf(n, "expected fields, such as %q, and not %s", needed[0]+": …", kindOf(n))
	}
	if n.Anchor != "" {
		return lineErrorf(n, "anchors of YAML are not taken: write it out")
	}
	names := slices.Sorted(maps.Keys(known))
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		read, ok := known[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || !ok:
			return lineErrorf(key, "%s", nearest.Unknown("field", key.Value, names))
		case seen[key.Value]:
			return lineErrorf(key, "field %q stands there twice", key.Value)
		}
		seen[key.Value] = true
		if err := read(n.Content[i+1]); err != nil {
			return err
		}
	}
	for _, name := range needed {
		if !seen[name] {
			return lineErrorf(n, "field %q is missing", name)
		}
	}
	return nil
}

// eachItem calls item with each item of a list, or with the only one where there is no list.
func eachItem(n *yaml.Node, item func(*yaml.Node) error) error {
	if n.Kind == yaml.SequenceNode && n.Anchor != "" {
		return lineErrorf(n, "anchors of YAML are not taken: write it out")
	}
	if n.Kind != yaml.SequenceNode {
		return item(n)
	}
	for _, one := range n.Content {
		if err := item(one); err != nil {
			return err
		}
	}
	return nil
}

// texts reads a list of texts, or one text.
func texts(into *[]string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		return eachItem(n, func(n *yaml.Node) error { return appendText(n, into) })
	}
}

func appendText(n *yaml.Node, into *[]string) error {
	var s string
	if err := text(&s)(n); err != nil {
		return err
	}
	*into = append(*into, s)
	return nil
}

// text reads a text as it is written: a number or a truth is the name of a state like any other.
func text(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		switch {
		case n.Anchor != "":
			return lineErrorf(n, "anchors of YAML are not taken: write it out")
		case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
			return lineErrorf(n, "expected a text, and not %s", kindOf(n))
		}
		*into = n.Value
		return nil
	}
}

// kindOf says what a node is, for an error message.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "fields"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return `an alias of YAML's (any state is "*", in quotes)`
	case n.Tag == "!!null":
		return "nothing"
	}
	return "a text"
}

func lineErrorf(n *yaml.Node, format string, args ...any) error {
	return &LineError{Line: max(1, n.Line), What: fmt.Sprintf(format, args...)}
}
