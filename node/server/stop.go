package server

import (
	"net/http"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// postStop has the daemon end, and answers shortly before it does.
func (s *server) postStop(r *http.Request) (any, error) {
	var order api.StopRequest
	if err := readOrder(r, &order); err != nil {
		return nil, err
	}
	if s.daemon == nil {
		return nil, &api.Error{Code: api.NotRunning, Message: "no daemon runs here: there is nothing to stop"}
	}
	return s.daemon.Stop(r.Context(), time.Duration(order.Wait))
}

// writing lets somebody append, who calls leave when what he appends is durable or refused. A daemon that is
// about to stop refuses.
func (s *server) writing() (leave func(), err error) {
	if s.daemon == nil {
		return func() {}, nil
	}
	return s.daemon.Writing()
}

// writes is the handler of a route that appends an entry.
func (s *server) writes(ask func(*http.Request) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		leave, err := s.writing()
		if err != nil {
			return nil, err
		}
		defer leave()
		return ask(r)
	}
}
