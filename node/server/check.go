package server

import (
	"fmt"
	"net/http"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/node/api"
)

// maxFindings bounds how many findings one check lists.
const maxFindings = 100_000

// postCheck holds the transitions against the machine of the request.
func (s *server) postCheck(r *http.Request) (any, error) {
	var asked api.CheckRequest
	err := readRequest(r, api.MaxCheckRequest, &asked)
	if err == nil && (asked.MaxFindings < 0 || asked.MaxFindings > maxFindings) {
		err = invalid(fmt.Errorf("maxFindings %d: expected 0 to %d", asked.MaxFindings, maxFindings))
	}
	if err != nil {
		return nil, err
	}
	bounds, err := boundsOf(asked.Subjects, asked.At)
	if err != nil {
		return nil, err
	}
	report, err := transition.CheckLog(r.Context(), s.log, asked.Machine, transition.CheckConfig{Bounds: bounds, MaxFindings: asked.MaxFindings})
	if err != nil {
		return nil, err
	}
	return checkReport(report), nil
}

// checkReport returns the form in which a report is told.
func checkReport(r *transition.Report) api.CheckReport {
	told := api.CheckReport{
		Frontier: r.Frontier, Subjects: r.Subjects, Transitions: r.Transitions, Sound: r.Sound, Odd: r.Odd,
		Counts: r.Counts, More: r.More, Edges: r.Edges, Respelt: r.Respelt, MoreMoves: r.MoreMoves, Aliased: r.Aliased, Pruned: r.Pruned, Findings: []api.Finding{},
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		one := api.Finding{Class: f.Class, Transition: transitionOf(f.Transition, nil), Why: f.Why, Expected: f.Expected}
		for _, other := range f.Others {
			one.Others = append(one.Others, placeOf(other))
		}
		told.Findings = append(told.Findings, one)
	}
	for i := range r.Contested {
		told.Contested = append(told.Contested, stateOf(r.Contested[i]))
	}
	return told
}

// placeOf returns a place with its branch, whether or not it is disputed.
func placeOf(a transition.After) crdt.Place {
	return crdt.Place{Author: a.Author, Seq: a.Seq, Branch: a.Op.Branch()}
}
