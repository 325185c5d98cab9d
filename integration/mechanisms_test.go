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
	{"config", "config limits mute"},
	{"log", "doc log"},
	{"store", "store"},
	{"status", "stats"},
	{"file", "damage"},
	{"schema", "schema"},
	{"open", "create mend open salvage"},
	{"tx", "onlooking readtx writetx"},
	{"commit", "append commit ownhead recovering"},
	{"room", "room"},
	{"apply", "apply"},
	{"holes", "holes"},
	{"times", "times"},
	{"shares", "shut"},
	{"recover", "settle"},
	{"cursor", "cursor"},
	{"query", "cursors entry"},
	{"incarnation", "incarnation"},
	{"rekey", "rekey"},
	{"walks", "arrival author causal indexfound indexsorted view"},
	{"reading", "entries indexplan page tail"},
	{"gone", "gone"},
	{"held", "held"},
	{"lookup", "lookup"},
	{"receipts", "receipts"},
	{"cut", "cut"},
	{"sync", "run sync"},
	{"source", "followsource"},
	{"followers", "followers parked"},
	{"follow", "deliver follow followbatch followhere followretry replay"},
	{"index", "index"},
	{"broadcast", "broadcast"},
	{"trim", "pruning trim trimming"},
	{"prune", "prune"},
	{"compact", "compact"},
	{"verify", "verify verifyops"},
	{"backup", "backup"},
	{"forks", "forks"},
	{"update", "bucket update view_log"},
}

// hubs are the types of package eventlog that put all together, see arrowsBetween.
var hubs = []string{"Log", "store", "contents"}

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
	arrows := arrowsBetween(p, of, hubs...)
	if circle := arrows.circle(); circle != nil {
		t.Fatalf("the mechanisms of eventlog make a circle:\n%s", arrows.show(circle))
	}
	t.Logf("%d mechanisms, %d arrows:\n%s", len(mechanisms), len(arrows), arrows)
}
