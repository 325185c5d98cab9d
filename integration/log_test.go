package integration

import (
	"bytes"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEventlogStaysSmall bounds what one reader has to hold in mind: the verbs of a log, and the package around
// it. What would go beyond a bound wants a noun, or a package, of its own; the bounds only fall. Methods of types
// that are embedded count.
func TestEventlogStaysSmall(t *testing.T) {
	p, err := typedEventlog()
	if err != nil {
		t.Fatal(err)
	}
	files, lines := 0, 0
	for _, f := range goFiles(t) {
		if f.dir != "eventlog" || f.isTest() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(top, filepath.FromSlash(f.name)))
		if err != nil {
			t.Fatal(err)
		}
		files, lines = files+1, lines+bytes.Count(text, []byte("\n"))
	}
	logs, largest, others := 0, "", 0
	for _, name := range p.pkg.Scope().Names() {
		t, ok := p.pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok {
			continue
		}
		n := types.NewMethodSet(types.NewPointer(t.Type())).Len()
		if name == "Log" {
			logs = n
		} else if n > others {
			largest, others = name, n
		}
	}
	for _, n := range []struct {
		of       string
		is, most int
	}{
		{"methods of Log", logs, 100},
		{"methods of " + largest + ", which has the most after Log", others, 66},
		{"files", files, 72},
		{"lines", lines, 11200},
	} {
		if n.is > n.most {
			t.Errorf("eventlog has %d %s, at most %d are allowed", n.is, n.of, n.most)
		}
		t.Logf("%d %s", n.is, n.of)
	}
}

// TestNoFunctionTakesAHubInAMethodsStead keeps the bounds on methods honest. What makes something of a log, a function
// whose name begins with new, may take it.
func TestNoFunctionTakesAHubInAMethodsStead(t *testing.T) {
	p, err := typedEventlog()
	if err != nil {
		t.Fatal(err)
	}
	scope := p.pkg.Scope()
	for _, name := range scope.Names() {
		f, ok := scope.Lookup(name).(*types.Func)
		if !ok || strings.HasPrefix(name, "new") {
			continue
		}
		for v := range f.Signature().Params().Variables() {
			for _, hub := range hubs {
				if types.Identical(v.Type(), types.NewPointer(scope.Lookup(hub).Type())) {
					t.Errorf("%s: %s takes a *%s, as a method of it would: whose verb is it?", p.fset.Position(f.Pos()), name, hub)
				}
			}
			if v.Type().String() != "context.Context" {
				break
			}
		}
	}
}
