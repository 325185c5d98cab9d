package integration

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

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

// rooms are the packages inside of a layer that the others do not see, with all that they may import of the house.
var rooms = []layer{
	{"eventlog/internal/audience", []string{"crdt"}, "who is told of an event does not depend on what is held"},
	{"eventlog/internal/choice", []string{"crdt"}, "an entry passes wherever it stands"},
	{"eventlog/internal/crash", nil, "it has no code, only tests"},
	{"eventlog/internal/copyout", []string{"crdt", "eventlog/backup", "eventlog/internal/disk", "eventlog/internal/record", "eventlog/internal/schema", "eventlog/internal/sys", "eventlog/retention"}, "what is read does not depend on who goes on writing"},
	{"eventlog/internal/disk", []string{"eventlog/internal/identity", "eventlog/internal/sys"}, "the file is a file, whatever stands in it"},
	{"eventlog/internal/excerpt", []string{"crdt", "eventlog/internal/heap"}, "in which order entries stand does not depend on where they were read"},
	{"eventlog/internal/feedcheck", []string{"crdt", "eventlog/internal/record"}, "whether ops follow each other does not depend on where they lie"},
	{"eventlog/internal/feeds", []string{"crdt", "eventlog/internal/record", "eventlog/retention"}, "what is held does not depend on where it lies"},
	{"eventlog/internal/heap", nil, "the order of values is its user's to say"},
	{"eventlog/internal/held", []string{"crdt", "eventlog/internal/record"}, "what laws ask does not depend on where ops lie"},
	{"eventlog/internal/helped", nil, "the order of the results does not depend on the work"},
	{"eventlog/internal/holes", []string{"crdt", "eventlog/internal/disk", "eventlog/internal/feedcheck", "eventlog/internal/record"}, "what cannot be read does not depend on who has it"},
	{"eventlog/internal/identity", []string{"eventlog/internal/sys", "eventlog/whole"}, "what a file is does not depend on what stands in it"},
	{"eventlog/internal/incarnation", nil, "how far a name holds does not depend on what has arrived"},
	{"eventlog/internal/ownend", []string{"crdt", "eventlog/internal/disk", "eventlog/internal/record"}, "what the file says does not depend on who goes on"},
	{"eventlog/internal/pagetoken", []string{"crdt"}, "what a token says does not depend on who reads it"},
	{"eventlog/internal/postings", []string{"eventlog/internal/disk", "eventlog/internal/heap"}, "what stands at an offset does not matter to what finds it"},
	{"eventlog/internal/queue", nil, "who writes when does not depend on what is written"},
	{"eventlog/internal/record", []string{"crdt"}, "bytes are what they are, wherever they lie"},
	{"eventlog/internal/reentry", nil, "who is inside does not depend on what is run"},
	{"eventlog/internal/refill", []string{"crdt", "eventlog/internal/disk", "eventlog/internal/record", "eventlog/internal/schema", "eventlog/internal/sys", "eventlog/whole"}, "what a file is made of does not depend on where it came from"},
	{"eventlog/internal/request", []string{"crdt"}, "what is asked for does not depend on who commits it"},
	{"eventlog/internal/salvage", []string{"crdt", "eventlog/internal/disk", "eventlog/internal/incarnation", "eventlog/internal/ownend", "eventlog/internal/record", "eventlog/internal/refill", "eventlog/internal/schema", "eventlog/whole"}, "what is left of a file does not depend on who opens it"},
	{"eventlog/internal/schema", []string{"eventlog/internal/disk"}, "where something lies does not depend on what it is"},
	{"eventlog/internal/sys", nil, "the system knows of files only"},
	{"eventlog/internal/times", []string{"eventlog/internal/disk", "eventlog/internal/record"}, "when something came does not depend on what it was"},
}

// guarded lists the packages that stay inside a folder or a few, so that replacing one of them touches those
// only. Tests may import them anywhere.
var guarded = []guard{
	{"github.com/ugorji/go/codec", []string{"crdt"}},
	{"github.com/hashicorp/memberlist", []string{"gossip/membership"}},
	{"filippo.io/age", []string{"node/folder"}},
	{"github.com/hashicorp/mdns", []string{"gossip/find"}},
	{"github.com/klauspost/compress", []string{"gossip/wire"}},
	{"go.etcd.io/bbolt", []string{"eventlog/internal/disk"}},
	{"github.com/spf13/cobra", []string{"cmd/quipu"}},
}

type guard struct {
	pkg     string // and those below it
	folders []string
}

func (g guard) guards(imported string) bool {
	return imported == g.pkg || strings.HasPrefix(imported, g.pkg+"/")
}

// impure lists what the pure package may not import.
var impure = []string{"crypto/rand", "math/rand", "math/rand/v2", "os", "net", "net/http", "log", "log/slog", "context", "runtime", "syscall", "os/exec"}

func TestImportsFollowTheArrows(t *testing.T) {
	users := map[string]bool{} // guarded package and folder
	for _, f := range goFiles(t) {
		folder, _, _ := strings.Cut(f.dir, "/")
		at := slices.IndexFunc(layers, func(l layer) bool { return l.folder == folder })
		if at < 0 {
			t.Errorf("%s: no folder of the house; the README shows the folders", f.name)
			continue
		}
		test := f.isTest()
		for _, imported := range f.imports() {
			if inside, ok := strings.CutPrefix(imported, module+"/"); ok && !test {
				to, _, _ := strings.Cut(inside, "/")
				if !slices.Contains(layers[at].may, to) {
					t.Errorf("%s imports %s: %s", f.name, inside, layers[at].why)
				}
			}
			for _, g := range guarded {
				if !g.guards(imported) || test {
					continue
				}
				if users[g.pkg+" "+f.dir] = true; !slices.Contains(g.folders, f.dir) {
					t.Errorf("%s imports %s, which stays inside %s", f.name, imported, strings.Join(g.folders, " and "))
				}
			}
			if folder == "crdt" && !test && slices.Contains(impure, imported) {
				t.Errorf("%s imports %s: %s", f.name, imported, layers[at].why)
			}
		}
	}
	for _, g := range guarded {
		for _, folder := range g.folders {
			if !users[g.pkg+" "+folder] {
				t.Errorf("%s is guarded for %s, which does not import it: strike the folder", g.pkg, folder)
			}
		}
	}
}

// TestRoomsKnowLess holds the packages under internal to what rooms says.
func TestRoomsKnowLess(t *testing.T) {
	entered := make([]bool, len(rooms))
	for _, f := range goFiles(t) {
		if f.isTest() || !strings.Contains(f.dir+"/", "/internal/") {
			continue
		}
		at := slices.IndexFunc(rooms, func(r layer) bool { return r.folder == f.dir })
		if at < 0 {
			t.Errorf("%s: package %s is none of the rooms: say there what it may import", f.name, f.dir)
			continue
		}
		entered[at] = true
		for _, imported := range f.imports() {
			if inside, ok := strings.CutPrefix(imported, module+"/"); ok && !slices.Contains(rooms[at].may, inside) {
				t.Errorf("%s imports %s: %s", f.name, inside, rooms[at].why)
			}
		}
	}
	for i, r := range rooms {
		if !entered[i] {
			t.Errorf("%s is not there: strike it from the rooms", r.folder)
		}
	}
}

// TestGuardedTypesAreNotExported looks at every exported declaration: a guarded package's type in one
// would make it part of our interface.
func TestGuardedTypesAreNotExported(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isTest() || strings.HasPrefix(f.dir, "cmd/") {
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

// guardedNames returns the names under which the file imports guarded packages.
func (f goFile) guardedNames() []string {
	var names []string
	for _, spec := range f.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil || !slices.ContainsFunc(guarded, func(g guard) bool { return g.guards(p) }) {
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
