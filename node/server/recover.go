package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/condition"
)

// recovery returns why the node does not append that may not know the end of its own feed; nil where it does.
func (s *server) recovery() *api.Recovery {
	switch {
	case s.log.Health().Mute == nil: // as most often, and for each batch that is appended
		return nil
	case s.daemon != nil:
		return s.daemon.Recovery()
	}
	return condition.Recovering(s.log, nil)
}

// settled returns why nothing is appended while the node may not know the end of its own feed, nil where that is not so
// or over in seconds, for which the log waits. With patience it waits until then: what is over in seconds may turn out
// to be more.
func (s *server) settled(ctx context.Context, patience bool) error {
	for {
		changed, r := s.log.Changed(), s.recovery()
		switch {
		case r == nil || condition.Passing(r) && (!patience || !r.Asking):
			return nil
		case !patience || !r.Asking:
			return &api.Error{Code: api.Recovering, Message: r.String()}
		}
		select {
		case <-changed:
		case <-ctx.Done(): // and where it is the client that has left, nobody hears
			return &api.Error{Code: api.Stopping, Message: "the node is stopping, and does not know the end of its own feed yet: nothing was appended; append again after the next start"}
		}
	}
}

// postRecover has the node go on as the operator says, or says what is known.
func (s *server) postRecover(ctx context.Context, in *maybe[api.RecoverRequest]) (api.Recovered, error) {
	leave, err := s.entered()
	if err != nil {
		return api.Recovered{}, err
	}
	defer leave()
	return s.recoverFeed(ctx, in.value())
}

func (s *server) recoverFeed(ctx context.Context, order api.RecoverRequest) (told api.Recovered, err error) {
	told.Author = s.log.Author()
	why := s.log.Health().Mute
	state, recovering := errors.AsType[*eventlog.RecoveringError](why)
	switch {
	case why == nil:
		return told, eventlog.ErrNotRecovering
	case !recovering:
		return told, why
	case s.daemon != nil:
		told.Recovering, err = s.daemon.Recover(ctx, order)
	case order.Plan:
		told.Recovering = s.recovery()
	case !order.Alone:
		err = &api.Error{Code: api.NotRunning, Message: "no daemon runs here: only a running one can ask the members where this node's own feed ends" +
			` and go on without one of them: "quipu start --dir D"; where no other node of the log is left, give --alone`}
	default:
		err = s.goOnAlone(ctx)
	}
	switch {
	case err != nil || order.Plan && told.Recovering != nil:
		return told, err
	case told.Recovering == nil && state.Why.Soft():
		return told, eventlog.ErrNotRecovering // by now, and nothing of it is on record
	case told.Recovering != nil:
		return told, &api.Error{Code: api.Recovering, Message: "not yet: " + told.Recovering.String()}
	}
	return s.recovered(ctx)
}

// goOnAlone goes on where the feed ends here. Those who were remembered were not asked.
func (s *server) goOnAlone(ctx context.Context) error {
	r := eventlog.Recovery{Alone: true}
	if heads := s.log.Feed(s.log.Author()).Heads(); len(heads) > 0 {
		r.End = heads[len(heads)-1]
	}
	if s.remembered != nil {
		r.Missing = slices.SortedFunc(maps.Keys(s.remembered()), crdt.Author.Compare)
	}
	_, err := s.log.Recover(ctx, r)
	return err
}

// recovered returns how the feed was taken up last, as the record of that says.
func (s *server) recovered(ctx context.Context) (told api.Recovered, err error) {
	told.Author = s.log.Author()
	query := eventlog.Query{Authors: []crdt.Author{told.Author}, Kinds: []string{eventlog.RecoverKind}, Reverse: true, Limit: 1}
	for e, err := range s.log.Entries(ctx, query) {
		if err != nil {
			return told, err
		}
		var record struct {
			Why                     string
			From                    api.Head
			End                     api.Head
			Asked, Missing, Without []crdt.Author
			Places                  []string
			Alone                   bool
		}
		if err := json.Unmarshal(e.Payload, &record); err != nil {
			return told, fmt.Errorf("read the record of the recovery at %s: %w", e.Place(), err)
		}
		names, place := s.authorNames(), e.Place()
		told.Why, told.End, told.Place, told.Alone = record.Why, &record.End, &place, record.Alone
		told.Addrs = record.Places
		if record.From.Next > 0 {
			told.From = &record.From
		}
		told.Asked, told.Missing, told.Without = api.NamesOf(record.Asked, names), api.NamesOf(record.Missing, names), api.NamesOf(record.Without, names)
	}
	return told, nil
}
