package transition_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/eventlog/transition/machine"
)

// guarded appends a move if the machine allows it.
func guarded(t *testing.T, l *eventlog.Log, m *machine.Machine, move transition.Move) error {
	t.Helper()
	return l.Update(t.Context(), func(tx *eventlog.Tx) error {
		_, err := transition.AppendTx(tx, m, move)
		return err
	})
}

// wantStage asks for the stage of a subject in a View, and in an Update.
func wantStage(t *testing.T, l *eventlog.Log, subject, want string) {
	t.Helper()
	look := func(tx eventlog.Reader) error {
		got, err := transition.Stage(tx, subject)
		if got != want {
			t.Errorf("%s is in %q, want %q", subject, got, want)
		}
		return err
	}
	if err := l.View(t.Context(), func(tx *eventlog.ReadTx) error { return look(tx) }); err != nil {
		t.Error(err)
	}
	if err := l.Update(t.Context(), func(tx *eventlog.Tx) error { return look(tx) }); err != nil {
		t.Error(err)
	}
}

// TestAGuardedMoveHasNoRace: of many who try to take one subject, each having seen that it is free, one
// does; and the rest are told where it is.
func TestAGuardedMoveHasNoRace(t *testing.T) {
	l := eventlogtest.Open(t)
	m := &machine.Machine{
		States: []machine.State{{Name: "free"}, {Name: "taken"}}, Initial: []string{"free"},
		Moves: []machine.Move{{From: "free", To: "taken"}},
	}
	if err := guarded(t, l, m, transition.Move{Subject: "seat", To: "free"}); err != nil {
		t.Fatal(err)
	}
	wantStage(t, l, "seat", "free")
	var mu sync.Mutex
	var wait sync.WaitGroup
	took, refused := 0, 0
	for range 16 {
		wait.Go(func() {
			err := guarded(t, l, m, transition.Move{Subject: "seat", To: "taken"})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				took++
			} else if r, ok := errors.AsType[*transition.RefusedError](err); ok && r.Stage == "taken" && r.Class == transition.Illegal {
				refused++
			} else {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if took != 1 || refused != 15 {
		t.Errorf("%d have taken it, %d were refused", took, refused)
	}
	wantHistory(t, l, "seat", ">free", "free>taken")
}

// TestARefusedMoveSaysWhatIsAllowed moves each subject to a stage and then where it may not go.
func TestARefusedMoveSaysWhatIsAllowed(t *testing.T) {
	m := proposals()
	for _, test := range []struct {
		at   string
		move transition.Move
		want string
	}{
		{"", transition.Move{To: "final"}, `"x" stays in no stage: it begins in "final"; allowed from there: "draft"`},
		{"draft", transition.Move{To: "final"}, `"x" stays in "draft": no move leads from "draft" to "final"; allowed from there: "accepted" (by "vote"), "withdrawn"`},
		{"draft", transition.Move{To: "accepted", Trigger: "whim"}, `"x" stays in "draft": it is moved from "draft" to "accepted" by "whim"; allowed from there: "accepted" (by "vote"), "withdrawn"`},
		{"draft", transition.Move{To: "witdrawn"}, `"x" stays in "draft": "witdrawn" is no state, expected perhaps "withdrawn"; allowed from there: "accepted" (by "vote"), "withdrawn"`},
		{"draft", transition.Move{From: new("accepted"), To: "final"}, `"x" stays in "draft": the move begins in "accepted"; allowed from there: "accepted" (by "vote"), "withdrawn"`},
		{"final", transition.Move{To: "draft"}, `"x" stays in "final": "final" is terminal, and it moves on to "draft"; allowed from there: no move`},
		{"April", transition.Move{To: "draft"}, `"x" stays in "April": "April" is no state, expected one of the states; allowed from there: no move`},
	} {
		l := eventlogtest.Open(t)
		if test.at != "" {
			mustAppend(t, l, transition.Move{Subject: "x", To: test.at})
		}
		test.move.Subject = "x"
		before := l.Stats().Entries
		err := guarded(t, l, &m, test.move)
		refused, ok := errors.AsType[*transition.RefusedError](err)
		if !ok || refused.Stage != test.at || l.Stats().Entries != before {
			t.Errorf("from %q to %q: %v", test.at, test.move.To, err)
			continue
		}
		if diff := cmp.Diff(test.want, err.Error()); diff != "" {
			t.Errorf("from %q to %q (-want +got):\n%s", test.at, test.move.To, diff)
		}
	}
}

// TestAllowedMovesAreAppended: by the name of a state and by an alias, in one Update one after the other,
// and without a machine whatever the move.
func TestAllowedMovesAreAppended(t *testing.T) {
	l := eventlogtest.Open(t)
	m := proposals()
	if err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		for _, move := range []transition.Move{{To: "draft"}, {To: "acepted", Trigger: "vote"}, {From: new("accepted"), To: "final"}} {
			move.Subject = "x"
			if _, err := transition.AppendTx(tx, &m, move); err != nil {
				return err
			}
			if stage, err := transition.Stage(tx, "x"); stage != move.To {
				t.Errorf("after the move to %q it is in %q: %v", move.To, stage, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	wantHistory(t, l, "x", ">draft", "draft>acepted", "accepted>final was acepted")
	if r := check(t, l, transition.CheckConfig{}); r.Odd != 0 || r.Aliased != 1 {
		t.Errorf("%+v", r)
	}
	if err := guarded(t, l, nil, transition.Move{Subject: "x", To: "draft"}); err != nil {
		t.Error(err)
	}
	if err := guarded(t, l, nil, transition.Move{Subject: "x"}); !errors.Is(err, transition.ErrInvalid) {
		t.Errorf("a move to nowhere: %v", err)
	}
	wantStage(t, l, "x", "draft")
	wantStage(t, l, "nobody", "")
}

// TestStageIsThatOfAReplay: Ann and Bob move subjects, with and without knowing of each other, in every
// way there is; at each step each node's Stage, before and after it has caught up, is its replay's.
func TestStageIsThatOfAReplay(t *testing.T) {
	a, b := openAt(t, "ann", noon), openAt(t, "bob", noon.Add(1))
	stages := strings.Split("one two three four five six seven", " ")
	for i, to := range stages {
		mover, other := a, b
		if i%3 == 1 {
			mover, other = b, a
		}
		for _, subject := range []string{"x", "y"} {
			if err := guarded(t, mover, nil, transition.Move{Subject: subject, To: to}); err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				mustAppend(t, mover, transition.Move{Subject: subject, To: to + "!"}, transition.Move{Subject: subject, To: to + "!!"})
			}
		}
		if _, err := mover.Append(t.Context(), crdt.Event{Kind: "other"}); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 {
			eventlogtest.Exchange(t, mover, other)
		}
		for _, l := range []*eventlog.Log{a, b} {
			for _, subject := range []string{"x", "y"} {
				want := replay(t, l).Subject(subject).Stage
				wantStage(t, l, subject, want)
				if i%2 == 0 {
					if err := transition.CatchUp(t.Context(), l); err != nil {
						t.Fatal(err)
					}
					wantStage(t, l, subject, want)
				}
			}
		}
	}
}
