package bridge_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/eventlog/bridge"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/transition"
)

// Moves of one batch and of several name each other, also across a gap and beside what others append.
func TestTransitionsOfABridgeFollowEachOther(t *testing.T) {
	l := eventlogtest.Open(t)
	if _, err := transition.Append(t.Context(), l, transition.Move{Subject: "a", To: "0"}); err != nil {
		t.Fatal(err)
	}
	cfg := bridge.Config[transition.Move]{Name: "s", Overflow: bridge.Drop, MaxQueued: 4}
	b, err := bridge.NewTransitions(t.Context(), l, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, to := range []string{"1", "2", "3", "4", "lost", "5", "6"} {
		if to == "5" {
			if err := b.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		m := transition.Move{Subject: string("aabaaab"[i]), To: to}
		if err := b.Publish(t.Context(), m); (err != nil) != (to == "lost") {
			t.Fatalf("%s: %v", to, err)
		}
	}
	if err := b.Publish(t.Context(), transition.Move{Subject: "a"}); !errors.Is(err, transition.ErrInvalid) {
		t.Errorf("a move to nowhere: %v", err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	replay, err := transition.ReplayLog(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	for subject, want := range map[string][]string{"a": {">0", "0>1", "1>2", "2>4", "4>5"}, "b": {">3", "3>6"}} {
		var got []string
		var before transition.After
		for _, step := range replay.Subject(subject).History {
			got = append(got, step.From+">"+step.To)
			if step.After != before || len(step.Concurrent) > 0 {
				t.Errorf("%s does not name %s", step.Place(), before)
			}
			before = step.Place()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("history of %s (-want +got):\n%s", subject, diff)
		}
	}
	wantLines(t, l, "a", "a", "a", "b", "a", "-5..5", "a", "b")
}
