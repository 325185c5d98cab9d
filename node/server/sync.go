package server

import (
	"context"
	"fmt"
	"net/http"

	"github.com/quipulog/quipu/node/api"
)

// Syncer syncs the log with another node, without joining it.
type Syncer interface {
	Sync(ctx context.Context, addr string) (api.Synced, error)
}

// postSync syncs with the node that the request names.
func (s *server) postSync(w http.ResponseWriter, r *http.Request) {
	if s.syncer == nil {
		s.refuse(w, &api.Error{Code: api.NotRunning, Message: "nothing here can dial"})
		return
	}
	var req api.SyncRequest
	if err := readOrder(w, r, &req); err != nil {
		s.refuse(w, err)
		return
	}
	if req.Addr == "" {
		s.refuse(w, invalid(fmt.Errorf("sync request: addr is empty: expected HOST:PORT")))
		return
	}
	synced, err := s.syncer.Sync(r.Context(), req.Addr)
	if err != nil {
		s.refuse(w, err)
		return
	}
	s.answer(w, synced)
}
