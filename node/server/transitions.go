package server

import (
	"context"
	"net/http"
	"strconv"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
)

// postTransitions appends the moves that the lines of the request hold.
func (s *server) postTransitions(w http.ResponseWriter, r *http.Request, _ *none) {
	s.takeMoves(w, r, s.appendMoves)
}

// takeMoves has store append the moves that the lines of the request hold.
func (s *server) takeMoves(w http.ResponseWriter, r *http.Request, store func(ctx context.Context, moves []transition.Move) ([]eventlog.Appended, error)) {
	grant := grantOf(r.Context())
	parse := func(line []byte, _ int) (transition.Move, error) { return parseMove(grant, line) }
	input[transition.Move]{parse: parse, memory: moveMemory, store: store, first: 1}.serve(s, w, r)
}

// parseMove reads a move and checks it as the event that it becomes.
func parseMove(g *access.Grant, line []byte) (transition.Move, error) {
	sent, err := api.ParseMove(line)
	if err != nil {
		return transition.Move{}, invalid(err)
	}
	headers, err := signedHeaders(g, sent.EventHeaders())
	if err != nil {
		return transition.Move{}, err
	}
	m := transition.Move{
		Subject: sent.Subject, From: sent.From, To: sent.To, Trigger: sent.Trigger,
		Module: sent.Module, Time: sent.Time, Headers: headers,
	}
	e, err := m.Event()
	if err != nil {
		return transition.Move{}, err
	}
	return m, e.Check()
}

// moveMemory is about that of the event that the move becomes.
func moveMemory(m transition.Move) int {
	e := crdt.Event{Subject: m.Subject, Module: m.Module, ContentType: m.To + m.Trigger, Headers: m.Headers}
	return e.Memory()
}

func (s *server) appendMoves(ctx context.Context, moves []transition.Move) ([]eventlog.Appended, error) {
	places, err := transition.Append(ctx, s.log, moves...)
	return fresh(places), err
}

// transitions streams the transition log within bounds, in causal order.
func (s *server) transitions(w http.ResponseWriter, r *http.Request, b transition.Bounds) {
	if b.Frontier == nil {
		b.Frontier = s.log.Frontier() // which is read twice
	}
	replay, err := transition.ReplayAt(r.Context(), s.log, b)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	notes := map[transition.After][]string{}
	for _, subject := range replay.Subjects() {
		for _, step := range subject.History {
			if odd := oddities(step); odd != nil {
				notes[step.Place()] = odd
			}
		}
	}
	moves := transition.ReadAt(r.Context(), s.log, b)
	stream(s, w, r, moves, func(t transition.Transition) api.Transition { return transitionOf(t, notes[t.Place()]) })
}

// oddities says what is odd about a step, nil when nothing is.
func oddities(step transition.Step) []string {
	var notes []string
	if !step.Follows() {
		was := "no stage"
		if step.Stage != "" {
			was = strconv.Quote(step.Stage)
		}
		notes = append(notes, "the subject was in "+was)
	}
	for _, other := range step.Concurrent {
		if other != step.Place() {
			notes = append(notes, "concurrent with "+other.String())
		}
	}
	if step.Pruned {
		notes = append(notes, "after what was pruned")
	}
	if step.Early {
		notes = append(notes, "early: "+step.After.String()+" does not come before it")
	}
	return notes
}

func transitionOf(t transition.Transition, notes []string) api.Transition {
	sent := api.Transition{
		Place: t.Entry.Entry.Place(), Op: t.Entry.Op, Clock: t.Entry.Clock, Time: t.Entry.Time.UTC(),
		Subject: t.Subject, From: t.From, To: t.To, Trigger: t.Trigger,
		Module: t.Entry.Module, Notes: notes,
	}
	for _, h := range t.Entry.Headers {
		if sent.Headers == nil {
			sent.Headers = map[string]string{}
		}
		sent.Headers[h.Name] = h.Value
	}
	if !t.After.IsZero() {
		sent.After = &api.After{Author: t.After.Author, Seq: t.After.Seq, Op: t.After.Op}
	}
	if t.Malformed != nil {
		sent.Notes = append(sent.Notes, "malformed: "+t.Malformed.Error())
	}
	return sent
}
