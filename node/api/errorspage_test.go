package api_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/api"
)

var update = flag.Bool("update", false, "write docs/ERRORS.md anew")

const errorsPage = "../../docs/ERRORS.md"

// TestErrorsPage holds docs/ERRORS.md against the table of the codes, whose explanations it has. With -update it is
// written.
func TestErrorsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Errors

A node that refuses a call over HTTP answers with problem details (RFC 9457), ` + "`application/problem+json`" + `: a status, a stable
` + "`code`" + ` for programs, and a ` + "`detail`" + ` for people, which may be worded otherwise tomorrow. A stream of lines that ends early has
the same object as its last line, under ` + "`error`" + `. A client goes by the status of a code that it does
not know. ` + "`quipu errors CODE`" + ` prints what stands here.

`)
	b.WriteString("| code | status | meaning |\n|---|---|---|\n")
	for _, c := range api.Codes {
		fmt.Fprintf(&b, "| [%s](#%s) | %d | %s |\n", c, c, c.About().Status, c.About().Title)
	}
	for _, c := range api.Codes {
		a := c.About()
		fmt.Fprintf(&b, "\n## %s\n\n%d: %s. %s\n\n%s\n", c, a.Status, a.Title, a.Why, a.Do)
	}
	switch is, err := os.ReadFile(errorsPage); {
	case *update:
		if err := os.WriteFile(errorsPage, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	case err != nil:
		t.Fatal(err)
	case string(is) != b.String():
		t.Errorf("%s is another than the table of the codes: go test ./node/api -run ErrorsPage -update", errorsPage)
	}
}

// TestEachCodeIsExplained: each code has a status of its kind, and words that say why and what helps.
func TestEachCodeIsExplained(t *testing.T) {
	titles := make(map[string]api.Code)
	for _, c := range api.Codes {
		a := c.About()
		if a.Status < 400 || a.Status > 599 || a.Title == "" || !strings.HasSuffix(a.Why, ".") || !strings.HasSuffix(a.Do, ".") {
			t.Errorf("%s: %+v", c, a)
		}
		if other, twice := titles[a.Title]; twice {
			t.Errorf("%s and %s have one title: one of them is in the list and not in the table", c, other)
		}
		titles[a.Title] = c
	}
}
