package integration

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// logCall is a place in the code that writes a line of the log.
type logCall struct {
	at      string // file:line
	message string // "" where it is no literal
	levels  []string
	keys    []string
	odd     string // what of the call cannot be read
}

// loggers are what a logger is called.
var loggers = []string{"logger", "Logger", "log", "to"}

// logCalls returns the calls of this repository's programs by which something is logged.
func logCalls(t *testing.T) (calls []logCall) {
	t.Helper()
	root := ".."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "integration" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			ast.Inspect(decl, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if c, ok := readLogCall(call, decl); ok {
					c.at = files.Position(call.Pos()).String()
					calls = append(calls, c)
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

// readLogCall reads a call within a declaration; false says that nothing is logged by it.
func readLogCall(call *ast.CallExpr, within ast.Node) (c logCall, ok bool) {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if ok && method.Sel.Name == "NewRecord" && len(call.Args) == 4 {
		c.message, ok = literal(call.Args[2])
		c.levels = levelsNamed(call.Args[1])
		return c, ok
	}
	if !ok || !slices.Contains(loggers, lastName(method.X)) {
		return c, false
	}
	args := call.Args
	switch name := method.Sel.Name; {
	case slices.Contains([]string{"Debug", "Info", "Warn", "Error"}, name) && len(args) > 0:
		c.levels = []string{strings.ToUpper(name)}
	case name == "Log" && len(args) > 2:
		c.levels = levelsNamed(args[1])
		if c.levels == nil {
			c.levels = levelsNamed(within)
		}
		args = args[2:]
	default:
		return c, false
	}
	if c.message, ok = literal(args[0]); !ok {
		if c.message = begins(args[0], within); c.message == "" {
			c.odd = "its message is not written out"
		}
	}
	if call.Ellipsis != token.NoPos {
		c.odd = "its fields are not written out"
	}
	for i := 1; i < len(args); i += 2 {
		key, ok := literal(args[i])
		if !ok {
			if _, attr := args[i].(*ast.CallExpr); attr && i == len(args)-1 {
				break // what rarely says of lines that were held back
			}
			c.odd = "a key is not written out"
		}
		c.keys = append(c.keys, key)
	}
	return c, true
}

// lastName returns the last name of x.y.z.
func lastName(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	}
	return ""
}

// levelsNamed returns the levels above debug that are named somewhere below n.
func levelsNamed(n ast.Node) (levels []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && strings.HasPrefix(s.Sel.Name, "Level") && lastName(s.X) == "slog" && s.Sel.Name != "LevelDebug" {
			levels = append(levels, strings.ToUpper(strings.TrimPrefix(s.Sel.Name, "Level")))
		}
		return true
	})
	slices.Sort(levels)
	return slices.Compact(levels)
}

func literal(x ast.Expr) (string, bool) {
	lit, ok := x.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// begins returns what a message begins with that is joined from parts, here or where it is made in the same declaration.
func begins(x ast.Expr, within ast.Node) (text string) {
	switch x := x.(type) {
	case *ast.BasicLit:
		text, _ = literal(x)
	case *ast.BinaryExpr:
		text = begins(x.X, within)
	case *ast.Ident:
		if within == nil {
			return ""
		}
		ast.Inspect(within, func(n ast.Node) bool {
			assign, ok := n.(*ast.AssignStmt)
			if !ok || text != "" || assign.Tok != token.DEFINE || len(assign.Lhs) != len(assign.Rhs) {
				return true
			}
			for i, to := range assign.Lhs {
				if lastName(to) == x.Name {
					text = begins(assign.Rhs[i], nil)
				}
			}
			return true
		})
	}
	return text
}
