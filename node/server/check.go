package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/eventlog/transition/machinefile"
	"github.com/quipulog/quipu/node/api"
)

// maxFindings bounds how many findings one check lists.
const maxFindings = 100_000

// checkInput asks for a check.
type checkInput struct{ Body api.CheckRequest }

// postCheck holds the transitions against the machine of the request.
func (s *server) postCheck(ctx context.Context, in *checkInput) (told api.CheckReport, err error) {
	asked := &in.Body
	if asked.MaxFindings < 0 || asked.MaxFindings > maxFindings {
		return told, invalid(fmt.Errorf("maxFindings %d: expected 0 to %d", asked.MaxFindings, maxFindings))
	}
	bounds, err := boundsOf(asked.Subjects, asked.At)
	if err != nil {
		return told, err
	}
	if asked.MachineFile != "" {
		if len(asked.Machine.States) > 0 {
			return told, invalid(errors.New("machine and machineFile exclude each other"))
		}
		if asked.Machine, err = machinefile.Parse([]byte(asked.MachineFile)); err != nil {
			return told, invalid(fmt.Errorf("machineFile: %w", err))
		}
	}
	report, err := transition.CheckLog(ctx, s.log, asked.Machine, transition.CheckConfig{Bounds: bounds, MaxFindings: asked.MaxFindings})
	if err != nil {
		return told, err
	}
	told = checkReport(report)
	if asked.MachineFile != "" {
		told.Machine = &asked.Machine
	}
	return told, nil
}

// checkReport returns the form in which a report is told.
func checkReport(r *transition.Report) api.CheckReport {
	told := api.CheckReport{
		Frontier: r.Frontier, Subjects: r.Subjects, Transitions: r.Transitions, Sound: r.Sound, Odd: r.Odd,
		Counts: make(map[string]uint64), More: r.More, Edges: r.Edges, Respelt: r.Respelt, MoreMoves: r.MoreMoves, Aliased: r.Aliased, Pruned: r.Pruned, Findings: []api.Finding{},
	}
	for class, n := range r.Counts {
		told.Counts[string(class)] = n
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		one := api.Finding{Class: string(f.Class), Transition: transitionOf(f.Transition, nil), Why: f.Why, Expected: f.Expected}
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
