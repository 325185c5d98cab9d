package server

import (
	"net/http"
	"net/http/pprof"

	"github.com/quipulog/quipu/node/api"
)

// getMetrics answers with what the node counts.
func (s *server) getMetrics(w http.ResponseWriter, r *http.Request, _ *none) {
	if s.metrics == nil {
		s.refuse(w, r, &api.Error{Code: api.NotRunning, Message: "no daemon runs here: only a running one counts what it does"})
		return
	}
	s.metrics.ServeHTTP(w, r)
}

// profileInput names a profile.
type profileInput struct {
	Name string `path:"profile" doc:"As Go names it: profile is of the processor, then there are heap, allocs, goroutine, threadcreate, block, mutex and trace."`
}

// getProfile answers with one of Go's profiles, as "go tool pprof" asks for it.
func (s *server) getProfile(w http.ResponseWriter, r *http.Request, in *profileInput) {
	switch in.Name {
	case "profile":
		pprof.Profile(w, r)
	case "trace":
		pprof.Trace(w, r)
	default:
		pprof.Handler(in.Name).ServeHTTP(w, r)
	}
}
