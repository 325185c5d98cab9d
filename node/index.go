package node

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/quipulog/quipu/eventlog"
)

// indexPause is how long the node waits before it goes on with an index, or with counts, that could not be written: the
// disk may be full, and nothing but the speed of queries depends on them.
const indexPause = time.Minute

// index keeps the log's index up to date until ctx ends.
func (n *Node) index(ctx context.Context) { n.keep(ctx, "index", n.log.Index) }

// keepCords keeps the counts of the log's cords up to date until ctx ends.
func (n *Node) keepCords(ctx context.Context) { n.keep(ctx, "cords", n.cords.Keep) }

// keep has go on what keeps something that is made of the log up to date, until ctx ends.
func (n *Node) keep(ctx context.Context, what string, run func(context.Context) error) {
	for {
		err := run(ctx)
		if ctx.Err() != nil {
			return
		}
		level := slog.LevelWarn
		if uncertain, ok := errors.AsType[*eventlog.UncertainError](err); ok && uncertain.NoRoom() {
			level = slog.LevelDebug // The node is stuck, and says so.
		}
		n.logger.Log(ctx, level, "what is made of the log stands still", "what", what, "pause", indexPause, "err", err)
		select {
		case <-time.After(indexPause):
		case <-ctx.Done():
			return
		}
	}
}
