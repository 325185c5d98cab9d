package integration

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// logPage is the part of docs/OPERATIONS.md about the log: each message of a level with its cause and cure, and each field.
type logPage struct {
	messages map[string]string // message to level
	fields   map[string]bool
}

var (
	messageRow = regexp.MustCompile("(?m)^\\| (ERROR|WARN) \\| `(.+?)` \\| (.+?) \\| (.+?) \\|$")
	fieldRow   = regexp.MustCompile("(?m)^\\| `([a-zA-Z]+)` \\| ([^|]+) \\|$")
)

func readLogPage(t *testing.T) logPage {
	t.Helper()
	b, err := os.ReadFile("../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(b), "\n## Log messages\n")
	if !found {
		t.Fatal("docs/OPERATIONS.md has no part about the log")
	}
	part, _, _ = strings.Cut(part, "\n## ")
	p := logPage{map[string]string{}, map[string]bool{}}
	for _, row := range messageRow.FindAllStringSubmatch(part, -1) {
		if p.messages[row[2]] != "" {
			t.Errorf("%q stands there twice", row[2])
		}
		p.messages[row[2]] = row[1]
	}
	for _, row := range fieldRow.FindAllStringSubmatch(part, -1) {
		p.fields[row[1]] = true
	}
	return p
}

// TestEachWarningHasACauseAndACure: docs/OPERATIONS.md lists what the programs of this repository log at WARN and ERROR, at
// the level that it has, and nothing else.
func TestEachWarningHasACauseAndACure(t *testing.T) {
	page, calls := readLogPage(t), logCalls(t)
	logged := make(map[string]bool)
	for _, c := range calls {
		if c.odd != "" && !slices.Equal(c.levels, []string{"DEBUG"}) {
			t.Errorf("%s: %s: what is logged cannot be read here", c.at, c.odd)
		}
		if len(c.levels) == 0 {
			t.Errorf("%s: %q has no level that is named beside it", c.at, c.message)
		}
		for _, level := range c.levels {
			if level != "WARN" && level != "ERROR" {
				continue
			}
			logged[c.message] = true
			if page.messages[c.message] != level {
				t.Errorf("%s: %q is logged at %s, and the page has it at %q", c.at, c.message, level, page.messages[c.message])
			}
		}
	}
	for message, level := range page.messages {
		if !logged[message] {
			t.Errorf("the page has %q at %s, and nothing logs it", message, level)
		}
	}
	if len(calls) < 100 {
		t.Errorf("only %d calls were found: there were more than 100", len(calls))
	}
}

// TestAFieldHasOneName: what stands in a line is called as the page says, which has no name without a use.
func TestAFieldHasOneName(t *testing.T) {
	page := readLogPage(t)
	used := map[string]bool{"repeated": true, "lines": true} // of rarely, and of who drops lines
	for _, c := range logCalls(t) {
		for _, key := range c.keys {
			used[key] = true
			if !page.fields[key] {
				t.Errorf("%s: %q is no field of the page: use one that is, or explain it there", c.at, key)
			}
		}
	}
	for field := range page.fields {
		if !used[field] {
			t.Errorf("the page explains %q, which no line has", field)
		}
	}
}
