package machine

import (
	"fmt"
	"io"
	"strings"
)

// DOT writes the machine as a graph in the language of Graphviz, each edge with how often its move
// happened. A move that happened and is not allowed is dashed, red and marked ✗, and so is a stage that is
// no state. A terminal state has two lines around it.
func (m *Machine) DOT(w io.Writer, happened []Edge) error {
	d := m.draw(happened)
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n", quoteDOT(m.Name))
	b.WriteString("\trankdir=LR;\n\tnode [shape=box, style=rounded, fontname=\"sans-serif\"];\n\tedge [fontname=\"sans-serif\", fontsize=10];\n")
	b.WriteString("\tstart [shape=point, label=\"\"];\n")
	if d.any {
		b.WriteString("\tany [shape=plaintext, label=\"any state\"];\n")
	}
	for i, n := range d.nodes {
		fmt.Fprintf(&b, "\ts%d [label=%s", i, quoteDOT(n.name))
		if n.terminal {
			b.WriteString(", peripheries=2")
		}
		if n.strange {
			b.WriteString(", style=\"rounded,dashed\", color=red, fontcolor=red")
		}
		b.WriteString("];\n")
	}
	for _, l := range d.lines {
		fmt.Fprintf(&b, "\t%s -> s%d [label=%s", l.begin(), l.to, quoteDOT(l.label))
		if l.illegal {
			b.WriteString(", style=dashed, color=red, fontcolor=red")
		}
		b.WriteString("];\n")
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// begin returns the name of the node that the line begins at.
func (l line) begin() string {
	switch l.from {
	case startNode:
		return "start"
	case anyNode:
		return "any"
	}
	return fmt.Sprintf("s%d", l.from)
}

// quoteDOT returns s as a text of Graphviz, in which a backslash begins an escape.
func quoteDOT(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(visible(s)) + `"`
}
