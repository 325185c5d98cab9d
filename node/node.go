package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node/asked"
	"github.com/quipulog/quipu/node/condition"
	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/server"
)

// stopFor is how long the calls under way have to end once the node stops. Their contexts have ended
// before; what they have acked is durable.
const stopFor = 2 * time.Second

// Node is one member of a log. Its methods may be called from any goroutine.
type Node struct {
	cfg     Config
	folder  folder.Folder
	logger  *slog.Logger
	log     *eventlog.Log
	gossip  *gossip.Gossip
	memory  *memory
	peers   *asked.Members
	socket  net.Listener
	path    string // of the socket
	started time.Time
	ran     atomic.Bool
	// writers are those who append through the socket; a drain shuts them out.
	writers gate
	// stop closes stopped, when Run is to end and before the calls under way do.
	stop    sync.Once
	stopped chan struct{}
	// caughtUp is when the node had first caught up since its start; nil until then.
	caughtUp atomic.Pointer[time.Time]
	// holding is the conditions of the last look at them; nil before the first.
	holding atomic.Pointer[[]condition.Condition]
	// trimmed is what the last trim did; nil until then.
	trimmed atomic.Pointer[Trimmed]
	// closers undo what New has opened; the last is called first.
	closers []func() error
}

// New opens the node in cfg.Dir: its log, its port, its socket. Nothing runs until [Node.Run], but
// connections queue. Whoever does not get as far as Run calls [Node.Close].
//
// It returns [folder.ErrNone] when there is no node in the folder, [*InUseError] when another process has
// the log open, [ErrOtherLog], [ErrNoSecret], and the errors of [eventlog.Open] and [gossip.New]. A command that has
// the log open is waited for, at most 5 s; another daemon is not.
func New(cfg Config) (*Node, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg, folder: folder.Folder(cfg.Dir), logger: cfg.Logger, started: time.Now(), stopped: make(chan struct{})}
	if err := n.open(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Node) open() error {
	n.peers = asked.New(knowsAnybody(n.folder, n.cfg.Join), n.cfg.RecoverAfter)
	if err := n.folder.Check(); err != nil {
		return err
	}
	passphrase := n.cfg.Passphrase.Remembered()
	key, err := n.folder.OpenKey(passphrase)
	if err != nil {
		return err
	}
	log, key, err := awaitLog(n.folder, key, opening{n.cfg.Limits, n.cfg.Trim, n.cfg.NoIndex, n.cfg.Now, n.peers, n.peers, passphrase}, n.logger)
	if err != nil {
		return err
	}
	n.log = log
	n.closers = append(n.closers, log.Close)
	if !n.cfg.Log.IsZero() && n.cfg.Log != log.ID() {
		return fmt.Errorf("start: %w: %s holds log %s, the configuration names %s", ErrOtherLog, n.folder.Log(), log.ID(), n.cfg.Log)
	}
	release, err := n.folder.Use()
	if err != nil {
		n.logger.Warn("others cannot be told who has the log open", "err", err)
	}
	n.closers = append(n.closers, release)

	if err := n.folder.CheckMode(); err != nil {
		n.logger.Warn("others can replace the files of this node", "err", err)
	}
	secret, err := n.chooseSecret()
	if err != nil {
		return err
	}
	n.memory = recall(n.folder, log, time.Now(), n.logger)
	var transients gossip.Transients
	if !n.cfg.NoTransients {
		transients = log
	}
	n.gossip, err = gossip.New(gossip.Config{
		Log: log, Transients: transients, Key: key, Name: n.cfg.Name, Secret: secret.bytes, SecretFrom: secret.from,
		Listen: n.cfg.Listen, Advertise: n.cfg.Advertise, Join: n.cfg.Join,
		MDNS: n.cfg.MDNS, Remembered: n.memory.remembered(),
		MaxNewAuthors: n.cfg.Limits.MaxNewAuthors, Profile: n.cfg.Profile, Network: n.cfg.Network, Now: n.cfg.Now, Logger: n.logger,
		Keeps: keeps(log.TrimPolicy()),
	})
	if err != nil {
		return err
	}
	n.peers.Meet(n.gossip)
	n.closers = append(n.closers, n.gossip.Close)
	return n.listen()
}

// listen opens the socket of the folder.
func (n *Node) listen() (err error) {
	n.socket, err = n.folder.Listen(context.Background())
	if err != nil {
		return err
	}
	n.closers = append(n.closers, func() error {
		if err := n.socket.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	n.path, err = n.folder.Socket()
	return err
}

// Close gives back what [New] has opened. [Node.Run] does so itself; closing twice is no error.
func (n *Node) Close() error {
	var all error
	for i := len(n.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, n.closers[i]())
	}
	n.closers = nil
	return all
}

// Log returns the node's log, for programs that hold the node. It is closed when Run returns.
func (n *Node) Log() *eventlog.Log { return n.log }

// Author returns who writes here.
func (n *Node) Author() crdt.Author { return n.log.Author() }

// Addr returns the address that peers connect to, with the port that was taken.
func (n *Node) Addr() netip.AddrPort { return n.gossip.Addr() }

// Socket returns the path of the socket that commands connect to.
func (n *Node) Socket() string { return n.path }

// Run serves until ctx ends and what [Config.Drain] waits for has come or its time has passed, or until
// [Node.Stop] was called, and then closes the node and returns nil. It returns an error when a part of the node
// fails, after closing the others. It may be called once.
func (n *Node) Run(ctx context.Context) error {
	if n.ran.Swap(true) {
		return errors.New("run node: it ran before")
	}
	n.logger.Info("node started", "author", n.Author().Short(), "log", n.log.ID(), "addr", n.Addr(), "told", n.gossip.Told(), "socket", n.path)
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	group, running := errgroup.WithContext(running)
	group.Go(func() error {
		defer end()
		n.awaitStop(ctx, running)
		n.end()
		n.sayUnreplicated()
		return nil
	})
	// The gossip outlives the calls that may still wait for it, and the last look at the members.
	leave, stop := context.WithCancel(context.WithoutCancel(running))
	defer stop()
	group.Go(func() error {
		defer stop()
		above, ctx := errgroup.WithContext(running)
		above.Go(func() error { return n.serve(ctx) })
		above.Go(func() error {
			n.watchCatchUp(ctx)
			return nil
		})
		above.Go(func() error { return n.watchConditions(ctx) })
		above.Go(func() error {
			n.settle(ctx)
			return nil
		})
		above.Go(func() error {
			n.memory.run(ctx, n)
			return nil
		})
		above.Go(func() error {
			n.awaitClock(ctx)
			n.keepTrimming(ctx)
			return nil
		})
		above.Go(func() error {
			n.index(ctx)
			return nil
		})
		return above.Wait()
	})
	group.Go(func() error { return n.gossip.Run(leave) })
	err := errors.Join(group.Wait(), n.Close())
	n.logger.Info("node stopped", "author", n.Author().Short())
	return err
}

// serve answers on the socket until ctx ends.
func (n *Node) serve(ctx context.Context) error {
	srv := &http.Server{
		Handler:           server.New(server.Config{Log: n.log, Name: n.cfg.Name, Remembered: n.memory.names, Daemon: n, Syncer: n, Repairer: n, Trimmer: n, Version: n.cfg.Version, Logger: n.logger}),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(n.logger.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	unhook := context.AfterFunc(ctx, func() {
		grace, end := context.WithTimeout(context.WithoutCancel(ctx), stopFor)
		defer end()
		err := srv.Shutdown(grace)
		if errors.Is(err, context.DeadlineExceeded) {
			err = srv.Close() // a client that neither reads nor leaves
		}
		stopped <- err
	})
	err := srv.Serve(n.socket)
	if unhook() {
		return fmt.Errorf("serve on %s: %w", n.path, err)
	}
	return <-stopped
}
