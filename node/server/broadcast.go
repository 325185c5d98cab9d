package server

import (
	"fmt"
	"net/http"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// noListeners refuses what has to do with transient events where no daemon runs.
var noListeners = &api.Error{Code: api.NotRunning, Message: "no daemon runs here: a transient event is stored nowhere, so only a running daemon can tell it to others or hear it"}

// postBroadcast tells a transient event to those who listen now.
func (s *server) postBroadcast(r *http.Request) (any, error) {
	if s.daemon == nil {
		return nil, noListeners
	}
	scope, err := scopeOf(r.URL.Query().Get(api.ParamScope))
	if err != nil {
		return nil, invalid(err)
	}
	e, err := api.ReadBroadcast(r.Body)
	if err != nil {
		return nil, err
	}
	reach, err := s.log.Broadcast(r.Context(), e, scope)
	return api.Reach{Listeners: reach.Listeners, Relayed: reach.Relayed, Peers: reach.Peers}, err
}

func scopeOf(text string) (eventlog.Scope, error) {
	switch text {
	case api.ScopeHere:
		return eventlog.Here, nil
	case "", api.ScopePeers:
		return eventlog.Peers, nil
	}
	return 0, fmt.Errorf("scope %q: expected %s or %s", text, api.ScopeHere, api.ScopePeers)
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
