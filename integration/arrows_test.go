package integration

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/quipulog/quipu"

// layer is a folder of the house with those that it may import, itself included. The arrows point
// one way: cmd → node → {gossip, eventlog} → crdt.
type layer struct {
	folder string
	may    []string
	why    string
}

var layers = []layer{
	{"crdt", []string{"crdt"}, "crdt is pure: it knows nothing of disks, networks or nodes"},
	{"eventlog", []string{"eventlog", "crdt"}, "the log works without a network, so it does not know of one"},
	{"gossip", []string{"gossip", "crdt"}, "gossip declares the log that it needs; node hands it one"},
	{"node", []string{"node", "gossip", "eventlog", "crdt"}, "node is what cmd assembles, not the other way round"},
	{"cmd", []string{"cmd", "node", "gossip", "eventlog", "crdt"}, "nothing imports a test"},
	{"integration", []string{"integration", "cmd", "node", "gossip", "eventlog", "crdt"}, ""},
}

// guarded lists the packages that stay inside one folder, so that replacing one of them touches
// that folder only.
var guarded = []struct{ prefix, folder string }{
	{"github.com/ugorji/go/codec", "crdt"},
	{"github.com/hashicorp/memberlist", "gossip/membership"},
	{"github.com/hashicorp/mdns", "gossip/find"},
	{"github.com/klauspost/compress", "gossip/wire"},
	{"go.etcd.io/bbolt", "eventlog"},
	{"github.com/spf13/cobra", "cmd/quipu"},
}

// impure lists what the pure package may not import.
var impure = []string{"crypto/rand", "math/rand", "math/rand/v2", "os", "net", "net/http", "log", "log/slog", "context", "runtime", "syscall", "os/exec"}

func TestImportsFollowTheArrows(t *testing.T) {
	for _, f := range goFiles(t) {
		folder, _, _ := strings.Cut(f.dir, "/")
		at := slices.IndexFunc(layers, func(l layer) bool { return l.folder == folder })
		if at < 0 {
			t.Errorf("%s: no folder of the house; the README shows the folders", f.name)
			continue
		}
		test := strings.HasSuffix(f.name, "_test.go")
		for _, imported := range f.imports() {
			if inside, ok := strings.CutPrefix(imported, module+"/"); ok && !test {
				to, _, _ := strings.Cut(inside, "/")
				if !slices.Contains(layers[at].may, to) {
					t.Errorf("%s imports %s: %s", f.name, inside, layers[at].why)
				}
			}
			for _, g := range guarded {
				if strings.HasPrefix(imported, g.prefix) && f.dir != g.folder && !test {
					t.Errorf("%s imports %s, which stays inside %s", f.name, imported, g.folder)
				}
			}
			if folder == "crdt" && !test && slices.Contains(impure, imported) {
				t.Errorf("%s imports %s: %s", f.name, imported, layers[at].why)
			}
		}
	}
}

// TestGuardedTypesAreNotExported looks at every exported declaration: a guarded package's type in one
// would make it part of our interface.
func TestGuardedTypesAreNotExported(t *testing.T) {
	for _, f := range goFiles(t) {
		if strings.HasSuffix(f.name, "_test.go") || strings.HasPrefix(f.dir, "cmd/") {
			continue
		}
		names := f.guardedNames()
		if len(names) == 0 {
			continue
		}
		for _, shown := range exportedTypes(f.ast) {
			ast.Inspect(shown, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if pkg, ok := sel.X.(*ast.Ident); ok && slices.Contains(names, pkg.Name) {
						t.Errorf("%s: %s.%s stands in an exported declaration", f.fset.Position(sel.Pos()), pkg.Name, sel.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

// exportedTypes returns the type expressions that a user of the package can see.
func exportedTypes(file *ast.File) []ast.Node {
	var shown []ast.Node
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && receiverExported(d) {
				shown = append(shown, d.Type)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				shown = append(shown, exportedSpec(spec)...)
			}
		}
	}
	return shown
}

func exportedSpec(spec ast.Spec) []ast.Node {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		if s.Type != nil && s.Names[0].IsExported() {
			return []ast.Node{s.Type}
		}
	case *ast.TypeSpec:
		st, isStruct := s.Type.(*ast.StructType)
		if !s.Name.IsExported() {
			return nil
		}
		if !isStruct {
			return []ast.Node{s.Type}
		}
		var fields []ast.Node
		for _, field := range st.Fields.List {
			if len(field.Names) == 0 || field.Names[0].IsExported() {
				fields = append(fields, field.Type)
			}
		}
		return fields
	}
	return nil
}

func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if index, ok := typ.(*ast.IndexExpr); ok {
		typ = index.X
	}
	name, ok := typ.(*ast.Ident)
	return ok && name.IsExported()
}

// goFile is a parsed source file; dir is its folder from the top of the repository, with slashes.
type goFile struct {
	name, dir string
	fset      *token.FileSet
	ast       *ast.File
}

func goFiles(t *testing.T) []goFile {
	t.Helper()
	const top = ".."
	var files []goFile
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != top) {
			return filepath.SkipDir
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		f := goFile{fset: token.NewFileSet()}
		if f.ast, err = parser.ParseFile(f.fset, name, nil, parser.SkipObjectResolution|parser.ParseComments); err != nil {
			return err
		}
		rel, err := filepath.Rel(top, name)
		f.name = filepath.ToSlash(rel)
		f.dir = path.Dir(f.name)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("found %d source files: not the repository", len(files))
	}
	return files
}

func (f goFile) imports() []string {
	var paths []string
	for _, spec := range f.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// guardedNames returns the names under which the file imports guarded packages.
func (f goFile) guardedNames() []string {
	var names []string
	for _, spec := range f.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil || !slices.ContainsFunc(guarded, func(g struct{ prefix, folder string }) bool { return strings.HasPrefix(p, g.prefix) }) {
			continue
		}
		name := path.Base(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names = append(names, name)
	}
	return names
}
