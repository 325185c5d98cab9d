package integration

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// arrow leads from a mechanism to one that it uses.
type arrow struct{ from, to string }

func (a arrow) String() string { return a.from + " → " + a.to }

// use is a name of another mechanism in the code of one.
type use struct {
	name string
	at   token.Position
}

func (u use) String() string {
	return fmt.Sprintf("%s:%d → %s", filepath.Base(u.at.Filename), u.at.Line, u.name)
}

// arrowsBetween returns the arrows between the mechanisms of a package, with what they consist of, in the order of
// the source. An arrow is the use of a function, type, constant, variable, method or field in another mechanism
// than the one that declares it. A call through an interface leads to whoever declares the interface.
//
// The structs that put all together, hubs, are known to everybody: to name one is no arrow, nor is what its
// declaration names. A method of it is of the mechanism that declares it, and to use a field leads to
// where the field's type is declared.
func arrowsBetween(p *typedPackage, of map[string]string, hubs ...string) drawing {
	w := weaver{p: p, of: of, fields: map[types.Object]string{}, arrows: drawing{}}
	for _, hub := range hubs {
		w.hubs = append(w.hubs, p.pkg.Scope().Lookup(hub))
	}
	for _, name := range p.pkg.Scope().Names() {
		if t, ok := p.pkg.Scope().Lookup(name).(*types.TypeName); ok {
			w.nameFields(t)
		}
	}
	for _, f := range p.files {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && slices.Contains(w.hubs, p.info.Defs[spec.Name]) {
				return false
			}
			if ident, ok := n.(*ast.Ident); ok {
				w.look(ident)
			}
			return true
		})
	}
	return w.arrows
}

// weaver looks at every name in the code of a package for arrowsBetween.
type weaver struct {
	p      *typedPackage
	of     map[string]string // file → mechanism
	hubs   []types.Object
	fields map[types.Object]string // the type that a field is of
	arrows drawing
}

func (w *weaver) nameFields(t *types.TypeName) {
	if s, ok := t.Type().Underlying().(*types.Struct); ok {
		for f := range s.Fields() {
			if _, named := w.fields[f]; !named {
				w.fields[f] = t.Name()
			}
		}
	}
}

// look takes note of what an identifier uses.
func (w *weaver) look(ident *ast.Ident) {
	switch used := w.p.info.Uses[ident].(type) {
	case nil:
	case *types.Func:
		w.draw(ident, used.Origin())
	case *types.Var:
		switch {
		case !used.IsField():
			w.draw(ident, used)
		case w.isHub(used.Origin()):
			for t := range w.typesIn(used.Type()) {
				w.drawAs(ident, t, w.nameOf(used.Origin()))
			}
		default:
			w.draw(ident, used.Origin())
		}
	default:
		w.draw(ident, used)
	}
}

func (w *weaver) isHub(field *types.Var) bool {
	return slices.ContainsFunc(w.hubs, func(hub types.Object) bool { return hub != nil && w.fields[field] == hub.Name() })
}

func (w *weaver) draw(ident *ast.Ident, to types.Object) { w.drawAs(ident, to, w.nameOf(to)) }

func (w *weaver) drawAs(ident *ast.Ident, to types.Object, name string) {
	if slices.Contains(w.hubs, to) || to.Pkg() != w.p.pkg || !w.shared(to) {
		return
	}
	a := arrow{w.mechanism(ident.Pos()), w.mechanism(to.Pos())}
	if a.from != a.to {
		w.arrows[a] = append(w.arrows[a], use{name, w.p.fset.Position(ident.Pos())})
	}
}

// shared reports whether an object is known outside of the function that declares it.
func (w *weaver) shared(o types.Object) bool {
	switch o := o.(type) {
	case *types.Func:
		return true
	case *types.Var:
		return o.IsField() || o.Parent() == w.p.pkg.Scope()
	}
	return o.Parent() == w.p.pkg.Scope()
}

func (w *weaver) mechanism(at token.Pos) string {
	return w.of[strings.TrimSuffix(filepath.Base(w.p.fset.File(at).Name()), ".go")]
}

// nameOf returns an object's name, with the type that it belongs to.
func (w *weaver) nameOf(o types.Object) string {
	if f, ok := o.(*types.Func); ok {
		if recv := f.Signature().Recv(); recv != nil {
			t := recv.Type()
			if p, ok := t.(*types.Pointer); ok {
				t = p.Elem()
			}
			if n, ok := t.(*types.Named); ok {
				return n.Obj().Name() + "." + o.Name()
			}
		}
	}
	if t := w.fields[o]; t != "" {
		return t + "." + o.Name()
	}
	return o.Name()
}

// typesIn returns the package's types that a type is made of.
func (w *weaver) typesIn(t types.Type) map[*types.TypeName]bool {
	found := map[*types.TypeName]bool{}
	var look func(types.Type)
	look = func(t types.Type) {
		switch t := t.(type) {
		case *types.Named:
			found[t.Obj()] = true
			for arg := range t.TypeArgs().Types() {
				look(arg)
			}
		case *types.Alias:
			found[t.Obj()] = true
		case *types.Map:
			look(t.Key())
			look(t.Elem())
		case interface{ Elem() types.Type }: // pointer, slice, array, channel
			look(t.Elem())
		}
	}
	look(t)
	return found
}

// TestWhatAnArrowIs draws a package of a few lines: what counts as the use of another mechanism, and what does not.
func TestWhatAnArrowIs(t *testing.T) {
	p := typedSource(t, map[string]string{
		"log":   "type Log struct { queue *queue; files map[string]Box[file]; path string }; func (l *Log) Close() { l.queue.leave() }",
		"queue": "type queue struct { cell; wait int }; func (q *queue) leave() { q.fill(); q.wait = 0; q.depth++ }",
		"cell":  "type cell struct { depth int }; func (c cell) fill() {}",
		"box":   "type Box[T any] struct { in []T }; func (b Box[T]) first() T { return b.in[0] }",
		"file":  "type file struct { size int }; const page = 4096",
		"read":  "func (l *Log) read() (n int) { page := l.path; _ = page; box := l.files[page]; n = box.first().size; l.Close(); return n }",
		"any":   "type reader interface { read() int }; func all(r reader) int { return r.read() + page }",
		"call":  "func call(l *Log) int { return all(l) }",
	})
	of := map[string]string{}
	for _, f := range p.files {
		of[f.name] = f.name
	}
	of["cell"] = "queue" // two files of one mechanism
	drawn := arrowsBetween(p, of, "Log")
	var got []string
	for a := range drawn {
		var names []string
		for _, u := range drawn.names(a) {
			names = append(names, u.name)
		}
		slices.Sort(names)
		got = append(got, fmt.Sprint(a, ": ", strings.Join(names, " ")))
	}
	slices.Sort(got)
	want := []string{
		"any → file: page",
		"call → any: all", // what it hands to all is no arrow
		"log → queue: Log.queue queue.leave",
		"read → box: Box.first Log.files",
		"read → file: Log.files file.size",
		"read → log: Log.Close",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// typedSource returns a package of files that import nothing.
func typedSource(t *testing.T, files map[string]string) *typedPackage {
	t.Helper()
	p := &typedPackage{fset: token.NewFileSet(), info: &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}}
	var asts []*ast.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		parsed, err := parser.ParseFile(p.fset, path.Join("p", name+".go"), "package p\n"+files[name], parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		p.files, asts = append(p.files, goFile{name: name, fset: p.fset, ast: parsed}), append(asts, parsed)
	}
	var err error
	if p.pkg, err = (&types.Config{}).Check("p", p.fset, asts, p.info); err != nil {
		t.Fatal(err)
	}
	return p
}
