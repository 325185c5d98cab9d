package server

import (
	"context"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// postStop has the daemon end, and answers shortly before it does.
func (s *server) postStop(ctx context.Context, in *maybe[api.StopRequest]) (api.Stopped, error) {
	if s.daemon == nil {
		return api.Stopped{}, &api.Error{Code: api.NotRunning, Message: "no daemon runs here: there is nothing to stop"}
	}
	return s.daemon.Stop(ctx, time.Duration(in.value().Wait))
}

// entered lets somebody write, who calls leave when what he writes is durable or refused. A daemon that is about to
// stop refuses.
func (s *server) entered() (leave func(), err error) {
	if s.daemon == nil {
		return func() {}, nil
	}
	return s.daemon.Writing()
}

// writing is entered for somebody who appends: it is refused while the node may not know the end of its own feed, or
// with patience waits for that.
func (s *server) writing(ctx context.Context, patience bool) (leave func(), err error) {
	if err := s.settled(ctx, patience); err != nil {
		return nil, err
	}
	return s.entered()
}
