package node

import (
	"context"
	"time"
)

// indexPause is how long the node waits before it goes on with an index that could not be written: the
// disk may be full, and nothing but the speed of queries depends on it.
const indexPause = time.Minute

// index keeps the log's index up to date until ctx ends.
func (n *Node) index(ctx context.Context) {
	for !n.cfg.NoIndex {
		err := n.log.Index(ctx)
		if ctx.Err() != nil {
			return
		}
		n.logger.Warn("index stands still", "for", indexPause, "err", err)
		select {
		case <-time.After(indexPause):
		case <-ctx.Done():
			return
		}
	}
}
