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
func (s *server) postSync(r *http.Request) (any, error) {
	if s.syncer == nil {
		return nil, &api.Error{Code: api.NotRunning, Message: "nothing here can dial"}
	}
	var req api.SyncRequest
	if err := readOrder(r, &req); err != nil {
		return nil, err
	}
	if req.Addr == "" {
		return nil, invalid(fmt.Errorf("sync request: addr is empty: expected HOST:PORT"))
	}
	return s.syncer.Sync(r.Context(), req.Addr)
}
