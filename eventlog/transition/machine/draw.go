package machine

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Edge says how often subjects moved from one stage to another. From is "" for their beginning. Stages that
// are states go by their proper names; there may be other stages.
type Edge struct {
	From  string `json:"from"`  // the state that was left
	To    string `json:"to"`    // the state that was entered
	Count uint64 `json:"count"` // how often
}

// drawing is a machine with what has happened, ready to be written in some language.
type drawing struct {
	nodes []node
	lines []line
	at    map[string]int // name → node
	any   bool           // a line begins at any state
}

// node is a stage.
type node struct {
	name              string
	terminal, strange bool // strange: the machine has no such state
}

// line is an edge as it is drawn: from a node, startNode or anyNode, to a node.
type line struct {
	from, to int
	label    string
	illegal  bool
}

// What a line can begin at beside the nodes.
const (
	startNode = -1
	anyNode   = -2
)

// draw puts together the moves that the machine declares and those that happened, the declared ones
// first, in the order of their declaration.
func (m *Machine) draw(happened []Edge) *drawing {
	d := &drawing{at: make(map[string]int)}
	for _, s := range m.States {
		d.node(s.Name, m)
	}
	counts := make(map[[2]string]uint64)
	for _, e := range happened {
		counts[[2]string{e.From, e.To}] += e.Count
	}
	drawn := make(map[[2]string]bool)
	legal := func(from, to string, triggers []string) {
		pair := [2]string{from, to}
		if drawn[pair] {
			return
		}
		drawn[pair] = true
		d.lines = append(d.lines, line{from: d.begin(from, m), to: d.node(to, m), label: label(counts[pair], triggers)})
	}
	for _, name := range m.Initial {
		legal("", name, nil)
	}
	for _, move := range m.Moves {
		if move.From == Any {
			d.any = true
			d.lines = append(d.lines, line{from: anyNode, to: d.node(move.To, m), label: strings.Join(move.Triggers, ", ")})
			continue
		}
		legal(move.From, move.To, m.Triggers(move.From, move.To))
	}
	rest := slices.SortedFunc(slices.Values(happened), func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	for _, e := range rest {
		pair := [2]string{e.From, e.To}
		if v := m.Judge(e.From, e.To, ""); v == Allowed || v == WrongTrigger {
			legal(e.From, e.To, m.Triggers(e.From, e.To)) // by a move from any state
			continue
		}
		if !drawn[pair] {
			drawn[pair] = true
			d.lines = append(d.lines, line{from: d.begin(e.From, m), to: d.node(e.To, m), label: "✗ " + label(counts[pair], nil), illegal: true})
		}
	}
	return d
}

// begin returns where a line begins.
func (d *drawing) begin(from string, m *Machine) int {
	if from == "" {
		return startNode
	}
	return d.node(from, m)
}

// node returns the node of a stage.
func (d *drawing) node(name string, m *Machine) int {
	i, known := d.at[name]
	if !known {
		i = len(d.nodes)
		d.at[name] = i
		_, spelling := m.Resolve(name)
		d.nodes = append(d.nodes, node{name: name, terminal: slices.Contains(m.Terminal, name), strange: spelling != Proper})
	}
	return i
}

// label returns what stands on an edge: how often it was taken, and what may cause it.
func label(count uint64, triggers []string) string {
	text := strconv.FormatUint(count, 10)
	if len(triggers) > 0 {
		text += " (" + strings.Join(triggers, ", ") + ")"
	}
	return text
}

// visible returns s with what does not show written as an escape: stages come from strangers.
func visible(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsGraphic(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}
