package node

import (
	"context"
	"errors"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node/api"
)

// askFor is how long the linked members have to show where this node's feed ends.
const askFor = 10 * time.Second

// AskOwnEnd asks the linked members where this node's feed ends: see [gossip.Gossip.AskOwnEnd]. It is an
// error that there are none, unless alone allows it.
func (n *Node) AskOwnEnd(ctx context.Context, alone bool) (eventlog.Recovery, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	end, err := n.gossip.AskOwnEnd(ctx, gossip.OwnEndQuestion{Alone: true})
	nobody := errors.Is(err, gossip.ErrNobodyAsked)
	switch {
	case errors.Is(err, gossip.ErrCopyRuns):
		err = &api.Error{Code: api.SecondWriter, Message: err.Error()}
	case nobody && alone:
		err = nil
	case nobody:
		err = &api.Error{Code: api.NotSynced, Message: err.Error() +
			": quipu members shows who is; where no other node of the log is left, give --alone"}
	case err != nil:
		err = &api.Error{Code: api.NotSynced, Message: err.Error()}
	}
	return eventlog.Recovery{End: end.End, Asked: end.Asked, Missing: gossip.Authors(end.Missing)}, err
}

// settle asks the members where this node's feed ends where the folder has moved, as after a start of the machine: that
// is over in seconds.
func (n *Node) settle(ctx context.Context) {
	state := n.log.Recovering()
	if state == nil || !state.Why.Soft() {
		return
	}
	if err := n.log.Settle(ctx); err != nil && ctx.Err() == nil {
		n.logger.Warn("nothing is appended", "err", err)
	}
}
