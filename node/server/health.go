package server

import (
	"context"
	"strings"

	"github.com/quipulog/quipu/node/api"
)

// getLive answers that the node lives, or that it has to be started anew.
func (s *server) getLive(ctx context.Context, _ *none) (api.Health, error) {
	if s.daemon != nil {
		if why := s.daemon.Dead(); why != nil {
			return api.Health{}, unfit(ctx, api.NotLive, "start it anew: ", why)
		}
	}
	return api.Health{Status: api.Live}, nil
}

// getReady answers that the node is ready, or that it has caught up where that is asked.
func (s *server) getReady(ctx context.Context, in *queried) (api.Health, error) {
	if s.daemon == nil {
		return api.Health{}, &api.Error{Code: api.NotRunning, Message: "no daemon runs here: only a running one can be ready"}
	}
	demand, err := api.ParseDemand(in.params)
	if err != nil {
		return api.Health{}, invalid(err)
	}
	if why := api.Failing(s.daemon.Unready(), demand); why != nil {
		return api.Health{}, unfit(ctx, api.NotReady, "not "+strings.ReplaceAll(string(demand), "-", " ")+": ", why)
	}
	return api.Health{Status: string(demand)}, nil
}

// unfit returns the refusal of a node that is not as it is asked to be. Strangers are told the reasons in a word each.
func unfit(ctx context.Context, code api.Code, what string, why []api.Condition) *api.Error {
	grant := grantOf(ctx)
	tells := grant == nil || grant.Allows(api.ScopeRead) && !grant.Narrow()
	reasons, said := make([]string, len(why)), make([]string, len(why))
	for i, c := range why {
		reasons[i], said[i] = c.Condition, c.Condition
		if tells {
			said[i] = c.String()
		}
	}
	return &api.Error{Code: code, Message: what + strings.Join(said, "; "), Reasons: reasons}
}
