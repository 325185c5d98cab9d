package eventlog_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// apply applies one run and returns its outcome.
func apply(t testing.TB, l *eventlog.Log, ops ...crdt.Op) crdt.Outcome {
	t.Helper()
	return applyRun(t, l, crdt.Run{Ops: ops})
}

// applyRun is apply for a run that may have a leave.
func applyRun(t testing.TB, l *eventlog.Log, run crdt.Run) crdt.Outcome {
	t.Helper()
	outcomes, err := l.Apply(t.Context(), []crdt.Run{run})
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return outcomes[0]
}

func TestApply(t *testing.T) {
	l := eventlogtest.Open(t)
	s := newStranger(t, "s")
	ops := s.chain(crdt.Op{}, 4, "s")
	changed := l.Changed()
	for _, test := range []struct {
		name string
		ops  []crdt.Op
		want crdt.Outcome
	}{
		{"beyond what is held", ops[2:], crdt.Outcome{Decision: crdt.Pending}},
		{"from the beginning", ops[:2], crdt.Outcome{Decision: crdt.Accepted, Ops: 2, Entries: 2}},
		{"once more, and on", ops[1:], crdt.Outcome{Decision: crdt.Accepted, Ops: 2, Entries: 2, Duplicates: 1}},
		{"all again", ops, crdt.Outcome{Decision: crdt.Duplicate, Duplicates: 4}},
	} {
		test.want.Author = s.author()
		if diff := cmp.Diff(test.want, apply(t, l, test.ops...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	wantTexts(t, l, "s0", "s1", "s2", "s3")
	select {
	case <-changed:
	default:
		t.Error("nobody was woken")
	}
	if c := l.Stats().Applied; c != (eventlog.Applied{Ops: 4, Entries: 4, Duplicates: 5, Pending: 1}) {
		t.Errorf("counted: %+v", c)
	}
	if outcomes, err := l.Apply(t.Context(), nil); err != nil || len(outcomes) != 0 {
		t.Errorf("apply nothing: %v, %v", outcomes, err)
	}
}

// TestApplyBadRuns checks that what is wrong with a run is its outcome and stops no other.
func TestApplyBadRuns(t *testing.T) {
	l := eventlogtest.Open(t)
	good, bad := newStranger(t, "good"), newStranger(t, "bad")
	other := newStranger(t, "other log")
	other.log = crdt.LogID{1}
	chain := bad.chain(crdt.Op{}, 3, "bad")
	forged := breakSignature(t, chain[1])
	after := bad.seal(crdt.Header{Log: bad.log, First: 2, Prev: forged.ID, Clock: chain[2].Clock}, "after a bad signature")

	outcomes, err := l.Apply(t.Context(), []crdt.Run{
		{},
		{Ops: []crdt.Op{other.op(crdt.Op{}, "x")}},
		{Ops: []crdt.Op{chain[0], forged}},
		{Ops: []crdt.Op{chain[0], chain[2]}},
		{Ops: good.chain(crdt.Op{}, 2, "good")},
		{Ops: []crdt.Op{chain[0], forged, after}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{crdt.ErrRun, crdt.ErrInvalid, crdt.ErrSignature, crdt.ErrRun, nil, nil} {
		if !errors.Is(outcomes[i].Err, want) {
			t.Errorf("run %d: %v, want %v", i, outcomes[i].Err, want)
		}
	}
	if outcomes[2].Ops != 1 || outcomes[5].Ops != 2 {
		t.Errorf("the authorised part of a run is not stored: %+v", outcomes)
	}
	// The author vouches for its op with the bad signature: an offence of its own, no damage.
	report, err := l.Verify(t.Context())
	if err != nil || report.Offences != 1 || !report.OK() {
		t.Errorf("verify: %v, %v", &report, err)
	}
}

// TestApplyMuch applies more than goes into one transaction, of which part of a run is left over, while
// others append.
func TestApplyMuch(t *testing.T) {
	l := eventlogtest.Open(t)
	var rs []crdt.Run
	size := 0
	for i := range 3 {
		s := newStranger(t, fmt.Sprint("much", i))
		var ops []crdt.Op
		var prev crdt.Op
		for j := range 40 {
			prev = s.op(prev, strings.Repeat("x", 60<<10)+fmt.Sprint(j))
			ops = append(ops, prev)
			size += prev.Size()
		}
		rs = append(rs, crdt.Run{Ops: ops})
	}
	if size < eventlog.MaxApply*3/2 {
		t.Fatalf("%d bytes go into one transaction", size)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := l.Append(t.Context(), note("mine")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	outcomes, err := l.Apply(t.Context(), rs)
	close(done)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		if o.Ops != 40 || o.Err != nil || o.Decision != crdt.Accepted {
			t.Errorf("run %d: %+v", i, o)
		}
	}
}

// TestSecondWriter lets a copy of the node write.
func TestSecondWriter(t *testing.T) {
	dir, cfg := t.TempDir(), config("twin")
	l := eventlogtest.Create(t, dir, cfg)
	twin := eventlogtest.OpenAs(t, "twin")
	mustAppend(t, twin, "written by the twin")
	mustAppend(t, l, "mine")

	run := readAll(t, twin, twin.Author())
	o := apply(t, l, run.Ops...)
	if o.Err != nil || o.Ops != 1 || !o.Forked {
		t.Fatalf("an op of our own that we did not write: %+v", o)
	}
	check := func() {
		t.Helper()
		both := texts(t, l, eventlog.Query{Disputed: eventlog.OnlyDisputed})
		if slices.Sort(both); !slices.Equal(both, []string{"mine", "written by the twin"}) {
			t.Errorf("both branches: %q", both)
		}
		if _, err := l.Append(t.Context(), note("x")); !errors.Is(err, eventlog.ErrSecondWriter) {
			t.Errorf("append: %v", err)
		}
		err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
			_, err := tx.Append(note("x"))
			return err
		})
		if !errors.Is(err, eventlog.ErrSecondWriter) {
			t.Errorf("append in an update: %v", err)
		}
		err = l.Update(t.Context(), func(tx *eventlog.Tx) error { return tx.SetCursor("f", 1) })
		if err != nil {
			t.Errorf("update without an append: %v", err)
		}
		if err := l.Health().Mute; !errors.Is(err, eventlog.ErrSecondWriter) {
			t.Errorf("health: %v", err)
		}
	}
	check()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = eventlogtest.Reopen(t, dir, cfg)
	check()
	s := newStranger(t, "s")
	if o := apply(t, l, s.op(crdt.Op{}, "from a peer")); o.Err != nil || o.Ops != 1 {
		t.Errorf("a peer's op once there is a second writer: %+v", o)
	}
	// Its own ops coming back are no second writer.
	third := eventlogtest.OpenAs(t, "third")
	mustAppend(t, third, "x")
	if o := apply(t, third, readAll(t, third, third.Author()).Ops...); o.Err != nil || o.Decision != crdt.Duplicate {
		t.Errorf("own ops coming back: %+v", o)
	}
	mustAppend(t, third, "y")
}

// TestTooManyBranches shuts an author that forks more often than this node wants to see.
//
//	trunk ─┬─ 0
//	       ├─ 1        two branches are kept
//	       └─ 2        shut
func TestTooManyBranches(t *testing.T) {
	dir, cfg := t.TempDir(), config("a")
	cfg.MaxBranches = 2
	l := eventlogtest.Create(t, dir, cfg)
	s := newStranger(t, "forker")
	trunk := s.op(crdt.Op{}, "trunk")
	branches := []crdt.Op{s.op(trunk, "0"), s.op(trunk, "1"), s.op(trunk, "2")}
	apply(t, l, trunk, branches[0])
	if o := apply(t, l, branches[1]); !o.Forked || o.Decision != crdt.Forked {
		t.Errorf("a fork: %+v", o)
	}
	wantShut := func(ops ...crdt.Op) {
		t.Helper()
		o := apply(t, l, ops...)
		shut, ok := errors.AsType[*eventlog.ShutError](o.Err)
		if !ok || shut.Reason != eventlog.ShutBranches || o.Ops != 0 {
			t.Errorf("outcome: %+v", o)
		}
		if !slices.Equal(l.Shut(), []crdt.Author{s.author()}) || l.ShutReasons()[s.author()] != eventlog.ShutBranches {
			t.Errorf("shut: %v", l.ShutReasons())
		}
	}
	wantShut(branches[2])
	wantShut(s.op(branches[0], "more of a branch that is held"))
	if st := l.Stats(); st.Forked != 1 || st.Shut != 1 || st.Entries != 3 {
		t.Errorf("stats: %+v", st)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = eventlogtest.Reopen(t, dir, cfg)
	wantShut(branches[2])
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.MaxBranches = 3
	l = eventlogtest.Reopen(t, dir, cfg)
	if len(l.Shut()) != 0 {
		t.Errorf("shut under a raised limit: %v", l.ShutReasons())
	}
	if o := apply(t, l, branches[2]); o.Err != nil || !o.Forked {
		t.Errorf("a third branch under a raised limit: %+v", o)
	}
}

// TestForkProofs proves the forks of the picture above.
func TestForkProofs(t *testing.T) {
	l := eventlogtest.Open(t)
	s := newStranger(t, "forker")
	trunk := s.op(crdt.Op{}, "trunk")
	apply(t, l, trunk)
	if len(l.Forked()) != 0 {
		t.Errorf("forked: %v", l.Forked())
	}
	for i := range 3 {
		apply(t, l, s.op(trunk, fmt.Sprint(i)))
	}
	if !slices.Equal(l.Forked(), []crdt.Author{s.author()}) {
		t.Errorf("forked: %v", l.Forked())
	}
	proofs, err := l.ForkProofs(t.Context(), s.author())
	if err != nil || len(proofs) != 2 {
		t.Fatalf("%d proofs, %v, want 2", len(proofs), err)
	}
	for _, p := range proofs {
		if err := p.Verify(l.ID()); err != nil || p.Author() != s.author() {
			t.Errorf("proof of %s: %v", p.Author(), err)
		}
	}
}

// TestAheadClocks stores clocks that are far ahead, and lets them move ours once the wall clock has come
// near.
func TestAheadClocks(t *testing.T) {
	now := noon
	dir, cfg := t.TempDir(), config("a")
	cfg.Now = func() time.Time { return now }
	l := eventlogtest.Create(t, dir, cfg)
	clock := func() crdt.Clock {
		t.Helper()
		mustAppend(t, l, "x")
		return l.Feed(l.Author()).Branches[0].Clock
	}
	near, far := newStranger(t, "near"), newStranger(t, "far")
	near.now, far.now = noon.Add(30*time.Second), noon.Add(time.Hour)
	apply(t, l, near.op(crdt.Op{}, "near"))
	apply(t, l, far.op(crdt.Op{}, "far"))
	if c := clock(); c <= crdt.ClockAt(near.now) || c >= crdt.ClockAt(far.now) {
		t.Errorf("clock %s: not just after %s", c, crdt.ClockAt(near.now))
	}
	if n := l.Stats().Ahead; n != 1 {
		t.Errorf("%d feeds are ahead, want 1", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = eventlogtest.Reopen(t, dir, cfg)
	if c := clock(); c <= crdt.ClockAt(near.now) || c >= crdt.ClockAt(far.now) {
		t.Errorf("clock after reopening %s: not just after %s", c, crdt.ClockAt(near.now))
	}
	now = noon.Add(time.Hour - time.Second)
	if c := clock(); c <= crdt.ClockAt(far.now) {
		t.Errorf("clock %s: not after %s, which is near now", c, crdt.ClockAt(far.now))
	}
	if n := l.Stats().Ahead; n != 0 {
		t.Errorf("%d feeds are ahead, want none", n)
	}
}

// TestLeave applies a run that begins at a floor, with the leave before it.
func TestLeave(t *testing.T) {
	l := eventlogtest.Open(t)
	s := newStranger(t, "s")
	ops := s.chain(crdt.Op{}, 3, "old")
	h := crdt.Header{Log: s.log, First: 3, Prev: ops[2].ID, Clock: ops[2].Clock + 1, Floor: 3}
	leaves := s.seal(h, "new")
	next := s.op(leaves, "newer")
	stranger := newStranger(t, "else").seal(crdt.Header{Log: s.log, First: 3, Prev: ops[2].ID, Clock: 1, Floor: 3}, "x")

	if o := apply(t, l, next); o.Decision != crdt.Pending {
		t.Errorf("without the leave: %+v", o)
	}
	outcomes, err := l.Apply(t.Context(), []crdt.Run{
		{Leave: stranger.Signed, Ops: []crdt.Op{leaves}},
		{Leave: leaves.Signed, Ops: []crdt.Op{next}},
		{Leave: leaves.Signed, Ops: []crdt.Op{leaves, next}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(outcomes[0].Err, crdt.ErrRun) || outcomes[1].Decision != crdt.Pending || outcomes[2].Ops != 2 {
		t.Errorf("outcomes: %+v", outcomes)
	}
	feed := l.Feed(s.author())
	if feed.First() != 3 || feed.Floor() != 3 || feed.Next() != 5 || len(feed.Branches) != 1 {
		t.Errorf("feed: %+v", feed)
	}
	apply(t, l, ops...) // what comes before it may come later
	if feed := l.Feed(s.author()); feed.First() != 0 && feed.First() != 3 {
		t.Errorf("feed: %+v", feed)
	}
}

// TestAnyOrder applies the ops of forking feeds in random orders to several logs: all come to hold the
// same.
func TestAnyOrder(t *testing.T) {
	s := newStranger(t, "s")
	trunk := s.chain(crdt.Op{}, 5, "trunk")
	all := slices.Concat(trunk, s.chain(trunk[1], 3, "left"), s.chain(trunk[3], 2, "right"))
	all = append(all, s.op(all[6], "left again"), newStranger(t, "t").op(crdt.Op{}, "t"))
	var roots []crdt.Hash
	for seed := range uint64(6) {
		l := eventlogtest.OpenAs(t, fmt.Sprint(seed))
		random := rand.New(rand.NewPCG(seed, 0))
		for left := slices.Clone(all); len(left) > 0; {
			random.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
			left = slices.DeleteFunc(left, func(op crdt.Op) bool {
				return apply(t, l, op).Decision != crdt.Pending
			})
		}
		roots = append(roots, l.Root())
		if l.Root() != l.Frontier().Hash() {
			t.Error("the digest is not that of the frontier")
		}
	}
	if len(slices.Compact(roots)) != 1 {
		t.Errorf("roots: %v", roots)
	}
}
