package crdt

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
		if len(f.Leave.raw) > 0 && (f.Leave.Verify() != nil || f.Leave.Author != a) {
			t.Fatalf("the leave is not signed by the author")
		}
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

// TestSetBoundsPending: the queue of waiting ops of system A had no bound.
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
