package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/node/api"
)

// placeInput names an entry.
type placeInput struct {
	Place crdt.Place `path:"place" doc:"AUTHOR/SEQ, and of one that is disputed AUTHOR/SEQ@BRANCH."`
}

// getWhere answers with who holds an entry.
func (s *server) getWhere(ctx context.Context, in *placeInput) (where api.Where, err error) {
	if s.daemon == nil {
		return where, nobodyHeard()
	}
	receipts, err := s.log.Elsewhere().Receipts(ctx, in.Place)
	if err != nil {
		return where, err
	}
	where = s.where(in.Place, receipts)
	_, err = s.log.Lookup(ctx, in.Place)
	if _, gone := errors.AsType[*eventlog.TrimmedError](err); gone {
		where.Nodes[0].Holding, err = elsewhere.Trimmed, nil
	}
	return where, err
}

// where tells who holds an entry that is held here.
func (s *server) where(place crdt.Place, receipts []eventlog.Receipt) api.Where {
	names := s.authorNames()
	told := api.Where{Place: place, Nodes: []api.Receipt{{Author: s.log.Author(), Name: s.name, Holding: elsewhere.Holds, Self: true}}}
	for _, r := range receipts {
		told.Nodes = append(told.Nodes, api.Receipt{Author: r.Author, Name: names[r.Author], Holding: r.Holding, Heard: r.Heard.UTC(), Guest: !r.Member})
	}
	return told
}

// nobodyHeard says that the log is open without a daemon.
func nobodyHeard() error {
	return &api.Error{Code: api.NotRunning, Message: "no daemon runs here: only a running one hears what other nodes hold"}
}

// parseWait returns whom an append waits for. It is refused where there is no daemon, before anything is appended.
func (s *server) parseWait(r *http.Request) (api.Wait, error) {
	wait, err := api.ParseWait(r.URL.Query())
	switch {
	case err != nil:
		return wait, invalid(err)
	case !wait.IsZero() && s.daemon == nil:
		return wait, nobodyHeard()
	}
	return wait, nil
}

// awaitReplicated waits until those hold the entry at place for whom an append waits, until the wait's timeout
// after since.
func (s *server) awaitReplicated(ctx context.Context, place crdt.Place, wait api.Wait, since time.Time) error {
	limit, cancel := context.WithDeadline(ctx, since.Add(wait.Timeout))
	defer cancel()
	_, err := s.log.WaitReplicated(limit, place, replication(wait))
	late, ok := errors.AsType[*eventlog.NotReplicatedError](err)
	if !ok {
		return err
	}
	why := "not replicated in time: "
	if ctx.Err() != nil {
		why = "not replicated before the node has stopped: "
	}
	where := s.where(place, slices.Concat(late.Has, late.HasNot))
	return &api.Error{Code: api.NotReplicated, Message: why + where.String(), Where: &where}
}

// replicated reports whether those hold the entry at place now for whom an append waits.
func (s *server) replicated(ctx context.Context, place crdt.Place, wait api.Wait) bool {
	receipts, err := s.log.Elsewhere().Receipts(ctx, place)
	return err == nil && replication(wait).Met(receipts)
}

func replication(w api.Wait) eventlog.Replication {
	return eventlog.Replication{Nodes: w.Nodes, All: w.All, Names: w.Members}
}
