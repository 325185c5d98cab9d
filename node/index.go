package node

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/quipulog/quipu/eventlog"
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
		level := slog.LevelWarn
		if uncertain, ok := errors.AsType[*eventlog.UncertainError](err); ok && uncertain.NoRoom() {
			level = slog.LevelDebug // The node is stuck, and says so.
		}
		n.logger.Log(ctx, level, "index stands still", "for", indexPause, "err", err)
		select {
		case <-time.After(indexPause):
		case <-ctx.Done():
			return
		}
	}
}
