package server

import (
	"context"
	"fmt"

	"github.com/quipulog/quipu/node/api"
)

// Syncer syncs the log with another node, without joining it.
type Syncer interface {
	Sync(ctx context.Context, addr string) (api.Synced, error)
}

// syncInput names the other node.
type syncInput struct{ Body api.SyncRequest }

// postSync syncs with the node that the request names.
func (s *server) postSync(ctx context.Context, in *syncInput) (api.Synced, error) {
	if s.syncer == nil {
		return api.Synced{}, &api.Error{Code: api.NotRunning, Message: "nothing here can dial"}
	}
	if in.Body.Addr == "" {
		return api.Synced{}, invalid(fmt.Errorf("sync request: addr is empty: expected HOST:PORT"))
	}
	return s.syncer.Sync(ctx, in.Body.Addr)
}
