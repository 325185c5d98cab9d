package bridge

import (
	"context"
	"fmt"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/transition"
)

// NewTransitions is [New] for moves of subjects. A nil Encode is [transition.Move.Event]; Append is
// [transition.AppendEventsTx]: what a move leaves out is filled in in the transaction that appends it, from
// the moves before it. A log that has grown long since its last transition is read first.
func NewTransitions(ctx context.Context, log *eventlog.Log, cfg Config[transition.Move]) (*Bridge[transition.Move], error) {
	if cfg.Encode == nil {
		cfg.Encode = transition.Move.Event
	}
	cfg.Append = transition.AppendEventsTx
	if err := transition.CatchUp(ctx, log); err != nil {
		return nil, fmt.Errorf("new bridge: %w", err)
	}
	return New(ctx, log, cfg)
}
