package demo

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/eventlog/transition/machine"
)

// Every one of the proposals' moves is sound by the machine or has a finding, and how many have which is
// known. They are written by one author in the order of the input, so that nothing is concurrent.
func TestProposalsAreFullyExplained(t *testing.T) {
	moves, err := readInput(nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := proposalMachine()
	if err != nil {
		t.Fatal(err)
	}
	written := make([]transition.Move, len(moves))
	for i, move := range moves {
		written[i] = transition.Move{Subject: move.Subject, From: &move.From, To: move.To, Trigger: move.Commit, Time: move.Time}
	}
	l := eventlogtest.Open(t)
	if _, err := transition.Append(t.Context(), l, written...); err != nil {
		t.Fatal(err)
	}
	r, err := transition.CheckLog(t.Context(), l, m, transition.CheckConfig{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[transition.Class]uint64{
		transition.UnknownState: 1, transition.BadBeginning: 24, transition.AfterEnd: 19, transition.Illegal: 55,
	}
	if diff := cmp.Diff(want, r.Counts); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	odd := make(map[transition.After]bool)
	for _, f := range r.Findings {
		odd[f.Transition.Place()] = true
	}
	if r.Transitions != 1841 || r.Subjects != 742 || int(r.Sound)+len(odd) != 1841 || int(r.Odd) != len(odd) || r.More != 0 {
		t.Errorf("%d transitions of %d subjects: %d sound, %d odd, %d with a finding", r.Transitions, r.Subjects, r.Sound, r.Odd, len(odd))
	}
	compareEdges(t, m, r)
}

// compareEdges counts what of the moves the machine allows.
func compareEdges(t *testing.T, m machine.Machine, r *transition.Report) {
	t.Helper()
	counts := make(map[machine.Verdict]uint64)
	for _, e := range r.Edges {
		counts[m.Judge(e.From, e.To, "")] += e.Count
	}
	want := map[machine.Verdict]uint64{
		machine.Allowed: 1841 - 24 - 19 - 55 - 1 - r.Respelt, machine.NotABeginning: 24, machine.AfterEnd: 19,
		machine.Undeclared: 55 + 1, // one of them to no state
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("edges by verdict (-want +got):\n%s", diff)
	}
}
