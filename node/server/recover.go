package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// postRecover takes up the node's own feed again, or says where that would be.
func (s *server) postRecover(r *http.Request) (any, error) {
	var order api.RecoverRequest
	if err := readOrder(r, &order); err != nil {
		return nil, err
	}
	return s.recoverFeed(r.Context(), order)
}

// recoverFeed asks where the feed ends and takes it up there; once more where it has moved in between.
func (s *server) recoverFeed(ctx context.Context, order api.RecoverRequest) (api.Recovered, error) {
	for {
		why := s.log.Health().Mute
		state, recovering := errors.AsType[*eventlog.RecoveringError](why)
		switch {
		case why == nil:
			return api.Recovered{}, eventlog.ErrNotRecovering
		case !recovering:
			return api.Recovered{}, why
		}
		end, err := s.askOwnEnd(ctx, order.Alone)
		if err != nil {
			return api.Recovered{}, err
		}
		told := api.Recovered{Author: s.log.Author(), End: tellHead(end.End), Asked: s.named(end.Asked), Missing: s.named(end.Missing)}
		if state.Own.Next > 0 {
			from := tellHead(state.Own)
			told.From = &from
		}
		if order.Plan {
			return told, nil
		}
		done, err := s.log.Recover(ctx, end)
		if errors.Is(err, eventlog.ErrMoved) && ctx.Err() == nil {
			continue
		}
		told.Place = &done.Place
		return told, err
	}
}

// askOwnEnd returns where the feed ends, as those say who can be asked; alone allows that to be nobody.
func (s *server) askOwnEnd(ctx context.Context, alone bool) (eventlog.Recovery, error) {
	if s.daemon != nil {
		return s.daemon.AskOwnEnd(ctx, alone)
	}
	if !alone {
		return eventlog.Recovery{}, &api.Error{Code: api.NotRunning, Message: "no daemon runs here: only a running one can ask the members" +
			" where this node's feed ends: quipu start --dir D; where no other node of the log is left, give --alone"}
	}
	var end crdt.Head
	if heads := s.log.Feed(s.log.Author()).Heads(); len(heads) > 0 {
		end = heads[len(heads)-1]
	}
	return eventlog.Recovery{End: end}, nil
}

// named adds to authors what they call themselves.
func (s *server) named(authors []crdt.Author) (all []api.Named) {
	if len(authors) == 0 {
		return nil
	}
	names := s.authorNames()
	for _, a := range authors {
		all = append(all, api.Named{Author: a, Name: names[a]})
	}
	return all
}

func tellHead(h crdt.Head) api.Head { return api.Head{Next: h.Next, Op: h.ID} }
