package node

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/condition"
)

const (
	// settleEvery is how often a node looks whether it knows the end of its own feed, and how soon it asks again
	// after it was told that a process with its key runs.
	settleEvery = time.Second
	// recoverFor is how long an operator's word has to take effect before the one who gave it is told how far that is.
	recoverFor = 5 * time.Second
	// tellEvery is the least time between two lines of the log about what comes.
	tellEvery = 30 * time.Second
)

// settle has the log find the end of its own feed whenever it may not know that, until ctx ends.
func (n *Node) settle(ctx context.Context) {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	failed := ""
	for {
		switch state := n.log.Recovering(); {
		case state == nil:
			n.peers.Settled()
			failed = ""
		case errors.Is(n.log.Health().Mute, eventlog.ErrSecondWriter): // nobody can end that
		default:
			err := n.log.Settle(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case err == nil:
				continue
			}
			why, how := err.Error(), "it asks again"
			if r := n.Recovery(); r != nil && errors.Is(err, gossip.ErrCopyRuns) {
				why, how = "a copy runs", r.Remedy()
			}
			if why != failed {
				n.logger.Warn("the end of this node's own feed was not found", "err", err, "how", how)
			}
			failed = why
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Recovery returns why the node does not append that may not know the end of its own feed, and how far it is; nil where
// it appends, and where that is not why.
func (n *Node) Recovery() *api.Recovery { return condition.Recovering(n.log, n.asking) }

// asking returns how the members are asked where the node's own feed ends.
func (n *Node) asking() condition.Asking {
	asking := condition.Asking{Progress: n.gossip.OwnEndProgress(), Copy: n.peers.CopyRuns(), Names: maps.Clone(n.memory.names())}
	for _, m := range n.gossip.Members() {
		if m.Name != "" {
			asking.Names[m.Author] = m.Name
		}
	}
	return asking
}

// progress says in the log how far a node has come that finds the end of its own feed.
type progress struct {
	at   time.Time // of the last line, or of the beginning; zero where the end is known
	told string
}

// tell returns what is to be said at a moment, "" for nothing.
func (p *progress) tell(r *api.Recovery, now time.Time) (how string) {
	switch {
	case r == nil || condition.Passing(r):
		*p = progress{}
	case p.at.IsZero():
		p.at = now
	case now.Sub(p.at) >= tellEvery:
		p.at = now
		if how = r.Progress(); how == p.told {
			return ""
		}
		p.told = how
	}
	return how
}

// Recover takes the operator's word on how the node goes on, unless it only asks what is known, and waits until it has
// or 5 s have passed. It returns what is known if the node has not, nil if it has.
func (n *Node) Recover(ctx context.Context, word api.RecoverRequest) (*api.Recovery, error) {
	ctx, cancel := context.WithTimeout(ctx, recoverFor)
	defer cancel()
	// Who asks at once after the start wants to know more than that nobody was asked yet.
	r := n.awaitRecovery(ctx, func(r *api.Recovery) bool {
		return !condition.Passing(r) && (r.Copy != "" || n.gossip.OwnEndProgress() != nil)
	})
	if r == nil || word.Plan {
		return r, nil
	}
	if r.Copy != "" {
		return r, &api.Error{Code: api.SecondWriter, Message: r.Copy + "; " + r.Remedy()}
	}
	if err := missing(r, word); err != nil {
		return r, err
	}
	n.peers.Say(word)
	r = n.awaitRecovery(ctx, func(r *api.Recovery) bool { return r.Copy != "" })
	return r, nil
}

// awaitRecovery waits until a node knows the end of its feed, and then returns nil, or until enough is known or ctx
// has ended.
func (n *Node) awaitRecovery(ctx context.Context, enough func(*api.Recovery) bool) *api.Recovery {
	tick := time.NewTicker(connectPause)
	defer tick.Stop()
	for {
		changed, r := n.log.Changed(), n.Recovery()
		if r == nil || enough(r) {
			return r
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			return r
		}
	}
}

// missing returns an error if somebody is not missing who is to be done without.
func missing(r *api.Recovery, word api.RecoverRequest) error {
	for _, a := range word.Without {
		if !slices.ContainsFunc(slices.Concat(r.Missing, r.Without), func(m api.Absent) bool { return m.Author == a }) {
			return r.NotMissing(a.Short())
		}
	}
	for _, addr := range word.Addrs {
		if !slices.ContainsFunc(slices.Concat(r.Missing, r.Without), func(m api.Absent) bool { return m.Author.IsZero() && m.Addr == addr }) {
			return r.NotMissing(addr)
		}
	}
	return nil
}
