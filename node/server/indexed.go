package server

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// getIndex answers with how far the index is.
func (s *server) getIndex(_ *http.Request) (any, error) {
	return s.index()
}

// postIndexRebuild makes the index anew, and answers when it is done.
func (s *server) postIndexRebuild(r *http.Request, tell func(api.Progress)) (any, error) {
	return s.rebuildIndex(r.Context(), tell)
}

func (s *server) rebuildIndex(ctx context.Context, tell func(api.Progress)) (api.Index, error) {
	done := s.tellIndex(tell)
	err := s.log.RebuildIndex(ctx)
	done()
	if errors.Is(err, eventlog.ErrNoIndex) {
		err = &api.Error{Code: api.Invalid, Message: "the index is off: take no-index out of quipu.yaml, and start the node without --no-index"}
	}
	if err != nil {
		return api.Index{}, err
	}
	return s.index()
}

// tellIndex tells again and again how far the index is, until done is called.
func (s *server) tellIndex(tell func(api.Progress)) (done func()) {
	over := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		tick := time.NewTicker(tellEvery)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
			}
			if i, err := s.log.IndexStatus(); err == nil { // which the rebuilding meets, too
				tell(api.Progress{Done: i.Reached, Total: i.Next, Unit: "entries"})
			}
		}
	})
	return func() { close(over); telling.Wait() }
}

// index says how far the index is.
func (s *server) index() (api.Index, error) {
	i, err := s.log.IndexStatus()
	return api.Index{
		Off: i.Off, Damaged: i.Damaged, Reached: i.Reached, Next: i.Next, Layers: i.Layers, Postings: i.Postings, Bytes: i.Bytes,
	}, err
}
