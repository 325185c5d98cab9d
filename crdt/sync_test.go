package crdt

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// segments returns the segments as "[leave] op op …" each, runs cut at most bytes joined by "|".
func (p picture) segments(t testing.TB, from *Set, segments []Segment, bytes int) []string {
	t.Helper()
	var drawn []string
	for _, seg := range segments {
		var runs []string
		for run := from.Read(&seg, bytes); len(run.Ops) > 0; run = from.Read(&seg, bytes) {
			var names []string
			if len(run.Leave.raw) > 0 {
				names = append(names, "["+p.heads([]Head{run.Leave.Head()})+"]")
			}
			for _, op := range run.Ops {
				names = append(names, p.heads([]Head{op.Head()}))
			}
			runs = append(runs, strings.Join(names, " "))
		}
		drawn = append(drawn, strings.Join(runs, " | "))
	}
	return drawn
}

// exchanges are drawn by TestExchange, and stand in docs/vectors/exchange.json.
var exchanges = []struct {
	name, drawing string
	mine, theirs  []string // runs that each side holds
	want          string   // what is sent, a segment each; "" when nothing is asked for
}{
	{"equal", "a-b-c", []string{"a b c"}, []string{"a b c"}, ""},
	{"they are behind", "a-b-c", []string{"a b c"}, []string{"a b"}, ""},
	{"nothing here", "a-b-c", nil, []string{"a b c"}, "a b c"},
	{"we are behind", "a-b-c-d", []string{"a"}, []string{"a b c d"}, "b c d"},
	{"they forked", `
		a-b-c-d
		  \-x-y`, []string{"a b c"}, []string{"a b c d", "x y"}, "d; x y"},
	{"we hold the other branch", `
		a-b-c-d
		  \-x-y`, []string{"a b c d"}, []string{"a b x y"}, "b x y"},
	{"both hold both, but to other heights", `
		a-b-c-d
		  \-x-y-z`, []string{"a b c d", "x"}, []string{"a b c", "x y z"}, "y z"},
	{"a fork of a fork", `
		a-b-c-d
		  \-x-y-z
		    \-p-q
		      \-r`, []string{"a b c d"}, []string{"a b x p q", "y z", "r"}, "b x p q; y z; r"},
	{"a fork at the first op", `
		a-b
		x-y`, []string{"a b"}, []string{"x y"}, "x y"},
	{"runs end at an anchor", "a-b!-c!-d-e!", nil, []string{"a b c d"}, "a b c d"},
	{"they begin at a floor", "a-b-c-d-e^2-f", []string{"a"}, []string{"[e] c d e f"}, "[e] c d e f"},
	{"we begin at a floor", "a-b-c-d-e^2-f", []string{"[e] c d e"}, []string{"a b c d e f"}, "f"},
	{"what lies below our floor is not asked for", "a-b-c-d-e^2-f", []string{"[e] c d e"}, []string{"a b"}, ""},
	{"a branch parted below our floor", `
		a-b-c-d-e^2-f
		\-x-y`, []string{"[e] c d e f"}, []string{"a b c d e f", "x y"}, "x y"},
	{"we hold only a branch that parted below the floor", `
		a-b-c-d-e^2-f
		\-x-y-z`, []string{"[e] y z"}, []string{"a b c d e f", "x y z"}, "b c d e f"},
}

// TestExchange draws what a peer sends to a node that asks it for what it lacks.
func TestExchange(t *testing.T) {
	for _, test := range exchanges {
		t.Run(test.name, func(t *testing.T) {
			p := draw(t, 0, test.drawing)
			mine, theirs := NewSet(vectorLog), NewSet(vectorLog)
			for _, names := range test.mine {
				apply(t, mine, p.run(names))
			}
			for _, names := range test.theirs {
				apply(t, theirs, p.run(names))
			}
			wants, err := Wants(mine, theirs.Frontier(), 0)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, want := range wants {
				segments, err := Plan(theirs, want)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, p.segments(t, theirs, segments, MaxBatch)...)
			}
			if got := strings.Join(got, "; "); got != test.want {
				t.Errorf("sent:  %s\nwant: %s", got, test.want)
			}
		})
	}
}

func TestReadCutsAtAnchors(t *testing.T) {
	p := draw(t, 0, "a-b!-c-d!-e!-f-g")
	set := NewSet(vectorLog)
	apply(t, set, p.run("a b c d e f g"))
	segments, err := Plan(set, Want{Author: p.op("a").Author})
	if err != nil {
		t.Fatal(err)
	}
	for bytes, want := range map[int]string{
		1:                      "a | b c | d e f | g",
		2 * p.op("a").Size():   "a | b c | d e f | g",
		3*p.op("a").Size() + 3: "a b c | d e f | g",
		MaxBatch:               "a b c d e f g",
	} {
		if got := strings.Join(p.segments(t, set, segments, bytes), "; "); got != want {
			t.Errorf("at most %d bytes a run: %s, want %s", bytes, got, want)
		}
	}
}

// What is wanted is what a peer has and is not held, looking at heads: none that is passed long ago.
func TestWantsWhatIsNotHeld(t *testing.T) {
	forked, ahead, unknown := draw(t, 0, "a\nb-c"), draw(t, 1, "a-b\nx"), draw(t, 2, "a")
	mine := NewSet(vectorLog)
	apply(t, mine, forked.run("a"))
	apply(t, mine, forked.run("b c"))
	apply(t, mine, ahead.run("a"))
	head := func(p picture, name string) Head { return p.op(name).Head() }
	of := func(p picture, names ...string) Frontier {
		f := Frontier{}
		for _, name := range names {
			a := p.op(name).Author
			f[a] = append(f[a], head(p, name))
		}
		return f
	}
	for _, test := range []struct {
		theirs Frontier
		want   []Author
	}{
		{nil, nil},
		{mine.Frontier(), nil},
		{of(forked, "c"), nil},
		{of(forked, "b"), nil}, // passed long ago
		{of(ahead, "a", "b"), []Author{ahead.op("a").Author}},
		{of(ahead, "x"), []Author{ahead.op("a").Author}}, // of one height, with another hash
		{of(unknown, "a"), []Author{unknown.op("a").Author}},
	} {
		var got []Author
		for _, w := range wants(t, mine, test.theirs) {
			got = append(got, w.Author)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("of %v, wanted %v, want %v", test.theirs, got, test.want)
		}
	}
	theirs := of(unknown, "a")
	maps.Copy(theirs, of(forked, "a", "c"))
	maps.Copy(theirs, of(ahead, "a", "b"))
	all := wants(t, mine, theirs)
	if len(all) != 2 || all[0].Author.Compare(all[1].Author) >= 0 || all[0].Author == forked.op("a").Author || all[1].Author == forked.op("a").Author {
		t.Errorf("of all three, wanted %v", all)
	}
}

func TestWantsLimit(t *testing.T) {
	theirs := Frontier{}
	for i := range 5 {
		theirs[Author{byte(i)}] = []Head{{1, OpID{1}}}
	}
	for limit, want := range []int{5, 1, 2, 3, 4, 5, 5} {
		wants, err := Wants(NewSet(vectorLog), theirs, limit)
		if err != nil || len(wants) != want {
			t.Errorf("limit %d: %d wants, %v", limit, len(wants), err)
		}
	}
}

// wants returns what one set asks of another.
func wants(t tb, set *Set, theirs Frontier) []Want {
	t.Helper()
	wants, err := Wants(set, theirs, 0)
	if err != nil {
		t.Fatalf("Wants: %v", err)
	}
	return wants
}

// answer sends to set what it wants of from, in runs cut at random, and returns how many ops came
// that it held.
func answer(t *rapid.T, from, set *Set, wants []Want) (resent int) {
	for _, want := range wants {
		segments, err := Plan(from, want)
		if err != nil {
			t.Fatalf("Plan: %v", err)
		}
		hit := belowHits(t, from, want)
		for _, seg := range segments {
			for {
				run := from.Read(&seg, rapid.IntRange(1, 2000).Draw(t, "bytes"))
				if len(run.Ops) == 0 {
					break
				}
				if last := run.Ops[len(run.Ops)-1]; last.verify() != nil {
					t.Fatalf("a run ends at an op that is no anchor")
				}
				for _, op := range run.Ops {
					if hit[op.ID] {
						t.Fatalf("op %d %s was sent: it lies below a locator hit", op.First, op.ID)
					}
				}
				out := apply(t, set, run)
				if out.Err != nil {
					t.Fatalf("run of %d ops that begins at %d: %v", len(run.Ops), run.Ops[0].First, out.Err)
				}
				resent += out.Duplicates
			}
			if seg.After != seg.To {
				t.Fatalf("segment %v ends before its head", seg)
			}
		}
	}
	return resent
}

// belowHits returns the ops of from that stand at or below an item of the locator.
func belowHits(t *rapid.T, from *Set, want Want) map[OpID]bool {
	hit := make(map[OpID]bool)
	hits, err := want.Locator.common(from, want.Author)
	if err != nil {
		t.Fatalf("common: %v", err)
	}
	for _, h := range hits {
		op, held, _ := from.Find(want.Author, h)
		for held {
			hit[op.ID] = true
			prev, found, _ := from.Find(want.Author, Head{Next: op.First, ID: op.Prev})
			if !found || checkNext(prev.Next(), prev.Clock, prev.Floor, op) != nil {
				break
			}
			op = prev
		}
	}
	return hit
}

// exchange is one exchange in both directions.
func exchange(t *rapid.T, a, b *Set) (resent int) {
	ofA, ofB := a.Frontier(), b.Frontier()
	wantA, wantB := wants(t, a, ofB), wants(t, b, ofA)
	resent = answer(t, b, a, wantA)
	resent += answer(t, a, b, wantB)
	checkSet(t, a)
	checkSet(t, b)
	return resent
}

func checkEqual(t *rapid.T, a, b *Set) {
	if !a.Frontier().Equal(b.Frontier()) {
		t.Fatalf("frontiers differ:\n%v\n%v", a.Frontier(), b.Frontier())
	}
	if more := len(wants(t, a, b.Frontier())) + len(wants(t, b, a.Frontier())); more > 0 {
		t.Fatalf("%d wants with equal frontiers", more)
	}
}

// some applies a few runs of the chains, each begun where it can be placed.
func some(t *rapid.T, set *Set, chains [][]Op) {
	for range rapid.IntRange(0, 3).Draw(t, "chains") {
		chain := chains[rapid.IntRange(0, len(chains)-1).Draw(t, "chain")]
		apply(t, set, Run{Ops: chain[:rapid.IntRange(1, len(chain)).Draw(t, "ops")]})
	}
}

// One exchange makes two nodes equal; a feed that is not forked is sent without an op that is held.
func TestLawExchange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := NewSet(vectorLog), NewSet(vectorLog)
		forks := rapid.Bool().Draw(t, "forks")
		for key := range rapid.IntRange(1, 3).Draw(t, "authors") {
			ops := author{key: key, forks: forks, spoils: true}.ops(t, 12)
			chains := chains(ops)
			if len(chains) == 0 {
				continue
			}
			some(t, a, chains)
			some(t, b, chains)
		}
		resent := exchange(t, a, b)
		checkEqual(t, a, b)
		if !forks && resent > 0 {
			t.Fatalf("%d ops were sent to who held them", resent)
		}
		if got, want := fmt.Sprint(lines(t, a)), fmt.Sprint(lines(t, b)); got != want {
			t.Fatalf("one frontier, two logs:\n%s\n%s", got, want)
		}
	})
}

// Exchanges between any two of several nodes, in any order and as often as they like, end in one log
// once each has heard of all, however indirectly: that of the twin.
func TestLawGossip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := author{forks: true, spoils: true, hostile: true}.ops(t, 12)
		chains := chains(ops)
		nodes := make([]*Set, rapid.IntRange(2, 4).Draw(t, "nodes"))
		for i := range nodes {
			nodes[i] = NewSet(vectorLog)
		}
		for i, chain := range chains {
			apply(t, nodes[i%len(nodes)], Run{Ops: chain})
		}
		for range rapid.IntRange(0, 4).Draw(t, "exchanges") {
			i := rapid.IntRange(0, len(nodes)-1).Draw(t, "node")
			exchange(t, nodes[i], nodes[rapid.IntRange(0, len(nodes)-1).Draw(t, "peer")])
		}
		for range nodes { // a chain of nodes passes everything on by one node a round
			for i := range nodes[1:] {
				exchange(t, nodes[i], nodes[i+1])
			}
		}
		w := twinOf(authorised(ops))
		for _, set := range nodes {
			checkTwin(t, set, w, ops[0].Author)
		}
	})
}

// The same with floors, where some nodes begin at one, as long as what they lack can be had.
func TestLawExchangeFloors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hostile := rapid.Bool().Draw(t, "hostile")
		ops := author{forks: true, spoils: true, floors: true, hostile: hostile}.ops(t, 12)
		w := twinOf(authorised(ops))
		all := chains(ops)
		above := chains(slices.DeleteFunc(slices.Clone(ops), func(op Op) bool { return op.Next() <= w.floor() }))
		full, newcomer := NewSet(vectorLog), NewSet(vectorLog)
		if len(all) > 0 {
			some(t, full, all)
		}
		if len(above) > 0 {
			for _, chain := range above[:rapid.IntRange(0, len(above)).Draw(t, "chains")] {
				apply(t, newcomer, Run{Leave: w.leave, Ops: chain})
			}
		}
		exchange(t, full, newcomer)
		if hostile {
			// A leave that came now may place what was pending, which no frontier told of.
			exchange(t, full, newcomer)
		}
		checkEqual(t, full, newcomer)
	})
}

// A leave that is shown to one node alone, in the header of an op that nobody holds, lets that node
// begin where others do not; their frontiers become equal all the same.
func TestLawExchangePhantomLeave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := author{forks: true, spoils: true, floors: true}
		ops := a.ops(t, 12)
		cut := rapid.IntRange(0, len(ops)-1).Draw(t, "phantoms")
		ops, phantoms := ops[:len(ops)-cut], ops[len(ops)-cut:]
		var leave Signed
		for _, op := range phantoms {
			if op.Floor > leave.Floor && op.verify() == nil {
				leave = op.Signed
			}
		}
		above := chains(slices.DeleteFunc(slices.Clone(ops), func(op Op) bool { return op.Next() <= leave.Floor }))
		full, newcomer := NewSet(vectorLog), NewSet(vectorLog)
		if all := chains(ops); len(all) > 0 {
			some(t, full, all)
		}
		if len(above) > 0 {
			for _, chain := range above[:rapid.IntRange(0, len(above)).Draw(t, "chains")] {
				apply(t, newcomer, Run{Leave: leave, Ops: chain})
			}
		}
		exchange(t, full, newcomer)
		checkEqual(t, full, newcomer)
	})
}
