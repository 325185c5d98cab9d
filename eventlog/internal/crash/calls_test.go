package crash

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// elsewhere are the folders of package eventlog whose files are not the log's: what they do to them is no step of it.
var elsewhere = []string{"eventlogtest", "internal/sys", "recorder"}

// changing are the functions of package os that change what is on disk, and have one of that name in package sys.
var changing = []string{"Create", "CreateTemp", "WriteFile", "Mkdir", "Rename", "Remove", "RemoveAll", "Link", "Symlink", "Truncate"}

// TestEachCallIsAStep: whatever changes a file of the log goes through package sys. What does not has no row in the
// table.
func TestEachCallIsAStep(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	must(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		inside, _ := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(elsewhere, filepath.ToSlash(inside)):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		for _, call := range changes(t, path) {
			t.Errorf("%s: package sys has a function for it, by which it is a step of the table", call)
		}
		return nil
	}))
	for _, path := range []string{"node/restore.go", "node/folder/restoring.go"} { // what a node is made by
		for _, call := range changes(t, filepath.Join(root, "..", filepath.FromSlash(path))) {
			t.Errorf("%s: package whole has a function for it, by which it is a step of the table", call)
		}
	}
	if files < 100 {
		t.Errorf("%d files were looked at", files)
	}
}

// changes returns the calls of package os in a file that change what is on disk.
func changes(t *testing.T, path string) (calls []string) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	must(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := ofOS(call.Fun)
		makes := name == "OpenFile" && len(call.Args) == 3 && mentions(call.Args[1], "O_CREATE", "O_TRUNC")
		if makes || slices.Contains(changing, name) {
			calls = append(calls, set.Position(call.Pos()).String()+": os."+name)
		}
		return true
	})
	return calls
}

// ofOS returns the name that an expression has in package os; "" for others.
func ofOS(e ast.Node) string {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if pkg, ok := sel.X.(*ast.Ident); !ok || pkg.Name != "os" {
		return ""
	}
	return sel.Sel.Name
}

// mentions reports whether one of the names of package os stands in an expression.
func mentions(e ast.Expr, names ...string) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		found = found || slices.Contains(names, ofOS(n))
		return true
	})
	return found
}
