package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/quipulog/quipu/node/api"
)

// Syncer syncs the log with another node, without joining it.
type Syncer interface {
	Sync(ctx context.Context, addr string) (api.Synced, error)
}

// maxSyncRequest bounds the body of a sync request, in bytes.
const maxSyncRequest = 4 << 10

// postSync syncs with the node that the request names.
func (s *server) postSync(w http.ResponseWriter, r *http.Request) {
	if s.syncer == nil {
		s.refuse(w, &api.Error{Code: api.NotRunning, Message: "nothing here can dial"})
		return
	}
	var req api.SyncRequest
	dec := json.NewDecoder(io.LimitReader(r.Body, maxSyncRequest))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil {
		s.refuse(w, invalid(fmt.Errorf("sync request: %w", err)))
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
