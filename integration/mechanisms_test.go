package integration

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mechanism is a part of package eventlog, with the files that it is written in: their names without .go.
type mechanism struct{ name, files string }

// mechanisms are those of package eventlog. Each file of the package is of one.
var mechanisms = []mechanism{
	{"config", "config limits"},
	{"log", "doc log store"},
	{"status", "stats"},
	{"file", "damage faults_other faults_unix lock_flock lock_other pages preflight readahead tree unsynced_linux unsynced_other"},
	{"schema", "schema"},
	{"open", "create open unsynced"},
	{"tx", "readtx writetx"},
	{"commit", "append commit queue"},
	{"room", "room"},
	{"mend", "mend"},
	{"apply", "apply verification"},
	{"feeds", "feedrecord state"},
	{"times", "times"},
	{"shares", "shares shut"},
	{"recover", "recovering"},
	{"cursor", "cursor"},
	{"reading", "arrival author causal cursors entries heap merge page query tail view"},
	{"gone", "gone trimmed"},
	{"held", "held"},
	{"lookup", "lookup"},
	{"cut", "cut"},
	{"sync", "run sync"},
	{"source", "followsource"},
	{"followers", "followerrecord followers"},
	{"parked", "parked"},
	{"follow", "deliver follow followbatch followhere followretry"},
	{"index", "index indexblock indexbuild indexfound indexlayer indexmerge indexplan indexsearch indexsorted"},
	{"broadcast", "broadcast"},
	{"trim", "holders sweep trim trimpolicy"},
	{"prune", "prune"},
	{"compact", "compact"},
	{"verify", "indexverify verify verifypages"},
	{"forks", "forks"},
	{"update", "bucket update view_log"},
}

// toBeMended are the names that tie mechanisms into circles today. What is on this list must be so: it only shrinks.
var toBeMended = []struct {
	arrow
	names string
}{
	{arrow{"commit", "broadcast"}, "ErrTransient"},
	{arrow{"commit", "mend"}, "store.suspend store.leave"},
	{arrow{"commit", "recover"}, "store.appendable store.recovering ErrRecovering RecoveringError.Op RecoveringError.Own"},
	{arrow{"commit", "trim"}, "store.warnAhead"},
	{arrow{"commit", "update"}, "store.notInside"},
	{arrow{"config", "trim"}, "TrimPolicy TrimPolicy.withDefaults TrimPolicy.validate"},
	{arrow{"feeds", "shares"}, "ShutReason feedState.room"},
	{arrow{"feeds", "times"}, "readTx.lastTime"},
	{arrow{"feeds", "trim"}, "readTx.sweep"},
	{arrow{"feeds", "tx"}, "readTx readTx.arrivals readTx.feeds"},
	{arrow{"file", "update"}, "maxKey"},
	{arrow{"follow", "parked"}, "Tx.park"},
	{arrow{"followers", "follow"}, "Log.claims claims.has checkFollowerName ErrElsewhere claims.wake errMoved claims.take claims.release"},
	{arrow{"followers", "parked"}, "readTx.parked"},
	{arrow{"gone", "held"}, "maxSigned"},
	{arrow{"gone", "reading"}, "chunk chunk.gone ErrQuery pageEnd pageEnd.op pageEnd.seq"},
	{arrow{"gone", "sync"}, "Log.Feed"},
	{arrow{"open", "mend"}, "Log.mend"},
	{arrow{"reading", "index"}, "store.indexWalk"},
	{arrow{"reading", "log"}, "store.snapshot store.changes"},
	{arrow{"reading", "update"}, "store.notInside"},
	{arrow{"recover", "apply"}, "ErrSecondWriter"},
	{arrow{"room", "status"}, "Log.Health Health.Full"},
	{arrow{"times", "trim"}, "TrimPolicy TrimPolicy.MinAge"},
	{arrow{"trim", "followers"}, "readTx.holds"},
	{arrow{"tx", "commit"}, "store.commit writeTx.seal"},
	{arrow{"tx", "log"}, "ErrClosed"},
	{arrow{"tx", "recover"}, "RecoveringError"},
	{arrow{"tx", "shares"}, "opRoom"},
	{arrow{"tx", "times"}, "writeTx.putTime"},
	{arrow{"tx", "update"}, "store.notInside"},
}

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

// mechanismOf returns of which mechanism each file of package eventlog is, by its name without .go, and what is wrong
// with the table.
func mechanismOf() (of map[string]string, wrong []string) {
	files, err := parsedFiles()
	if err != nil {
		return nil, []string{err.Error()}
	}
	of = map[string]string{}
	for _, m := range mechanisms {
		for _, name := range strings.Fields(m.files) {
			if of[name] != "" {
				wrong = append(wrong, fmt.Sprintf("%s.go is in the table twice, under %s and under %s", name, of[name], m.name))
			}
			of[name] = m.name
		}
	}
	there := map[string]bool{}
	for _, f := range files {
		if f.dir == "eventlog" && !f.isTest() {
			name := strings.TrimSuffix(path.Base(f.name), ".go")
			if there[name] = true; of[name] == "" {
				wrong = append(wrong, fmt.Sprintf("%s is not in the table: of which mechanism is it?", f.name))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if !there[name] {
			wrong = append(wrong, fmt.Sprintf("eventlog/%s.go, under %s, is not there: strike it from the table", name, of[name]))
		}
	}
	return of, wrong
}

// TestMechanismsMakeNoCircles draws the mechanisms in layers. Where two use each other, by however long a way,
// neither can be understood, tested or moved without the other.
func TestMechanismsMakeNoCircles(t *testing.T) {
	of, wrong := mechanismOf()
	for _, w := range wrong {
		t.Error(w)
	}
	if t.Failed() {
		t.FailNow()
	}
	p, err := typedEventlog()
	if err != nil {
		t.Fatal(err)
	}
	all := arrowsBetween(p, of, "store", "Log")
	rest := maps.Clone(all)
	for _, k := range toBeMended {
		for _, name := range strings.Fields(k.names) {
			if !slices.ContainsFunc(all[k.arrow], func(u use) bool { return u.name == name }) {
				t.Errorf("%s has no %s any more: strike it from toBeMended", k.arrow, name)
			}
		}
		if all[k.arrow] != nil && all.path(k.to, k.from) == nil {
			t.Errorf("%s is on no circle any more: strike it from toBeMended", k.arrow)
		}
		rest[k.arrow] = slices.DeleteFunc(slices.Clone(all[k.arrow]), func(u use) bool { return slices.Contains(strings.Fields(k.names), u.name) })
		if len(rest[k.arrow]) == 0 {
			delete(rest, k.arrow)
		}
	}
	for circle := rest.circle(); circle != nil; circle = rest.circle() {
		t.Errorf("the mechanisms of eventlog make a circle:\n%s", rest.show(circle))
		delete(rest, rest.weakest(circle))
	}
	t.Logf("%d mechanisms, %d arrows, %d of them up:\n%s", len(mechanisms), len(all), len(all)-len(rest), rest)
}
