package server

import (
	"errors"
	"net/http"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// getIndex answers with how far the index is.
func (s *server) getIndex(_ *http.Request) (any, error) {
	return s.index()
}

// postIndexRebuild makes the index anew, and answers when it is done.
func (s *server) postIndexRebuild(r *http.Request) (any, error) {
	err := s.log.RebuildIndex(r.Context())
	if errors.Is(err, eventlog.ErrNoIndex) {
		err = &api.Error{Code: api.Invalid, Message: "the index is off: take no-index out of quipu.yaml, and start the node without --no-index"}
	}
	if err != nil {
		return nil, err
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
