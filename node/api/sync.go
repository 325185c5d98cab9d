package api

import (
	"context"

	"github.com/quipulog/quipu/crdt"
)

// SyncRequest says whom to sync with.
type SyncRequest struct {
	Addr string `json:"addr"` // HOST:PORT, or a name as start --join takes it
}

// Synced is what a sync has exchanged: each of the two now holds what the other held when it began.
type Synced struct {
	Author crdt.Author `json:"author"`
	Name   string      `json:"name"`
	Addr   string      `json:"addr"`
	// Received and Sent are entries: new here, and sent to the peer.
	Received uint64 `json:"received"`
	Sent     uint64 `json:"sent"`
	// Shut is how many authors were left out, since one of the two takes no more of them.
	Shut int `json:"shut,omitempty"`
	// Refused is how many authors there are of whom something did not come or was not taken here.
	Refused int     `json:"refused,omitempty"`
	Seconds float64 `json:"seconds"`
}

// Sync has the node sync with the one at addr, both ways, without joining it.
func (c *Client) Sync(ctx context.Context, addr string) (Synced, error) {
	return post[Synced](ctx, c, "sync", "/v1/sync", SyncRequest{Addr: addr})
}
