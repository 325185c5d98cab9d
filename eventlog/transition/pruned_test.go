package transition_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/transition"
)

// forget has the author of l give leave to forget what stands below a seq, and l and others do so.
func forget(t *testing.T, l *eventlog.Log, below uint64, others ...*eventlog.Log) {
	t.Helper()
	if _, err := l.Prune(t.Context(), eventlog.PruneRequest{Below: below}); err != nil {
		t.Fatal(err)
	}
	for _, other := range others {
		eventlogtest.Exchange(t, l, other)
	}
	for _, each := range append(others, l) {
		if err := transition.CatchUp(t.Context(), each); err != nil { // the projection holds a prune back
			t.Fatal(err)
		}
		if r, err := each.Trim(t.Context(), eventlog.TrimOptions{}); err != nil || r.Pruned.Entries != below {
			t.Fatalf("%d entries were pruned, want %d: %v", r.Pruned.Entries, below, err)
		}
	}
}

// TestSoundMovesStaySoundAfterAPrune: what comes after a pruned move was early, and a check failed for ever.
func TestSoundMovesStaySoundAfterAPrune(t *testing.T) {
	l := eventlogtest.Open(t)
	for _, m := range []transition.Move{
		{Subject: "moves on", To: "draft"}, {Subject: "is forgotten", To: "draft"}, {Subject: "stays", To: "draft"},
		{Subject: "moves on", To: "accepted", Trigger: "vote"}, {Subject: "moves on", To: "final"}, {Subject: "is new", To: "draft"},
	} {
		mustAppend(t, l, m)
	}
	late := openAt(t, "late", noon)
	forget(t, l, 3)
	eventlogtest.Exchange(t, l, late) // which never had what is gone
	for name, l := range map[string]*eventlog.Log{"the node": l, "a newcomer": late} {
		r := check(t, l, transition.CheckConfig{})
		if r.Transitions != 3 || r.Sound != 3 || r.Pruned != 1 || len(r.Contested) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
		step := replay(t, l).Subject("moves on").History[0]
		if !step.Pruned || step.Early || !step.Follows() || step.Stage != "draft" {
			t.Errorf("%s: %+v", name, step)
		}
		if diff := cmp.Diff(map[string]string{"moves on": "final", "is new": "draft"}, stages(t, l, transition.Bounds{})); diff != "" {
			t.Errorf("%s: stages (-want +got):\n%s", name, diff)
		}
		for s, err := range transition.States(t.Context(), l, transition.Bounds{}) {
			if err != nil || s.Pruned != (s.Subject == "moves on") {
				t.Errorf("%s: %+v, %v", name, s, err)
			}
		}
	}
	// What never came is early, all the same.
	after := crdt.AuthorOf(eventlogtest.Key("nobody")).String()
	payload := `{"from":"draft","to":"final","after":{"author":"` + after + `","seq":0,"op":"` + crdt.OpID{1}.String() + `"}}`
	if _, err := transition.AppendEvents(t.Context(), l, crdt.Event{Kind: transition.Kind, Subject: "x", Payload: []byte(payload)}); err != nil {
		t.Fatal(err)
	}
	if r := check(t, l, transition.CheckConfig{}); r.Counts[transition.Early] != 1 {
		t.Errorf("%+v", r.Counts)
	}
}

// TestAPruneInTheMiddleOfAHistory: Bob's move between two of Ann's is gone. Hers that went on from it moves on
// from what stands before; two that went on from it are concurrent, as they were.
func TestAPruneInTheMiddleOfAHistory(t *testing.T) {
	now := noon
	a := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("ann"), Now: func() time.Time { return now }})
	b := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("bob"), Now: func() time.Time { return now }})
	mustAppend(t, a, transition.Move{Subject: "x", To: "draft"}, transition.Move{Subject: "y", To: "draft"})
	eventlogtest.Exchange(t, a, b)
	now = noon.Add(time.Second)
	mustAppend(t, b, transition.Move{Subject: "x", To: "accepted", Trigger: "vote"}, transition.Move{Subject: "y", To: "accepted", Trigger: "vote"})
	eventlogtest.Exchange(t, b, a)
	now = noon.Add(2 * time.Second)
	mustAppend(t, a, transition.Move{Subject: "x", To: "final"}, transition.Move{Subject: "y", To: "final"})
	mustAppend(t, b, transition.Move{Subject: "y", To: "withdrawn"})
	eventlogtest.Exchange(t, a, b)
	forget(t, b, 2, a)
	for name, l := range map[string]*eventlog.Log{"ann": a, "bob": b} {
		wantHistory(t, l, "x", ">draft", "accepted>final")
		r := check(t, l, transition.CheckConfig{})
		if r.Pruned != 3 || r.Odd != 1 || r.Counts[transition.Concurrent] != 1 || len(r.Contested) != 1 || r.Contested[0].Subject != "y" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestABackdatedMoveOfOneWriterIsNotContested: with event times as the bound, what a cut leaves out is
// still known to have been known.
func TestABackdatedMoveOfOneWriterIsNotContested(t *testing.T) {
	l := eventlogtest.Open(t)
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	mustAppend(t, l,
		transition.Move{Subject: "x", To: "draft", Time: day(1)},
		transition.Move{Subject: "x", To: "accepted", Time: day(10), Trigger: "vote"},
		transition.Move{Subject: "x", To: "accepted", Time: day(11)},
		transition.Move{Subject: "x", To: "final", Time: day(5)}, // somebody had forgotten to say so
		transition.Move{Subject: "z", To: "draft", Time: day(30)},
	)
	for until, want := range map[int]map[string]string{
		0: {}, 1: {"x": "draft"}, 4: {"x": "draft"}, 5: {"x": "final"}, 9: {"x": "final"}, 10: {"x": "final"}, 30: {"x": "final", "z": "draft"},
	} {
		bounds := transition.Bounds{Until: day(until)}
		if diff := cmp.Diff(want, stages(t, l, bounds)); diff != "" {
			t.Errorf("on day %d (-want +got):\n%s", until, diff)
		}
		r := check(t, l, transition.CheckConfig{Bounds: bounds})
		if int(r.Subjects) != len(want) || len(r.Contested) != 0 || r.Counts[transition.Early]+r.Counts[transition.DoesNotFollow] != 0 {
			t.Errorf("on day %d: %+v", until, r)
		}
	}
	r, err := transition.ReplayAt(t.Context(), l, transition.Bounds{Until: day(9)})
	if err != nil {
		t.Fatal(err)
	}
	last := r.Subject("x").History[1]
	if last.Early || last.Seen != "accepted" || last.Stage != "draft" || len(last.Unseen) > 0 {
		t.Errorf("%+v", last)
	}
}

// TestAMoveAfterOneOfAClockThatWasAheadIsNotContested: Ann's clock is an hour ahead, and Bob moves on from what
// she has written. At a moment of his clock hers is left out, and what it leads back to counts.
func TestAMoveAfterOneOfAClockThatWasAheadIsNotContested(t *testing.T) {
	now := noon
	b := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("bob"), Now: func() time.Time { return now }})
	a := openAt(t, "ann", noon.Add(time.Hour))
	mustAppend(t, b, transition.Move{Subject: "x", To: "draft"}, transition.Move{Subject: "y", To: "draft"})
	eventlogtest.Exchange(t, b, a)
	mustAppend(t, a, transition.Move{Subject: "x", To: "accepted", Trigger: "vote"})
	eventlogtest.Exchange(t, a, b)
	now = noon.Add(time.Minute)
	mustAppend(t, b, transition.Move{Subject: "x", To: "final"})
	bounds := transition.Bounds{Clock: transition.AtClock(now)}
	if diff := cmp.Diff(map[string]string{"x": "final", "y": "draft"}, stages(t, b, bounds)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r := check(t, b, transition.CheckConfig{Bounds: bounds}); r.Odd != 0 || r.Transitions != 3 {
		t.Errorf("%+v", r)
	}
}
