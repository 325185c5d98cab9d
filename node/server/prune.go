package server

import (
	"context"
	"net/http"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/node/api"
)

// postPrune gives leave to forget a part of the node's own feed, or says what that would be.
func (s *server) postPrune(w http.ResponseWriter, r *http.Request) {
	var order api.PruneRequest
	if err := readOrder(w, r, &order); err != nil {
		s.refuse(w, err)
		return
	}
	request := eventlog.PruneRequest{Below: order.Below, Before: order.Before.Time, Keep: order.Keep, Reason: order.Reason}
	if err := request.Check(); err != nil {
		s.refuse(w, invalid(err))
		return
	}
	prune := s.log.Prune
	if order.Plan {
		prune = s.log.PlanPrune
	}
	p, err := prune(r.Context(), request)
	if err != nil {
		s.refuse(w, err)
		return
	}
	told := api.Pruned{Floor: p.Floor, Entries: p.Entries}
	if !order.Plan {
		told.Place = &p.Place
	} else if err := s.findMoved(r.Context(), &told); err != nil {
		s.refuse(w, err)
		return
	}
	s.answer(w, told)
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
func (s *server) postCompact(w http.ResponseWriter, r *http.Request) {
	c, err := s.log.Compact(r.Context())
	if err != nil {
		s.refuse(w, err)
		return
	}
	s.answer(w, api.Compaction{Before: c.Before, After: c.After})
}
