package integration

import (
	"go/ast"
	"go/token"
	"testing"
)

// TestEnumsHaveNames looks at every exported type of which constants are numbered by iota: one that has no
// String is a bare number in every log line, error and test that shows it.
func TestEnumsHaveNames(t *testing.T) {
	enums, named := map[string]token.Position{}, map[string]bool{}
	for _, f := range goFiles(t) {
		if f.isTest() {
			continue
		}
		for _, decl := range f.ast.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == "String" && d.Recv != nil {
					if receiver, ok := d.Recv.List[0].Type.(*ast.Ident); ok {
						named[f.dir+"."+receiver.Name] = true
					}
				}
			case *ast.GenDecl:
				if name := enumOf(d); name != "" {
					enums[f.dir+"."+name] = f.fset.Position(d.Pos())
				}
			}
		}
	}
	for enum, at := range enums {
		if !named[enum] {
			t.Errorf("%s: %s has no String", at, enum)
		}
	}
	if len(enums) < 10 {
		t.Errorf("%d enums were found: the search is broken", len(enums))
	}
}

// enumOf returns the exported type of which a declaration numbers constants by iota; "" for none.
func enumOf(d *ast.GenDecl) string {
	if d.Tok != token.CONST {
		return ""
	}
	first, ok := d.Specs[0].(*ast.ValueSpec)
	if !ok || len(first.Values) != 1 || !first.Names[0].IsExported() {
		return ""
	}
	name, typed := first.Type.(*ast.Ident)
	counts := false
	ast.Inspect(first.Values[0], func(n ast.Node) bool {
		ident, ok := n.(*ast.Ident)
		counts = counts || ok && ident.Name == "iota"
		return true
	})
	if !typed || !counts {
		return ""
	}
	return name.Name
}
