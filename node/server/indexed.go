package server

import (
	"context"
	"errors"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// getIndex answers with how far the index is.
func (s *server) getIndex(context.Context, *none) (api.Index, error) {
	return s.index()
}

// postIndexRebuild makes the index anew, and answers when it is done.
func (s *server) postIndexRebuild(ctx context.Context, _ *none, tell func(api.Progress)) (api.Index, error) {
	return s.rebuildIndex(ctx, tell)
}

func (s *server) rebuildIndex(ctx context.Context, tell func(api.Progress)) (api.Index, error) {
	end := api.Telling(func() bool {
		if i, err := s.log.IndexStatus(); err == nil { // which the rebuilding meets, too
			tell(api.Progress{Done: i.Reached, Total: i.Next, Unit: "entries"})
		}
		return true
	})
	err := s.log.RebuildIndex(ctx)
	end()
	if errors.Is(err, eventlog.ErrNoIndex) {
		err = &api.Error{Code: api.Invalid, Message: "the index is off: take no-index out of quipu.yaml, and start the node without --no-index"}
	}
	if err != nil {
		return api.Index{}, err
	}
	return s.index()
}

// index says how far the index is.
func (s *server) index() (api.Index, error) {
	i, err := s.log.IndexStatus()
	return api.Index{
		Off: i.Off, Damaged: i.Damaged, Reached: i.Reached, Next: i.Next, Layers: i.Layers, Postings: i.Postings, Bytes: i.Bytes,
	}, err
}
