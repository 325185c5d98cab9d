package integration

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// mechanism is a part of package eventlog, with the files that it is written in: their names without .go.
type mechanism struct{ name, files string }

// mechanisms are those of package eventlog. Each file of the package is of one.
var mechanisms = []mechanism{
	{"config", "config limits trimpolicy"},
	{"log", "doc log"},
	{"store", "mute store"},
	{"status", "stats"},
	{"file", "damage"},
	{"schema", "schema"},
	{"open", "create open"},
	{"tx", "readtx writetx"},
	{"commit", "append commit queue"},
	{"room", "room"},
	{"mend", "mend"},
	{"apply", "apply verification"},
	{"feeds", "state"},
	{"times", "times"},
	{"shares", "shares shut"},
	{"recover", "recovering"},
	{"cursor", "cursor"},
	{"reading", "arrival author causal cursors entries indexfound indexplan indexsorted merge page query tail view"},
	{"gone", "gone horizon"},
	{"held", "held"},
	{"lookup", "lookup"},
	{"cut", "cut"},
	{"sync", "run sync"},
	{"source", "followsource"},
	{"followers", "followerrecord followers parked"},
	{"follow", "deliver follow followbatch followhere followretry replay"},
	{"index", "index"},
	{"broadcast", "broadcast"},
	{"trim", "holders pruning sweep trim trimming"},
	{"prune", "prune"},
	{"compact", "compact"},
	{"verify", "indexverify verify"},
	{"forks", "forks"},
	{"update", "bucket update view_log"},
}

// hubs are the types of package eventlog that put all together, see arrowsBetween.
var hubs = []string{"Log", "store", "contents"}

// toBeMended are the names that tie mechanisms into circles today. What is on this list must be so: it only shrinks.
var toBeMended = []struct {
	arrow
	names string
}{
	{arrow{"commit", "mend"}, "store.suspend store.leave"},
	{arrow{"open", "mend"}, "Log.mend"},
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
	all := arrowsBetween(p, of, hubs...)
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
