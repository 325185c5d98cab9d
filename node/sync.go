package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/condition"
	"github.com/quipulog/quipu/node/folder"
)

// Sync links with the node at addr, without joining it, until each holds what the other held at the
// beginning.
func (n *Node) Sync(ctx context.Context, addr string) (api.Synced, error) {
	x, err := n.gossip.Exchange(ctx, addr)
	return synced(ctx, n.log, x, err)
}

// synced returns what came of an exchange of a log's as a client is told it.
func synced(ctx context.Context, log *eventlog.Log, x gossip.Exchanged, err error) (api.Synced, error) {
	if err != nil {
		return api.Synced{}, &api.Error{Code: api.NotSynced, Message: err.Error()}
	}
	holes, err := log.Damaged(ctx)
	return api.Synced{
		Author: x.Peer, Name: x.Name, Addr: x.Addr, Received: x.Received, Sent: x.Sent, Shut: x.Shut, Refused: x.Refused,
		Damaged: len(holes), DamagedMore: log.Meters().MoreHoles, Seconds: x.Took.Seconds(),
	}, err
}

// dialer is a log that is open without a daemon, and dials for each sync.
type dialer struct {
	folder folder.Folder
	access Access
	log    *eventlog.Log
	key    ed25519.PrivateKey
	name   string
	// newAuthors is how many authors the other node may bring in a minute.
	newAuthors int
	join       []string // what quipu.yaml knows of others
}

// Sync is [Node.Sync] for a node that is no member while it runs.
func (d dialer) Sync(ctx context.Context, addr string) (api.Synced, error) {
	secret, found, err := givenSecret(d.folder, d.access.Secret, d.access.SecretFrom, d.access.Open)
	if err != nil {
		return api.Synced{}, err
	}
	g, err := gossip.New(gossip.Config{
		Log: d.log, Key: d.key, Name: d.name, Secret: secret.bytes, SecretFrom: secret.from, DialOnly: true,
		MaxNewAuthors: d.newAuthors, Logger: d.access.Logger,
	})
	if err != nil {
		return api.Synced{}, err
	}
	g.SetConditions(condition.Kinds(condition.Of(d.log, nil, condition.Recovering(d.log, nil))))
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- g.Run(running) }()
	x, err := g.Exchange(ctx, addr)
	if errors.Is(err, transport.ErrSecret) && !found {
		err = fmt.Errorf("%w (none was given here: see --secret-file)", err)
	}
	s, err := synced(ctx, d.log, x, err)
	stop()
	if broken := <-done; broken != nil {
		return s, broken
	}
	return s, err
}

// watchCatchUp takes note of when the node has caught up with those that it reached after its start. A node
// that one of its conditions keeps from having what others have, or from taking more, has not.
func (n *Node) watchCatchUp(ctx context.Context) {
	for {
		err := n.gossip.WaitCaughtUp(ctx)
		_, held := errors.AsType[*gossip.HeldBackError](err)
		if err == nil || held {
			n.arrived.Store(true)
		}
		if err == nil {
			network := n.gossip.Status()
			if !holdsBack(n.conditions(&network, n.Recovery())) {
				break
			}
		} else if !held {
			return
		}
		select {
		case <-time.After(conditionsEvery):
		case <-ctx.Done():
			return
		}
	}
	now := time.Now().UTC()
	n.caughtUp.Store(&now)
	n.logger.Info("caught up", "after", now.Sub(n.started).Round(time.Millisecond))
}

// WaitCaughtUp waits until the node holds what the members that it is linked to held when they first
// answered after the call: see [gossip.Gossip.WaitCaughtUp].
func (n *Node) WaitCaughtUp(ctx context.Context) error { return n.gossip.WaitCaughtUp(ctx) }
