package server

import (
	"context"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/node/api"
)

// postPrune gives leave to forget a part of the node's own feed, or says what that would be.
func (s *server) postPrune(ctx context.Context, in *maybe[api.PruneRequest]) (told api.Pruned, err error) {
	leave, err := s.writing(ctx, false)
	if err != nil {
		return told, err
	}
	defer leave()
	order := in.value()
	request := eventlog.PruneRequest{Below: order.Below, Before: order.Before.Time, Keep: order.Keep, Reason: order.Reason}
	if err := request.Check(); err != nil {
		return told, invalid(err)
	}
	prune := s.log.Prune
	if order.Plan {
		prune = s.log.PlanPrune
	}
	p, err := prune(ctx, request)
	if err != nil {
		return told, err
	}
	told = api.Pruned{Floor: p.Floor, Entries: p.Entries}
	if !order.Plan {
		told.Place = &p.Place
		return told, nil
	}
	return told, s.findMoved(ctx, &told)
}

// findMoved says of which subjects the last transition would go with a prune.
func (s *server) findMoved(ctx context.Context, plan *api.Pruned) error {
	for state, err := range transition.States(ctx, s.log, transition.Bounds{}) {
		if err != nil {
			return err
		}
		seq := state.Place.Seq
		if state.Place.Author != s.log.Author() || seq < plan.Floor-plan.Entries || seq >= plan.Floor {
			continue // it stays, or may be forgotten already
		}
		if plan.Moved++; plan.Moved <= api.MaxPruneSubjects {
			plan.Subjects = append(plan.Subjects, state.Subject)
		}
	}
	return nil
}

// postCompact writes the log's file anew.
func (s *server) postCompact(ctx context.Context, _ *none) (api.Compaction, error) {
	c, err := s.log.Compact(ctx)
	return api.Compaction{Before: c.Before, After: c.After}, err
}
