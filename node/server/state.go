package server

import (
	"net/http"

	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/node/api"
)

// getState streams the present stage of every subject, or of those that the query names.
func (s *server) getState(w http.ResponseWriter, r *http.Request) {
	s.sendStates(w, r, transition.Bounds{Subjects: r.URL.Query()[api.ParamSubject]})
}

// postState streams the stage of the subjects of the request, at the moment that it names.
func (s *server) postState(w http.ResponseWriter, r *http.Request) {
	var asked api.StateQuery
	if err := readRequest(r, api.MaxCheckRequest, &asked); err != nil {
		s.refuse(w, err)
		return
	}
	bounds, err := boundsOf(asked.Subjects, asked.At)
	if err != nil {
		s.refuse(w, err)
		return
	}
	s.sendStates(w, r, bounds)
}

func (s *server) sendStates(w http.ResponseWriter, r *http.Request, b transition.Bounds) {
	stream(s, w, transition.States(r.Context(), s.log, b), stateOf)
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
