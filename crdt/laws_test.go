package crdt

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// author says what the ops of a random feed may do.
type author struct {
	key     int
	forks   bool // sign two ops after one, at the first op too
	spoils  bool // bad signatures inside chains
	floors  bool // leaves to forget
	hostile bool // ops that break the laws against the ones they name
}

// ops draws up to most ops, each after those that it names.
func (a author) ops(t *rapid.T, most int) []Op {
	var ops []Op
	for i := range rapid.IntRange(1, most).Draw(t, "ops") {
		var prev Signed
		switch choice := rapid.IntRange(0, 9).Draw(t, "after"); {
		case i == 0 || a.forks && choice == 9:
		case a.forks && choice >= 6:
			prev = ops[rapid.IntRange(0, i-1).Draw(t, "prev")].Signed
		default:
			prev = ops[i-1].Signed
		}
		h := Header{
			First: prev.Next(), Count: rapid.Uint64Range(1, 3).Draw(t, "count"), Prev: prev.ID,
			Clock: prev.Clock + Clock(rapid.Uint64Range(1, 3).Draw(t, "clock")), Floor: prev.Floor,
		}
		if a.floors && rapid.IntRange(0, 2).Draw(t, "signs a floor") == 0 {
			h.Floor = rapid.Uint64Range(prev.Floor, h.First).Draw(t, "floor")
		}
		if a.hostile && h.First > 0 && rapid.IntRange(0, 4).Draw(t, "breaks a law") == 0 {
			breakLaw(t, &h)
		}
		bad := a.spoils && rapid.IntRange(0, 2).Draw(t, "spoilt") == 0
		ops = append(ops, lawOp(t, lawKey(a.key), h, fmt.Sprint("op", i), bad))
	}
	return ops
}

func breakLaw(t *rapid.T, h *Header) {
	switch rapid.IntRange(0, 2).Draw(t, "law") {
	case 0:
		h.Clock = 1
	case 1:
		h.First = rapid.Uint64Range(1, 2*h.First).Draw(t, "first")
		h.Floor = min(h.Floor, h.First)
	case 2:
		h.Floor = 0
	}
}

// authorised returns the ops that a good signature covers.
func authorised(ops []Op) []Op {
	var covered []Op
	for i := len(ops) - 1; i >= 0; i-- {
		op := ops[i]
		if op.verify() == nil || slices.ContainsFunc(covered, func(child Op) bool { return lawful(op, child) }) {
			covered = append(covered, op)
		}
	}
	slices.Reverse(covered)
	return covered
}

// chains returns the way to each op that has a good signature, from the lowest of ops that leads to
// it.
func chains(ops []Op) [][]Op {
	var chains [][]Op
	for _, op := range ops {
		if op.verify() != nil {
			continue
		}
		chain := []Op{op}
		for i := 0; i >= 0; {
			i = slices.IndexFunc(ops, func(prev Op) bool { return lawful(prev, chain[0]) })
			if i >= 0 {
				chain = slices.Insert(chain, 0, ops[i])
			}
		}
		chains = append(chains, chain)
	}
	return chains
}

// deliver applies the chains in any order, cut anywhere, some again, some after leave. At last every
// chain comes whole after leave, in any order.
func deliver(t *rapid.T, set *Set, chains [][]Op, leave Signed) {
	for range rapid.IntRange(0, 2*len(chains)).Draw(t, "runs") {
		chain := chains[rapid.IntRange(0, len(chains)-1).Draw(t, "chain")]
		from := rapid.IntRange(0, len(chain)-1).Draw(t, "from")
		to := rapid.IntRange(from+1, len(chain)).Draw(t, "to")
		run := Run{Ops: chain[from:to]}
		if rapid.Bool().Draw(t, "with leave") {
			run.Leave = leave
		}
		apply(t, set, run)
		checkSet(t, set)
	}
	order := make([]int, len(chains))
	for i := range order {
		order[i] = i
	}
	for range 2 {
		// Twice, because an op that breaks a law is rejected until the leave that covers it has come.
		for _, i := range rapid.Permutation(order).Draw(t, "order") {
			apply(t, set, Run{Leave: leave, Ops: chains[i]})
		}
	}
	checkSet(t, set)
}

// view returns the entries of a's feed at and above the floor as text, as [twin.view] does.
func view(t *rapid.T, set *Set, a Author) string {
	floor := set.feed(a).heldFloor()
	var lines []string
	for e, err := range set.Entries() {
		if err != nil {
			t.Fatalf("Entries: %v", err)
		}
		if e.Author == a && e.Seq >= floor {
			lines = append(lines, fmt.Sprintf("%016d %s %t", e.Seq, e.Op, e.Disputed))
		}
	}
	if !slices.IsSorted(lines) {
		t.Fatalf("entries are not sorted:\n%s", strings.Join(lines, "\n"))
	}
	return strings.Join(lines, "\n")
}

// checkTwin holds the set against the twin.
func checkTwin(t *rapid.T, set *Set, w twin, a Author) {
	f, _ := set.Feed(a)
	if !slices.Equal(f.Heads(), w.heads()) {
		t.Fatalf("heads %v, twin has %v", f.Heads(), w.heads())
	}
	if f.heldFloor() != w.floor() {
		t.Fatalf("floor %d, twin has %d", f.heldFloor(), w.floor())
	}
	if got, want := view(t, set, a), w.view(); got != want {
		t.Fatalf("entries:\n%s\ntwin has:\n%s", got, want)
	}
}

// Whatever the order and the cuts in which the ops of an author come, whatever comes twice or lacks
// a good signature, forked or breaking laws: one state, that of the twin.
func TestLawAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := author{forks: true, spoils: true, hostile: true}.ops(t, 12)
		sound := authorised(ops)
		w := twinOf(sound)
		for range 2 {
			set := NewSet(vectorLog)
			deliver(t, set, chains(ops), Signed{})
			checkTwin(t, set, w, ops[0].Author)
			if set.feed(ops[0].Author).First() != 0 && len(w.ops) > 0 {
				t.Fatalf("the feed does not begin at 0")
			}
		}
	})
}

// The same where the author signs floors: a node that was given everything and one that begins at
// the floor hold the same above it, mark the same and have one frontier.
func TestLawFloors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := author{forks: true, spoils: true, floors: true, hostile: true}.ops(t, 12)
		w := twinOf(authorised(ops))
		a := ops[0].Author

		full, newcomer := NewSet(vectorLog), NewSet(vectorLog)
		leave := w.leave
		if rapid.Bool().Draw(t, "learns the leave from its op") {
			leave = Signed{}
		}
		deliver(t, full, chains(ops), leave)
		checkTwin(t, full, w, a)
		if f, _ := full.Feed(a); f.Floor() != w.leave.Floor {
			t.Fatalf("leave to forget what is below %d, twin has %d", f.Floor(), w.leave.Floor)
		}
		above := slices.DeleteFunc(slices.Clone(ops), func(op Op) bool { return op.Next() <= w.floor() })
		deliver(t, newcomer, chains(above), w.leave)
		checkTwin(t, newcomer, w, a)
		if full.Digest().Root() != newcomer.Digest().Root() {
			t.Fatalf("one frontier, two digests")
		}
	})
}
