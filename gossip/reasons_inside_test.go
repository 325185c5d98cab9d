package gossip

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/quipulog/quipu/gossip/transport"
)

// constantsOf returns the texts of the constants that a file declares with a type.
func constantsOf(t *testing.T, file, typ string) (all []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == typ {
			if text, ok := spec.Values[0].(*ast.BasicLit); ok {
				value, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, value)
			}
		}
		return true
	})
	return all
}

// TestAllReasonsAreTold: the lists of reasons have each that is declared, so that who watches sees it before it is met.
func TestAllReasonsAreTold(t *testing.T) {
	ours, theirs := constantsOf(t, "offence.go", "Reason"), constantsOf(t, "transport/counts.go", "Reason")
	if len(ours) < 20 || len(theirs) < 10 {
		t.Fatalf("%d and %d constants were found: the search is broken", len(ours), len(theirs))
	}
	for _, text := range ours {
		if !slices.Contains(Reasons, Reason(text)) {
			t.Errorf("%s is not in Reasons", text)
		}
	}
	for _, text := range theirs {
		if !slices.Contains(transport.Reasons, transport.Reason(text)) {
			t.Errorf("%s is not in transport.Reasons", text)
		}
	}
	if len(ours) != len(Reasons) || len(theirs) != len(transport.Reasons) {
		t.Errorf("%d of %d and %d of %d reasons are told", len(Reasons), len(ours), len(transport.Reasons), len(theirs))
	}
}

// TestSinceWhenAPeerLacksSomething: since the first of the comparisons in a row that showed it.
func TestSinceWhenAPeerLacksSomething(t *testing.T) {
	p := &peering{}
	at := func(step int) time.Time { return time.Unix(int64(step), 0) }
	for i, step := range []struct {
		lacks uint64
		since time.Time
	}{{0, time.Time{}}, {3, at(1)}, {9, at(1)}, {1, at(1)}, {0, time.Time{}}, {2, at(5)}} {
		p.lacked(step.lacks, at(i))
		if !p.lacksSince.Equal(step.since) || p.lacks != step.lacks || !p.lacksAt.Equal(at(i)) {
			t.Errorf("step %d: it lacks %d since %v, as of %v", i, p.lacks, p.lacksSince, p.lacksAt)
		}
	}
}
