package machine

import (
	"fmt"
	"io"
	"strings"
)

// Mermaid writes the machine as a flowchart in the language of Mermaid, which documents on the web show;
// see [Machine.DOT]. It is no state diagram of Mermaid's, since these have no dashed edges.
func (m *Machine) Mermaid(w io.Writer, happened []Edge) error {
	d := m.draw(happened)
	var b strings.Builder
	b.WriteString("flowchart LR\n\tstart(( ))\n")
	if d.any {
		b.WriteString("\tany[\"any state\"]\n")
	}
	for i, n := range d.nodes {
		open, shut := "(", ")"
		if n.terminal {
			open, shut = "(((", ")))"
		}
		fmt.Fprintf(&b, "\ts%d%s%s%s\n", i, open, quoteMermaid(n.name), shut)
	}
	for _, l := range d.lines {
		arrow := "-->"
		if l.illegal {
			arrow = "-.->"
		}
		if l.label != "" {
			arrow += "|" + quoteMermaid(l.label) + "|"
		}
		fmt.Fprintf(&b, "\t%s %s s%d\n", l.begin(), arrow, l.to)
	}
	d.styleMermaid(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// styleMermaid makes red what is not in the machine.
func (d *drawing) styleMermaid(b *strings.Builder) {
	var strange, illegal []string
	for i, n := range d.nodes {
		if n.strange {
			strange = append(strange, fmt.Sprintf("s%d", i))
		}
	}
	for i, l := range d.lines {
		if l.illegal {
			illegal = append(illegal, fmt.Sprint(i))
		}
	}
	if len(strange) > 0 {
		fmt.Fprintf(b, "\tclassDef strange stroke:red,color:red,stroke-dasharray:4\n\tclass %s strange\n", strings.Join(strange, ","))
	}
	if len(illegal) > 0 {
		fmt.Fprintf(b, "\tlinkStyle %s stroke:red,color:red\n", strings.Join(illegal, ","))
	}
}

// quoteMermaid returns s as a text of Mermaid, in which # begins an entity.
func quoteMermaid(s string) string {
	return `"` + strings.NewReplacer(`#`, `#35;`, `"`, `#quot;`, `<`, `#lt;`, `>`, `#gt;`, `&`, `#amp;`, "`", `#96;`, `|`, `#124;`).Replace(visible(s)) + `"`
}
