package server

import (
	"maps"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/quipulog/quipu/node/api"
)

// Answered is what a call was for and how it was answered: the route as it is declared, or [NoRoute], and the HTTP status.
type Answered struct {
	Route  string
	Status int
}

// NoRoute is the route of calls that have none, and of those past [MaxAnswered].
const NoRoute = "other"

// MaxAnswered bounds the routes and statuses that are counted apart.
const MaxAnswered = 512

// Counts is what a node was asked since its start, on its socket and over the network.
type Counts struct {
	Answered map[Answered]uint64 // calls that are over
	// Refused are calls that were refused, or ended after they had begun, by code.
	Refused map[api.Code]uint64
	Running int64 // calls under way, streams among them
	Events  int64 // of these, streams of server-sent events
}

// tally counts calls. The zero tally is ready for use.
type tally struct {
	running, events atomic.Int64

	mu sync.Mutex
	// The fields below are guarded by mu.

	answered map[Answered]uint64
	refused  map[api.Code]uint64
}

// over counts a call that is over.
func (t *tally) over(a Answered) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.answered == nil {
		t.answered = make(map[Answered]uint64)
	}
	if _, known := t.answered[a]; !known && len(t.answered) >= MaxAnswered {
		a.Route = NoRoute
	}
	t.answered[a]++
}

// refuse counts a refusal.
func (t *tally) refuse(code api.Code) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refused == nil {
		t.refused = make(map[api.Code]uint64)
	}
	t.refused[code]++
}

// Counts returns what the node was asked so far.
func (s *Server) Counts() Counts {
	t := &s.routes.s.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	return Counts{Answered: maps.Clone(t.answered), Refused: maps.Clone(t.refused), Running: t.running.Load(), Events: t.events.Load()}
}

// counted makes a handler of next that counts each call by its route and status.
func (rt *router) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, route := rt.mux.Handler(r)
		if _, declared := rt.operations[route]; !declared {
			route = NoRoute
		}
		rt.s.tally.running.Add(1)
		a := &answering{ResponseWriter: w}
		defer func() {
			rt.s.tally.running.Add(-1)
			rt.s.tally.over(Answered{route, a.told()})
		}()
		next.ServeHTTP(a, r)
	})
}

// answering is an answer that notes its status.
type answering struct {
	http.ResponseWriter
	status int // 0 before it was sent
}

func (a *answering) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// told returns the status: that of an answer without a head is 200.
func (a *answering) told() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

// Unwrap returns what an [http.ResponseController] flushes and sets deadlines of.
func (a *answering) Unwrap() http.ResponseWriter { return a.ResponseWriter }
