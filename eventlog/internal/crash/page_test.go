package crash

import (
	"flag"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table into docs/DURABILITY.md")

// page is where the table stands, between two lines.
const (
	page      = "../../../docs/DURABILITY.md"
	tableFrom = "<!-- what TestCrashMatrix has shown -->\n"
	tableTo   = "<!-- end -->\n"
)

// compareWithPage holds the table that stands in the page against the one that a run has shown. With -update it is
// written.
func compareWithPage(t *testing.T, shown string) {
	if runtime.GOOS != "linux" {
		return // elsewhere some calls are others
	}
	text, err := os.ReadFile(page)
	must(t, err)
	before, rest, _ := strings.Cut(string(text), tableFrom)
	stands, after, found := strings.Cut(rest, tableTo)
	switch {
	case !found:
		t.Errorf("%s has no place for the table: expected it between %q and %q", page, tableFrom, tableTo)
	case stands == shown:
	case *update:
		must(t, os.WriteFile(page, []byte(before+tableFrom+shown+tableTo+after), 0o644))
	default:
		t.Errorf("the table in %s is another: -update writes it; lines that differ:\n%s", page, differing(stands, shown))
	}
}

// differing returns the lines that only one of two texts has.
func differing(was, is string) string {
	var b strings.Builder
	old, now := strings.Split(was, "\n"), strings.Split(is, "\n")
	for _, side := range []struct {
		sign        string
		lines, then []string
	}{{"- ", old, now}, {"+ ", now, old}} {
		for _, line := range side.lines {
			if !slices.Contains(side.then, line) {
				b.WriteString(side.sign + line + "\n")
			}
		}
	}
	return b.String()
}

// render draws the tables of all operations as one, in Markdown.
func render(tables []table) string {
	var b strings.Builder
	var columns []string
	for _, f := range faults {
		if !slices.Contains(columns, f.column) {
			columns = append(columns, f.column)
		}
	}
	b.WriteString("| operation, step | " + strings.Join(columns, " | ") + " |\n|" + strings.Repeat("---|", 1+len(columns)) + "\n")
	for _, tab := range tables {
		b.WriteString("| **" + tab.op.name + "** |" + strings.Repeat(" |", len(columns)) + "\n")
		for _, step := range tab.steps {
			b.WriteString("| " + strings.ReplaceAll(step, "*", "…") + " |")
			for _, column := range columns {
				b.WriteString(" " + strings.Join(slices.Sorted(maps.Keys(tab.cells[step][column])), " / ") + " |")
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}
