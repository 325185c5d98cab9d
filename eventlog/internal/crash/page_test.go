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
// written. Of a run that was a sample the rows are all there, and the outcome of each cell that was tried stands in the
// page; what else stands there only the whole run shows.
func compareWithPage(t *testing.T, tables []table) {
	if runtime.GOOS != "linux" {
		return // elsewhere some calls are others
	}
	text, err := os.ReadFile(page)
	must(t, err)
	before, rest, _ := strings.Cut(string(text), tableFrom)
	stands, after, found := strings.Cut(rest, tableTo)
	shown := render(tables)
	if !inFull() {
		shown = completed(shown, stands)
	}
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

// completed returns a table that a sample has shown, with what else stands in the cells of the page that it agrees with.
func completed(shown, stands string) string {
	lines, page := strings.Split(shown, "\n"), strings.Split(stands, "\n")
	for i := range min(len(lines), len(page)) {
		cells, standing := strings.Split(lines[i], "|"), strings.Split(page[i], "|")
		for j := range min(len(cells), len(standing)) {
			if agrees(cells[j], standing[j]) {
				cells[j] = standing[j]
			}
		}
		lines[i] = strings.Join(cells, "|")
	}
	return strings.Join(lines, "\n")
}

// agrees reports whether a cell of the page has the outcomes of a cell that was tried, or any for one that was not.
func agrees(shown, stands string) bool {
	outcomes := strings.Split(strings.TrimSpace(stands), " / ")
	for outcome := range strings.SplitSeq(strings.TrimSpace(shown), " / ") {
		if outcome == untried && outcomes[0] != "" {
			continue
		}
		if !slices.Contains(outcomes, outcome) {
			return false
		}
	}
	return true
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

// untried stands in a cell that can be there, and was not tried.
const untried = "?"

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
				outcomes, there := tab.cells[step][column]
				if there && len(outcomes) == 0 {
					outcomes = map[string]struct{}{untried: {}}
				}
				b.WriteString(" " + strings.Join(slices.Sorted(maps.Keys(outcomes)), " / ") + " |")
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}
