package integration

import (
	"go/ast"
	"os"
	"os/exec"
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
	{"eventlog/internal/arrivals", []string{"crdt", "eventlog/internal/disk", "eventlog/internal/ownend", "eventlog/internal/record", "eventlog/internal/schema"}, "where an op has arrived does not depend on who reads it"},
	{"eventlog/internal/audience", []string{"crdt"}, "who is told of an event does not depend on what is held"},
	{"eventlog/internal/choice", []string{"crdt"}, "an entry passes wherever it stands"},
	{"eventlog/internal/crash", nil, "it has no code, only tests"},
	{"eventlog/internal/copyout", []string{"crdt", "eventlog/backup", "eventlog/internal/arrivals", "eventlog/internal/disk", "eventlog/internal/record", "eventlog/internal/schema", "eventlog/internal/sys", "eventlog/retention"}, "what is read does not depend on who goes on writing"},
	{"eventlog/internal/disk", []string{"eventlog/internal/identity", "eventlog/internal/sys", "eventlog/whole"}, "the file is a file, whatever stands in it"},
	{"eventlog/internal/excerpt", []string{"crdt", "eventlog/internal/heap"}, "in which order entries stand does not depend on where they were read"},
	{"eventlog/internal/feedcheck", []string{"crdt", "eventlog/internal/record"}, "whether ops follow each other does not depend on where they lie"},
	{"eventlog/internal/feeds", []string{"crdt", "eventlog/internal/record", "eventlog/retention"}, "what is held does not depend on where it lies"},
	{"eventlog/internal/heap", nil, "the order of values is its user's to say"},
	{"eventlog/internal/held", []string{"crdt", "eventlog/internal/record"}, "what laws ask does not depend on where ops lie"},
	{"eventlog/internal/helped", nil, "the order of the results does not depend on the work"},
	{"eventlog/internal/holes", []string{"crdt", "eventlog/internal/disk", "eventlog/internal/feedcheck", "eventlog/internal/record"}, "what cannot be read does not depend on who has it"},
	{"eventlog/internal/identity", []string{"eventlog/internal/sys", "eventlog/whole"}, "what a file is does not depend on what stands in it"},
	{"eventlog/internal/ids", []string{"crdt", "eventlog/internal/disk", "eventlog/internal/record", "eventlog/internal/schema"}, "which entry bears an id does not depend on who asks"},
	{"eventlog/internal/incarnation", nil, "how far a name holds does not depend on what has arrived"},
	{"eventlog/internal/meter", nil, "what is counted does not depend on who asks"},
	{"eventlog/internal/ownend", []string{"crdt", "eventlog/internal/disk", "eventlog/internal/record", "eventlog/internal/schema"}, "what the file says does not depend on who goes on"},
	{"eventlog/internal/pagetoken", []string{"crdt"}, "what a token says does not depend on who reads it"},
	{"eventlog/internal/postings", []string{"eventlog/internal/disk", "eventlog/internal/heap"}, "what stands at an offset does not matter to what finds it"},
	{"eventlog/internal/queue", nil, "who writes when does not depend on what is written"},
	{"eventlog/internal/record", []string{"crdt"}, "bytes are what they are, wherever they lie"},
	{"eventlog/internal/reentry", nil, "who is inside does not depend on what is run"},
	{"eventlog/internal/refill", []string{"crdt", "eventlog/internal/arrivals", "eventlog/internal/disk", "eventlog/internal/ids", "eventlog/internal/record", "eventlog/internal/schema", "eventlog/internal/sys", "eventlog/follower", "eventlog/whole"}, "what a file is made of does not depend on where it came from"},
	{"eventlog/internal/request", []string{"crdt", "eventlog/internal/ids"}, "what is asked for does not depend on who commits it"},
	{"eventlog/internal/salvage", []string{"crdt", "eventlog/internal/disk", "eventlog/internal/incarnation", "eventlog/internal/ownend", "eventlog/internal/record", "eventlog/internal/refill", "eventlog/internal/schema", "eventlog/follower", "eventlog/whole"}, "what is left of a file does not depend on who opens it"},
	{"eventlog/internal/schema", nil, "where something lies does not depend on what it is"},
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
	{"github.com/klauspost/compress", []string{"gossip/wire", "node/server"}},
	{"go.etcd.io/bbolt", []string{"eventlog/internal/disk"}},
	{"github.com/prometheus/client_golang", []string{"node/metrics"}},
	{"github.com/spf13/cobra", []string{"cmd/quipu"}},
	{"charm.land/bubbletea/v2", []string{"cmd/quipu"}},
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

// linked lists the modules of others that a program links which uses a package, and no other of ours: it is small where
// only a log is kept, smaller where a node is called. A new one needs a reason.
var linked = map[string][]string{
	"eventlog": {"filippo.io/edwards25519", "github.com/transparency-dev/merkle", "github.com/ugorji/go/codec", "go.etcd.io/bbolt", "golang.org/x/sys"},
	"gossip": {
		"filippo.io/edwards25519", "github.com/google/btree", "github.com/hashicorp/errwrap", "github.com/hashicorp/go-immutable-radix",
		"github.com/hashicorp/go-metrics", "github.com/hashicorp/go-msgpack/v2", "github.com/hashicorp/go-multierror", "github.com/hashicorp/go-sockaddr",
		"github.com/hashicorp/golang-lru", "github.com/hashicorp/mdns", "github.com/hashicorp/memberlist", "github.com/klauspost/compress",
		"github.com/miekg/dns", "github.com/sean-/seed", "github.com/transparency-dev/merkle", "github.com/ugorji/go/codec", "golang.org/x/net",
		"golang.org/x/sync", "golang.org/x/sys",
	},
	"node/client": {"filippo.io/edwards25519", "github.com/klauspost/compress", "github.com/transparency-dev/merkle", "github.com/ugorji/go/codec"},
}

func TestProgramsLinkNoMore(t *testing.T) {
	for pkg, want := range linked {
		list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "../"+pkg)
		list.Env = append(os.Environ(), "GOOS=linux")
		out, err := list.Output()
		if err != nil {
			t.Fatalf("%v: %v", list, err)
		}
		got := slices.DeleteFunc(strings.Fields(string(out)), func(path string) bool { return path == module })
		slices.Sort(got)
		for _, path := range slices.Compact(got) {
			if !slices.Contains(want, path) {
				t.Errorf("who uses %s links %s", pkg, path)
			}
		}
		for _, path := range want {
			if !slices.Contains(got, path) {
				t.Errorf("who uses %s does not link %s: strike it", pkg, path)
			}
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
