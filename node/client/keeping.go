package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/quipulog/quipu/node/api"
)

// Index returns how far the index is.
func (c *Client) Index(ctx context.Context) (api.Index, error) {
	return get[api.Index](ctx, c, "index", "/v1/index")
}

// RebuildIndex has the node drop its index and make it anew, and returns what became of it. Told hears meanwhile
// how far it is; nil for nobody.
func (c *Client) RebuildIndex(ctx context.Context, told func(api.Progress)) (api.Index, error) {
	return watch[api.Index](ctx, c, "rebuild index", "/v1/index/rebuild", nil, told)
}

// Prune has the node give leave, for good, to forget a part of its own feed; with Plan it does nothing. It
// returns [api.ErrNotFound] when there is nothing to prune.
func (c *Client) Prune(ctx context.Context, r api.PruneRequest) (api.Pruned, error) {
	return post[api.Pruned](ctx, c, "prune", "/v1/prune", r)
}

// Compact has the node write its file anew without what is free. Appends wait meanwhile, readers go on.
func (c *Client) Compact(ctx context.Context) (api.Compaction, error) {
	return call[api.Compaction](ctx, c, "compact", http.MethodPost, "/v1/compact")
}

// Rebuild has the node make something anew, or go on with that, and returns what came of it. Told hears meanwhile how
// far it is; nil for nobody. When ctx ends the rebuild stops at a checkpoint.
func (c *Client) Rebuild(ctx context.Context, r api.RebuildRequest, told func(api.Progress)) (api.Rebuilt, error) {
	return watch[api.Rebuilt](ctx, c, "rebuild "+r.Name, "/v1/rebuilds", r, told)
}

// Rebuilds returns how far each rebuild is that is under way or has finished, in order of name.
func (c *Client) Rebuilds(ctx context.Context) ([]api.Rebuild, error) {
	return get[[]api.Rebuild](ctx, c, "rebuilds", "/v1/rebuilds")
}

// Recover has a node that may not know the end of its own feed go on as the operator says, and returns when its feed
// is taken up. It returns [api.ErrNotFound] where there is nothing to recover from, and where somebody is named who is not
// missing; it is refused with [api.Recovering] where others are missing still: the word stays.
func (c *Client) Recover(ctx context.Context, r api.RecoverRequest) (api.Recovered, error) {
	return post[api.Recovered](ctx, c, "recover", "/v1/recover", r)
}

// Repair has the node verify its log, ask others for what is damaged or missing, and verify again. Told hears meanwhile
// how far it is; nil for nobody.
func (c *Client) Repair(ctx context.Context, r api.RepairRequest, told func(api.Progress)) (api.Repaired, error) {
	return watch[api.Repaired](ctx, c, "repair", "/v1/repair", r, told)
}

// Stop has the daemon end. The call returns shortly before it has; one that is given up while it waits is
// called off, and the daemon goes on. It is refused with [api.NotRunning] where the log was opened without one.
func (c *Client) Stop(ctx context.Context, r api.StopRequest) (api.Stopped, error) {
	return post[api.Stopped](ctx, c, "stop", "/v1/stop", r)
}

// Sync has the node sync with the one at addr, both ways, without joining it.
func (c *Client) Sync(ctx context.Context, addr string) (api.Synced, error) {
	return post[api.Synced](ctx, c, "sync", "/v1/sync", api.SyncRequest{Addr: addr})
}

// Trim has the node forget what its policy, or the one that r makes of it, lets go.
func (c *Client) Trim(ctx context.Context, r api.TrimRequest) (api.TrimReport, error) {
	return post[api.TrimReport](ctx, c, "trim", "/v1/trim", r)
}

// TrimStatus returns by what policy the node trims, who keeps it back, and what the last trim did.
func (c *Client) TrimStatus(ctx context.Context) (api.TrimStatus, error) {
	return get[api.TrimStatus](ctx, c, "read trims", "/v1/trim")
}

// Gone yields what is not at the node, by author: no line for an author of whom all is there.
func (c *Client) Gone(ctx context.Context) iter.Seq2[api.GoneFrom, error] {
	return decoded[api.GoneFrom](c.stream(ctx, "read what is gone", http.MethodGet, "/v1/gone", nil))
}
