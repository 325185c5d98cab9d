package server

import (
	"context"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// noListeners refuses what has to do with transient events where no daemon runs.
var noListeners = &api.Error{Code: api.NotRunning, Message: "no daemon runs here: a transient event is stored nowhere, so only a running daemon can tell it to others or hear it"}

// broadcastInput is a transient event, and whom it is told.
type broadcastInput struct {
	queried
	Body crdt.Event
}

// postBroadcast tells a transient event to those who listen now.
func (s *server) postBroadcast(ctx context.Context, in *broadcastInput) (api.Reach, error) {
	if s.daemon == nil {
		return api.Reach{}, noListeners
	}
	scope, err := scopeOf(in.params.Get(api.ParamTo))
	if err != nil {
		return api.Reach{}, invalid(err)
	}
	event, err := signed(grantOf(ctx), in.Body)
	if err != nil {
		return api.Reach{}, err
	}
	reach, err := s.log.Broadcast(ctx, event, scope)
	return api.Reach{Listeners: reach.Listeners, Relayed: reach.Relayed, Peers: reach.Peers}, err
}

func scopeOf(to string) (eventlog.Scope, error) {
	switch to {
	case api.ToHere:
		return eventlog.Here, nil
	case "", api.ToPeers:
		return eventlog.Peers, nil
	}
	return 0, fmt.Errorf("parameter %s: %q: expected %s or %s", api.ParamTo, to, api.ToHere, api.ToPeers)
}

// transient is what a client is told that appends a transient event.
func transient(e crdt.Event) error {
	return &api.Error{Code: api.Invalid, Message: fmt.Sprintf(
		"kind %q is transient: it is stored nowhere, and has no place; \"quipu append --retention transient\" tells it to those who listen, and lines that were heard are not told again", e.Kind)}
}

// listenQuery returns what of a tail's query counts for transient events.
func listenQuery(q eventlog.Query) eventlog.Query {
	return eventlog.Query{
		Authors: q.Authors, Kinds: q.Kinds, Modules: q.Modules, Subjects: q.Subjects, Since: q.Since, Until: q.Until, Disputed: q.Disputed,
	}
}
