package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/folder"
)

// Writing lets somebody append through the socket, who calls leave when what he appends is durable or refused.
// While the node drains that is an error.
func (n *Node) Writing() (leave func(), err error) { return n.writers.enter() }

// Stop has [Node.Run] end: once other nodes hold the entries of this one, or after so long a drain. It returns
// before Run does, and says what remains. A ctx that ends first calls the stop off: the node goes on.
func (n *Node) Stop(ctx context.Context, drain time.Duration) (api.Stopped, error) {
	limit, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	n.drain(limit)
	if ctx.Err() != nil && !n.stopping() { // else it is the node's end that has ended ctx
		n.writers.open()
		return api.Stopped{}, fmt.Errorf("stop: called off, the node goes on: %w", context.Cause(ctx))
	}
	n.end()
	return api.Stopped{PID: os.Getpid(), Unreplicated: n.Unreplicated()}, nil
}

// end has Run end.
func (n *Node) end() { n.stop.Do(func() { close(n.stopped) }) }

// stopping reports whether Run is about to end.
func (n *Node) stopping() bool {
	select {
	case <-n.stopped:
		return true
	default:
		return false
	}
}

// awaitStop waits until Run is to end: Stop was called, a part of the node has failed, which ends running, or
// ctx has ended, and then what the configuration drains.
func (n *Node) awaitStop(ctx, running context.Context) {
	select {
	case <-n.stopped:
		return
	case <-running.Done():
		return
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(running, n.cfg.Drain)
	defer cancel()
	go func() {
		select {
		case <-n.stopped:
			cancel()
		case <-limit.Done():
		}
	}()
	n.drain(limit)
}

// drain lets nobody append any more, and waits until other nodes hold what this one wrote or ctx ends. A node that
// knows of no other has nobody to wait for.
func (n *Node) drain(ctx context.Context) {
	select {
	case <-n.writers.shut():
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return
	}
	if u := n.Unreplicated(); u == nil || u.Entries == 0 {
		return
	}
	n.logger.Info("holding the stop until other nodes hold the entries of this one")
	heads := n.log.Feed(n.Author()).Heads()
	for _, h := range heads {
		last := crdt.Place{Author: n.Author(), Seq: h.Next - 1}
		if len(heads) > 1 {
			last.Branch = h.ID.Branch()
		}
		if _, err := n.log.WaitReplicated(ctx, last, eventlog.Replication{Nodes: 1}); err != nil {
			return // what remains is told at the end
		}
	}
}

// Unreplicated returns what of the node's own feed no other node is known to hold; nil for one that knows of no
// other and looks for none.
func (n *Node) Unreplicated() *api.Unreplicated {
	if network := n.gossip.Status(); alone(&network) {
		return nil
	}
	u := n.log.Unreplicated()
	return &api.Unreplicated{Entries: u.Entries, Since: u.Since.UTC(), Known: u.Known}
}

// sayUnreplicated says at the end what other nodes may not have.
func (n *Node) sayUnreplicated() {
	if u := n.Unreplicated(); u != nil && u.String() != "" {
		n.logger.Warn("stopping: " + u.String())
	}
}

// StopDaemon has the daemon in the folder dir end, once other nodes hold its entries or after so long a drain,
// and returns when its process is gone. It returns an [api.ErrNotFound] where none runs.
func StopDaemon(ctx context.Context, dir string, drain time.Duration) (api.Stopped, error) {
	f := folder.Folder(dir)
	if err := f.Check(); err != nil {
		return api.Stopped{}, err
	}
	client, err := dialDaemon(ctx, f)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return api.Stopped{}, &api.Error{Code: api.NotFound, Message: fmt.Sprintf("no daemon runs in %s", dir)}
	}
	if err != nil {
		return api.Stopped{}, err
	}
	said, err := client.Stop(ctx, api.StopRequest{Wait: age.Age(drain)})
	if ctx.Err() != nil {
		return said, fmt.Errorf("%w: the stop is called off, the daemon in %s goes on", context.Cause(ctx), dir)
	}
	if err != nil {
		return said, err
	}
	return said, awaitGone(ctx, f, said.PID)
}

// awaitGone waits until the process pid, which has said that it stops, is gone. One of another container cannot
// be seen, and its number may be somebody else's here: then it is gone when it has given the log back, a little
// later.
func awaitGone(ctx context.Context, f folder.Folder, pid int) error {
	var back time.Time // since when the log is given back
	for {
		holds := f.PID() == pid
		if holds && !folder.Alive(pid) {
			_, err := dialDaemon(ctx, f)
			holds = err == nil // else it was killed, or is gone from elsewhere
		}
		switch {
		case holds:
			back = time.Time{}
		case !folder.Alive(pid):
			return nil
		case back.IsZero():
			back = time.Now()
		case time.Since(back) > stopFor:
			return nil
		}
		select {
		case <-time.After(connectPause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
