package crdt

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPlanSpan draws what is sent for a span.
func TestPlanSpan(t *testing.T) {
	for _, test := range []struct {
		name, drawing string
		held          []string // runs
		head          string
		from, upto    uint64
		want          string // what is sent; "no" when the span cannot be planned
	}{
		{"the middle", "a-b-c-d-e", []string{"a b c d e"}, "e", 1, 3, "b c"},
		{"all of it", "a-b-c", []string{"a b c"}, "c", 0, 3, "a b c"},
		{"beyond the head", "a-b-c", []string{"a b c"}, "c", 1, 100, "b c"},
		{"past the head", "a-b-c", []string{"a b c"}, "c", 3, 5, ""},
		{"nothing asked for", "a-b-c", []string{"a b c"}, "c", 1, 1, ""},
		{"turned round", "a-b-c", []string{"a b c"}, "c", 2, 1, ""},
		{"no seq at all", "a-b-c", []string{"a b c"}, "c", 0, 0, ""},
		{"the head is below what is held", "a-b-c-d", []string{"a b c d"}, "c", 1, 100, "b c"},
		{"the head is not held", "a-b-c-d", []string{"a b c"}, "d", 0, 3, "no"},
		{"the head of another branch", `
			a-b-c
			  \-x`, []string{"a b c"}, "x", 0, 3, "no"},
		{"a forked feed", `
			a-b-c
			  \-x`, []string{"a b c", "x"}, "c", 0, 3, "a b c"},
		{"a part of a branch", `
			a-b-c-d
			  \-x-y-z`, []string{"a b c d", "x y z"}, "y", 3, 4, "y"},
		{"a branch from where it parts", `
			a-b-c-d
			  \-x-y-z`, []string{"a b c d", "x y z"}, "y", 0, 4, "x y"},
		{"under a fork", `
			a-b-c-d
			  \-x-y-z`, []string{"a b c d", "x y z"}, "b", 0, 2, "a b"},
		{"an unknown author", "a-b", nil, "b", 0, 2, "no"},
		{"it begins inside an op", "a-b4-c-d", []string{"a b c d"}, "d", 2, 6, "c"},
		{"it ends inside an op", "a-b4-c-d", []string{"a b c d"}, "d", 0, 3, "a b"},
		{"one op reaches across it", "a-b4-c-d", []string{"a b c d"}, "d", 2, 4, ""},
		{"a floor above it", "a-b-c-d-e^2-f", []string{"[e] c d e f"}, "f", 0, 2, ""},
		{"a floor inside it", "a-b-c-d-e^2-f", []string{"[e] c d e f"}, "f", 1, 4, "[e] c d"},
		{"it ends before an anchor", "a-b!-c!-d-e", []string{"a b c d e"}, "e", 0, 2, "a | b c d"},
		{"no anchor in it", "a-b!-c!-d-e", []string{"a b c d e"}, "e", 1, 2, "b c d"},
		{"an op below the head that is no anchor", "a-b!-c!-d-e", []string{"a b c d e"}, "c", 1, 3, "b c d"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := draw(t, 0, test.drawing)
			set := NewSet(vectorLog)
			for _, names := range test.held {
				apply(t, set, p.run(names))
			}
			head := p.op(test.head)
			seg, ok, err := PlanSpan(set, Span{Author: head.Author, Head: head.Head(), From: test.from, Upto: test.upto})
			if err != nil {
				t.Fatal(err)
			}
			got := "no"
			if ok {
				got = strings.Join(p.segments(t, set, []Segment{seg}, MaxBatch), "; ")
			}
			if got != test.want {
				t.Errorf("sent:  %s\nwant: %s", got, test.want)
			}
		})
	}
}

// However a chain is cut into spans, and in whatever sizes they are read, together they are the chain,
// with no op twice.
func TestLawSpansMakeTheChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var drawing strings.Builder
		names := strings.Fields("a b c d e f g h i j k l")
		for _, name := range names {
			drawing.WriteString(name + rapid.SampledFrom([]string{"", "2", "5"}).Draw(t, "entries") + "-")
		}
		p := draw(t, 0, strings.TrimSuffix(drawing.String(), "-"))
		from, to := NewSet(vectorLog), NewSet(vectorLog)
		apply(t, from, p.run(strings.Join(names, " ")))
		head, sent := p.op("l").Head(), 0
		for at := uint64(0); at < head.Next; {
			upto := at + rapid.Uint64Range(1, 12).Draw(t, "span")
			seg, ok, err := PlanSpan(from, Span{Author: p.op("l").Author, Head: head, From: at, Upto: upto})
			if err != nil || !ok {
				t.Fatalf("plan [%d, %d): %t, %v", at, upto, ok, err)
			}
			most := rapid.IntRange(1, 2000).Draw(t, "bytes")
			for run := from.Read(&seg, most); len(run.Ops) > 0; run = from.Read(&seg, most) {
				sent += len(run.Ops)
				apply(t, to, run)
			}
			at = upto
		}
		if sent != len(names) || from.Digest().Root() != to.Digest().Root() {
			t.Fatalf("%d ops were sent of %d", sent, len(names))
		}
	})
}
