package server

import (
	"net/http"

	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/node/api"
)

// stateInput asks for what is known of subjects, in the body.
type stateInput struct{ Body api.StateQuery }

// bounded makes a handler of one that answers what is within bounds, which stand in the URL.
func (s *server) bounded(answer func(http.ResponseWriter, *http.Request, transition.Bounds)) func(http.ResponseWriter, *http.Request, *none) {
	return func(w http.ResponseWriter, r *http.Request, _ *none) {
		q, err := api.ParseStateQuery(r.URL.Query())
		if err != nil {
			s.refuse(w, r, invalid(err))
			return
		}
		s.within(w, r, q, answer)
	}
}

// boundedAt is bounded for bounds that stand in the body.
func (s *server) boundedAt(answer func(http.ResponseWriter, *http.Request, transition.Bounds)) func(http.ResponseWriter, *http.Request, *stateInput) {
	return func(w http.ResponseWriter, r *http.Request, in *stateInput) { s.within(w, r, in.Body, answer) }
}

func (s *server) within(w http.ResponseWriter, r *http.Request, q api.StateQuery, answer func(http.ResponseWriter, *http.Request, transition.Bounds)) {
	bounds, err := boundsOf(q.Subjects, q.At)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	answer(w, r, bounds)
}

// states streams the stage of every subject within bounds.
func (s *server) states(w http.ResponseWriter, r *http.Request, b transition.Bounds) {
	stream(s, w, r, transition.States(r.Context(), s.log, b), stateOf)
}

// boundsOf returns the bounds that a moment sets.
func boundsOf(subjects []string, at api.Moment) (transition.Bounds, error) {
	b := transition.Bounds{Subjects: subjects, Until: at.Event.Time}
	if !at.Clock.IsZero() {
		b.Clock = max(1, transition.AtClock(at.Clock.Time)) // 0 would be no bound
	}
	if at.Frontier != nil {
		var err error
		if b.Frontier, err = at.Frontier.Held(); err != nil {
			return b, invalid(err)
		}
	}
	return b, nil
}

func stateOf(s transition.State) api.State {
	told := api.State{Subject: s.Subject, Stage: s.Stage, Place: s.Place, Time: s.Time.UTC(), Moves: s.Moves, Concurrent: s.Concurrent, Pruned: s.Pruned}
	if s.Contested() {
		for _, c := range s.Open {
			told.Contested = append(told.Contested, api.Candidate{Place: placeOf(c.Place), Stage: c.Stage})
		}
	}
	return told
}
