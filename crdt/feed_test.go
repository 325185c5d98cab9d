package crdt

import (
	"slices"
	"testing"
)

func TestFeedZero(t *testing.T) {
	var f Feed
	if from, forked := f.Disputed(); !f.IsZero() || f.Next() != 0 || f.First() != 0 || f.Floor() != 0 || len(f.Heads()) > 0 || from != 0 || forked {
		t.Errorf("the zero feed holds something: %+v", f)
	}
}

func TestFeedContinues(t *testing.T) {
	p := draw(t, 0, `
		a-b-c-d
		  \-x-y
		  \-p`)
	set := NewSet(vectorLog)
	for _, names := range []string{"a b c d", "x y", "p"} {
		apply(t, set, p.run(names))
	}
	f, _ := set.Feed(p.op("a").Author)
	for _, test := range []struct {
		branch, tail string // the op that begins the branch; "" for what comes before the first
		next         string // the one op that goes on
	}{
		{"a", "", "a"}, {"a", "a", "b"}, {"a", "b", "c"}, {"a", "c", "d"}, {"a", "d", ""},
		{"x", "b", "x"}, {"x", "x", "y"}, {"x", "y", ""},
		{"p", "b", "p"}, {"p", "p", ""},
	} {
		b, found := f.BranchFrom(p.op(test.branch).Key())
		if !found {
			t.Fatalf("no branch from %s", test.branch)
		}
		var tail Head
		if test.tail != "" {
			tail = p.op(test.tail).Head()
		}
		for name, op := range p.ops {
			if got, want := f.Continues(b, tail, op.Signed), name == test.next; got != want {
				t.Errorf("branch from %s after %q: Continues(%s) = %t", test.branch, test.tail, name, got)
			}
		}
	}
}

func TestFeedCloneSharesNothing(t *testing.T) {
	p := draw(t, 0, "a-b")
	set := NewSet(vectorLog)
	apply(t, set, p.run("a"))
	f, _ := set.Feed(p.op("a").Author)
	clone := f.Clone()
	v, err := Decide(set, clone, p.op("b").Signed)
	if err != nil || v.Decision != Accepted {
		t.Fatalf("Decide: %v, %v", v.Decision, err)
	}
	clone.Add(v)
	if p.heads(f.Heads()) != "a" || p.heads(clone.Heads()) != "b" {
		t.Errorf("heads %s, of the clone %s", p.heads(f.Heads()), p.heads(clone.Heads()))
	}
}

func TestDecisionString(t *testing.T) {
	for d, want := range []string{"duplicate", "accepted", "accepted with a fork", "pending", "decision(4)"} {
		if got := Decision(d).String(); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}

func TestAddDoesNothingForWhatIsNotAccepted(t *testing.T) {
	p := draw(t, 0, "a-b-c")
	set := NewSet(vectorLog)
	apply(t, set, p.run("a"))
	f, _ := set.Feed(p.op("a").Author)
	for _, name := range []string{"a", "c"} {
		v, err := Decide(set, f, p.op(name).Signed)
		if err != nil {
			t.Fatal(err)
		}
		f.Add(v)
		if !slices.Equal(f.Heads(), []Head{p.op("a").Head()}) {
			t.Errorf("after %s: %v", name, f.Heads())
		}
	}
}

func TestFeedForget(t *testing.T) {
	p := draw(t, 0, "a3-b-c-d^4-e")
	set := NewSet(vectorLog)
	apply(t, set, p.run("a b c d e"))
	f, _ := set.Feed(p.op("a").Author)
	if f.Forgettable() != 4 {
		t.Fatalf("forgettable below %d, not 4", f.Forgettable())
	}
	f = f.Clone()
	heads := f.Heads()
	for _, start := range []string{"b", "c"} {
		f.Forget(p.op(start).Signed)
		if f.First() != p.op(start).First || f.Branches[0].Rooted || f.Branches[0].Parent != p.op(start).Prev {
			t.Errorf("forgotten below %s, the feed begins at %d", start, f.First())
		}
	}
	if !slices.Equal(f.Heads(), heads) {
		t.Error("forgetting has changed the heads")
	}
	for name, op := range p.ops {
		v, err := Decide(NewSet(vectorLog), f, op.Signed)
		if forgotten := op.Next() <= f.First(); forgotten && (err != nil || v.Decision != Duplicate) {
			t.Errorf("op %s, which was forgotten, is %s, %v", name, v.Decision, err)
		}
	}
}

// TestFeedForgetsAPieceBelowTheFloor forgets what a node held when the floor passed it by.
func TestFeedForgetsAPieceBelowTheFloor(t *testing.T) {
	p := draw(t, 0, "a-b-c-d-e^4-f")
	set := NewSet(vectorLog)
	apply(t, set, p.run("a b"))
	run := p.run("e f")
	run.Leave = p.op("e").Signed
	apply(t, set, run)
	f, _ := set.Feed(p.op("a").Author)
	if len(f.Branches) != 2 || f.Forgettable() != 4 {
		t.Fatalf("%d branches, forgettable below %d", len(f.Branches), f.Forgettable())
	}
	if want := []Missed{{From: 2, To: 4, End: p.op("e").Key()}}; !slices.Equal(f.Missed(), want) {
		t.Errorf("missed %v, want %v", f.Missed(), want)
	}
	f = f.Clone()
	f.Forget(p.op("e").Signed)
	if len(f.Missed()) > 0 {
		t.Errorf("a feed in one piece has missed %v", f.Missed())
	}
	if len(f.Branches) != 1 || f.First() != 4 || p.heads(f.Heads()) != "f" {
		t.Errorf("left: %d branches from %d on, heads %s", len(f.Branches), f.First(), p.heads(f.Heads()))
	}
}

func TestFeedWithAForkIsNotForgettable(t *testing.T) {
	p := draw(t, 0, `
		a-b-c-d^3-e
		  \-x-y-z-w`)
	set := NewSet(vectorLog)
	for _, names := range []string{"a b c d e", "x y z w"} {
		apply(t, set, p.run(names))
	}
	f, _ := set.Feed(p.op("a").Author)
	if f.Forgettable() != 0 {
		t.Errorf("a feed with a fork is forgettable below %d", f.Forgettable())
	}
}

// TestAFeedKeepsItsLeave: the header that gave leave has memory of its own, whether it came in an op or before a run.
func TestAFeedKeepsItsLeave(t *testing.T) {
	for name, take := range map[string]func(f *Feed, leave Signed) error{
		"op":  func(f *Feed, leave Signed) error { f.raiseLeave(leave); return nil },
		"run": (*Feed).TakeLeave,
	} {
		h := Header{Log: vectorLog, First: 1, Prev: OpID{1}, Clock: 2, Floor: 1}
		op, err := NewOp(rfcKey(0), h, vectorTime, Event{Kind: "k"})
		if err != nil {
			t.Fatal(err)
		}
		var f Feed
		leave, want := op.Signed, string(op.Signed.Bytes())
		if err := take(&f, leave); err != nil || f.Leave.Floor != 1 {
			t.Fatalf("%s: leave of floor %d: %v", name, f.Leave.Floor, err)
		}
		clear(leave.Bytes())
		if string(f.Leave.Bytes()) != want {
			t.Errorf("%s: the feed's leave has the memory of the one that it took", name)
		}
	}
}
