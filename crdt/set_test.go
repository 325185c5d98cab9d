package crdt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestApply tells stories: a drawing, and what becomes of the runs that are offered in turn. A step
// is "run: outcome | heads | seq from which on the feed is disputed".
func TestApply(t *testing.T) {
	for _, story := range []struct {
		name, drawing string
		steps         []string
	}{
		{"one after the other", "a-b-c", []string{
			"a: accepted | a | -",
			"b: accepted | b | -",
			"a b: duplicate | b | -",
			"a b c: accepted | c | -",
		}},
		{"the last first", "a-b2-c", []string{
			"c: pending | | -",
			"b: pending | | -",
			"a: accepted | c | -",
			"c: duplicate | c | -",
		}},
		{"a fork", `
			a-b-c-d
			  \-x-y`, []string{
			"a b c: accepted | c | -",
			"x: forked | c x | 2",
			"x y: accepted | c y | 2",
			"d: accepted | d y | 2",
		}},
		{"a fork at the first op", `
			a-b
			x-y`, []string{
			"a b: accepted | b | -",
			"x y: forked | b y | 0",
		}},
		{"forks of forks", `
			a-b-c-d
			  \-x-y-z
			    \-p
			    \-q`, []string{
			"a b c d: accepted | d | -",
			"q: pending | d | -",
			"x y z: forked | d q z | 2",
			"p: forked | d p q z | 2",
		}},
		{"other cuts of the same seqs", `
			a-b3-c
			\-x-y-z-w`, []string{
			"a b c: accepted | c | -",
			"x y: forked | c y | 1",
			"z w: accepted | c w | 1",
		}},
		{"a bad signature counts where a good one covers it", "a-b!-c!-d-e!", []string{
			"a b: accepted, the rest unsigned | a | -",
			"b c d e: accepted, the rest unsigned | d | -",
		}},
		{"rules that an op breaks", `
			a2-b^2@7-c
			   \-x@7
			   \-y^0@9
			   \-z@9/4`, []string{
			"a b: accepted | b | -",
			"x: rejected | b | -", // its clock does not follow
			"y: rejected | b | -", // it takes back a floor
			"z: rejected | b | -", // it leaves a hole
			"c: accepted | c | -",
			"x: rejected | c | -",
			"z: pending | c | -",
		}},
		{"a newcomer begins at a floor", "a-b-c-d-e^2-f", []string{
			"c: pending | | -",
			"[e] d: accepted | d | -",
			"d e: accepted | e | -",
			"a: duplicate | e | -",
			"a b: duplicate | e | -",
			"f: accepted | f | -",
		}},
		{"below a floor that no op held has, the prefix is taken", "a-b-c-d-e^2-f", []string{
			"[e] c: accepted | c | -",
			"a: accepted | a c | -", // nothing is known between the two: that is no fork
			"b: accepted | c | -",
			"d e f: accepted | f | -",
		}},
		{"away while a prefix was pruned", "a-b-c-d-e-f^4-g", []string{
			"a b: accepted | b | -",
			"[f] e: accepted | b e | -",
			"f: accepted | f | -", // b lies below the floor now, and so is no head
			"d: accepted | f | -",
			"c: accepted | f | -",
		}},
		{"forks that end below a floor are forgotten", `
			a-b-c-d-e^3-f
			  \-x`, []string{
			"a b x: accepted | x | -",
			"c d: forked | d x | 2",
			"e: accepted | e | 2",
		}},
		{"a branch that parted below a floor is taken", `
			a-b-c-d-e^3-f
			  \-x-y`, []string{
			"[e] d e f: accepted | f | -",
			"x: duplicate | f | -",
			"x y: forked | f y | 3",
		}},
		{"at a floor, an op need not follow the one that it names", `
			a-b@7-c-d^2-e
			  \-x@6-y`, []string{
			"a b: accepted | b | -",
			"x y: rejected | b | -",
			"[d] x y: accepted | b y | -",
			"c d: forked | d y | 0", // nothing held tells where y parted
			"b x: rejected | d y | 0",
			"e: accepted | e y | 0",
		}},
		{"two branches join what they part from", `
			a-b-c-d^2
			  \-x-y`, []string{
			"[d] x y: accepted | y | -",
			"c: forked | c y | 2",
			"b: accepted | c y | 2",
			"a: accepted | c y | 2",
			"d: accepted | d y | 2",
		}},
		{"an op that overlaps what stands at a floor makes a fork", `
			a-b-c-d-e^3
			\-x3-y`, []string{
			"a: accepted | a | -",
			"[e] d: accepted | a d | -",
			"x: forked | d x | 0",
		}},
	} {
		t.Run(story.name, func(t *testing.T) {
			p := draw(t, 0, story.drawing)
			set := NewSet(vectorLog)
			for _, step := range story.steps {
				names, _, _ := strings.Cut(step, ":")
				out := apply(t, set, p.run(names))
				if got := names + ": " + told(p, set, out); got != step {
					t.Errorf("got  %s\nwant %s", got, step)
				}
			}
			checkSet(t, set)
		})
	}
}

// told says what became of a run as the steps of a story do.
func told(p picture, set *Set, out Outcome) string {
	outcome := out.Decision.String()
	switch {
	case errors.Is(out.Err, ErrInvalid):
		outcome = "rejected"
	case errors.Is(out.Err, ErrSignature):
		outcome += ", the rest unsigned"
	case out.Err != nil:
		outcome = out.Err.Error()
	case out.Forked:
		outcome = "forked"
	}
	f, _ := set.Feed(out.Author)
	heads := p.heads(f.Heads())
	if heads != "" {
		heads += " "
	}
	from, forked := f.Disputed()
	if !forked {
		return fmt.Sprintf("%s | %s| -", outcome, heads)
	}
	return fmt.Sprintf("%s | %s| %d", outcome, heads, from)
}

func apply(t tb, set *Set, run Run) Outcome {
	t.Helper()
	out, err := set.Apply(run)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return out
}

// checkSet holds the parts of a set against each other.
func checkSet(t tb, set *Set) {
	t.Helper()
	if got, want := set.Digest().Root(), set.Frontier().Hash(); got != want {
		t.Fatalf("digest root is %s, that of the frontier %s", got, want)
	}
	for a := range set.Frontier() {
		f, _ := set.Feed(a)
		for _, b := range f.Branches {
			head, held, _ := set.Find(a, b.Head)
			if !held || head.Clock != b.Clock || head.Floor != b.Floor {
				t.Fatalf("branch %v: its head is %v (held: %t)", b, head.Header, held)
			}
			if _, held, _ := set.Find(a, b.parted()); held && !b.Rooted {
				start, _, _ := set.Get(a, b.Start)
				if ok, _, _ := follows(set, start); ok {
					t.Fatalf("branch %v is not rooted, though what it parted from is held", b)
				}
			}
		}
	}
	checkBranchesCover(t, set)
}

// checkBranchesCover checks that every op lies on exactly one branch.
func checkBranchesCover(t tb, set *Set) {
	t.Helper()
	for a, f := range set.feeds {
		on := 0
		for _, b := range f.Branches {
			for tail := b.parted(); tail != b.Head; on++ {
				op, found := f.after(b, tail)
				if !found {
					t.Fatalf("branch of %s that begins at %d has no op after %v", a.Short(), b.Start.First, tail)
				}
				tail = op.Head()
			}
		}
		if on != len(f.ops) || on != len(f.keys) {
			t.Fatalf("%d ops on branches, %d held, %d keys", on, len(f.ops), len(f.keys))
		}
	}
}

// lines returns the entries as "author/seq name", with a ! where they are disputed.
func lines(t tb, set *Set) []string {
	t.Helper()
	var lines []string
	for e, err := range set.Entries() {
		if err != nil {
			t.Fatalf("Entries: %v", err)
		}
		mark := ""
		if e.Disputed {
			mark = "!"
		}
		lines = append(lines, fmt.Sprintf("%s/%d %s%s", e.Author.Short(), e.Seq, e.Subject, mark))
	}
	return lines
}

func TestSetEntries(t *testing.T) {
	set := NewSet(vectorLog)
	p := draw(t, 0, `
		a2-b2-c
		\-x-y2`)
	q := draw(t, 1, "d@3-e@9")
	for _, run := range []Run{p.run("a b c"), p.run("x y"), q.run("d e")} {
		apply(t, set, run)
	}
	first := lines(t, set)
	if p.op("a").Author.Compare(q.op("d").Author) < 0 {
		first = append(first[8:], first[:8]...)
	}
	var want []string
	for _, line := range []struct {
		seq uint64
		op  string
	}{{0, "d"}, {1, "e"}, {0, "a"}, {1, "a"}} {
		op, named := q.ops[line.op]
		if !named {
			op = p.op(line.op)
		}
		want = append(want, fmt.Sprintf("%s/%d %s", op.Author.Short(), line.seq, line.op))
	}
	// At one seq, the ids decide.
	for seq, names := range [][]string{{"b", "x"}, {"b", "y"}, {"c", "y"}} {
		slices.SortFunc(names, func(a, b string) int {
			a0, b0 := p.op(a).ID, p.op(b).ID
			return slices.Compare(a0[:], b0[:])
		})
		for _, name := range names {
			want = append(want, fmt.Sprintf("%s/%d %s!", p.op("a").Author.Short(), seq+2, name))
		}
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("Entries (-want +got):\n%s", diff)
	}

	var bySeq, causal []Entry
	for e := range set.Entries() {
		bySeq = append(bySeq, e)
	}
	for e := range set.Causal() {
		causal = append(causal, e)
	}
	if !slices.IsSortedFunc(causal, CompareCausal) {
		t.Error("Causal is not in causal order")
	}
	slices.SortFunc(causal, CompareEntries)
	if diff := cmp.Diff(bySeq, causal); diff != "" {
		t.Errorf("the two orders differ in more than order:\n%s", diff)
	}
}

func TestSetShutsAuthors(t *testing.T) {
	p := draw(t, 0, `
		a-b-c-d
		\-x
		\-y-z`)
	set := NewSet(vectorLog)
	set.MaxBranches = 2
	apply(t, set, p.run("a b c"))
	apply(t, set, p.run("x"))
	if shut := set.Shut(); len(shut) > 0 {
		t.Errorf("shut before the limit was passed: %v", shut)
	}
	if out := apply(t, set, p.run("y z")); !errors.Is(out.Err, ErrShut) || out.Ops > 0 {
		t.Errorf("past the limit: %+v", out)
	}
	if shut := set.Shut(); !slices.Equal(shut, []Author{p.op("a").Author}) {
		t.Errorf("shut: %v", shut)
	}
	if out := apply(t, set, p.run("d")); !errors.Is(out.Err, ErrShut) || out.Ops > 0 {
		t.Errorf("an op of an author who is shut: %+v", out)
	}
	set.MaxBranches = 3
	apply(t, set, p.run("y z"))
	apply(t, set, p.run("d"))
	if got := p.heads(set.Frontier()[p.op("a").Author]); got != "d x z" || len(set.Shut()) > 0 {
		t.Errorf("after the limit was raised: heads %s, shut %v", got, set.Shut())
	}
	checkSet(t, set)
}

func TestSetBoundsPending(t *testing.T) {
	set := NewSet(vectorLog)
	var before Signed
	var chain []Op
	for i := range MaxPending + 10 {
		op := lawOp(t, lawKey(0), Header{First: before.Next(), Count: 1, Prev: before.ID, Clock: Clock(i) + 1}, "p", false)
		chain, before = append(chain, op), op.Signed
	}
	apply(t, set, Run{Ops: chain[1:]})
	if set.pending != MaxPending {
		t.Errorf("%d ops are pending, at most %d may be", set.pending, MaxPending)
	}
	apply(t, set, Run{Ops: chain[:1]})
	f, _ := set.Feed(before.Author)
	if set.pending != 0 || f.Next() != MaxPending+1 {
		t.Errorf("after the first: %d pending, height %d", set.pending, f.Next())
	}
	apply(t, set, Run{Ops: chain})
	if f, _ = set.Feed(before.Author); f.Next() != uint64(len(chain)) {
		t.Errorf("after all came again: height %d of %d", f.Next(), len(chain))
	}
}

func TestSetRefuses(t *testing.T) {
	p, q := draw(t, 0, "a-b^1-c"), draw(t, 1, "a-b^1-c")
	foreign := p.run("a b")
	for name, test := range map[string]struct {
		log  LogID
		run  Run
		want error
	}{
		"no ops":                  {vectorLog, Run{}, ErrRun},
		"another log":             {LogID{1}, foreign, ErrInvalid},
		"a leave of another feed": {vectorLog, Run{Leave: q.op("b").Signed, Ops: p.run("b").Ops}, ErrRun},
		"a leave that is unsigned": {vectorLog, Run{
			Leave: draw(t, 0, "a-b!^1-c").op("b").Signed, Ops: p.run("b").Ops,
		}, ErrSignature},
		"a chain with a hole": {vectorLog, p.run("c b"), ErrRun},
	} {
		t.Run(name, func(t *testing.T) {
			set := NewSet(test.log)
			if out := apply(t, set, test.run); !errors.Is(out.Err, test.want) || out.Ops > 0 {
				t.Errorf("outcome %+v, want %v", out, test.want)
			}
			if len(set.Frontier()) > 0 {
				t.Errorf("frontier %v", set.Frontier())
			}
		})
	}
}
