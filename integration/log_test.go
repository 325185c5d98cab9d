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
// it. What would go beyond a bound wants a noun, or a package, of its own; the bounds only fall.
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
	methods := types.NewMethodSet(types.NewPointer(p.pkg.Scope().Lookup("Log").Type())).Len()
	for _, n := range []struct {
		of       string
		is, most int
	}{
		{"methods of Log", methods, 183},
		{"files", files, 86},
		{"lines", lines, 14418},
	} {
		if n.is > n.most {
			t.Errorf("eventlog has %d %s, at most %d are allowed", n.is, n.of, n.most)
		}
		t.Logf("%d %s", n.is, n.of)
	}
}

// TestNoFunctionTakesALogInAMethodsStead keeps the bound on methods honest. What makes something of a log may take it.
func TestNoFunctionTakesALogInAMethodsStead(t *testing.T) {
	p, err := typedEventlog()
	if err != nil {
		t.Fatal(err)
	}
	scope := p.pkg.Scope()
	log := types.NewPointer(scope.Lookup("Log").Type())
	for _, name := range scope.Names() {
		f, ok := scope.Lookup(name).(*types.Func)
		if !ok || strings.HasPrefix(name, "new") {
			continue
		}
		for v := range f.Signature().Params().Variables() {
			if types.Identical(v.Type(), log) {
				t.Errorf("%s: %s takes a *Log, as a method of it would: whose verb is it?", p.fset.Position(f.Pos()), name)
			}
			if v.Type().String() != "context.Context" {
				break
			}
		}
	}
}
