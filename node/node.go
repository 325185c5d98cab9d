package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/cords"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/asked"
	"github.com/quipulog/quipu/node/condition"
	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/gateway"
	"github.com/quipulog/quipu/node/metrics"
	"github.com/quipulog/quipu/node/page"
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
	cords   *cords.Projection
	gossip  *gossip.Gossip
	memory  *memory
	tokens  *access.Store
	peers   *asked.Members
	socket  net.Listener
	path    string           // of the socket
	gateway *gateway.Gateway // nil where the node is not asked over the network
	started time.Time
	ran     atomic.Pointer[time.Time] // when Run began; nil before
	// writers are those who append through the socket; a drain shuts them out.
	writers gate
	// stop closes stopped, when Run is to end and before the calls under way do.
	stop    sync.Once
	stopped chan struct{}
	// caughtUp is when the node had first caught up since its start; nil until then.
	caughtUp atomic.Pointer[time.Time]
	// arrived says that what the members had that were reached after the start has come, as far as it is taken here.
	arrived atomic.Bool
	// failed is why Run ends early; nil while it does not.
	failed atomic.Pointer[error]
	// holding is the conditions of the last look at them; nil before the first.
	holding atomic.Pointer[[]condition.Condition]
	// trimmed is what the last trim did; nil until then.
	trimmed atomic.Pointer[Trimmed]
	// trims is what all of them did, sample what was last read for the metrics; nil until then.
	trims  trims
	sample atomic.Pointer[metrics.Sample]
	// asked is who answers; nil before anybody does.
	asked atomic.Pointer[server.Server]
	// closers undo what New has opened; the last is called first.
	closers []func() error
}

// New opens the node in cfg.Dir: its log, its ports, its socket. Nothing runs until [Node.Run], but
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
	n := &Node{cfg: cfg, folder: folder.Folder(cfg.Dir), logger: cfg.Logger, tokens: tokensIn(folder.Folder(cfg.Dir)), started: time.Now(), stopped: make(chan struct{})}
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
	n.log, n.cords = log, cords.Of(log)
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
		Keeps: keeps(log.TrimPolicy()), Version: n.cfg.Version, Page: n.pageURL,
	})
	if err != nil {
		return err
	}
	n.peers.Meet(n.gossip)
	n.closers = append(n.closers, n.gossip.Close)
	return n.listen()
}

// listen opens the socket of the folder, and the port for HTTP.
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
	if n.path, err = n.folder.Socket(); err != nil || n.cfg.HTTP.Addr == "" {
		return err
	}
	// Nobody is told that a good token is not known, because the file could not be read.
	if err := n.tokens.Read(); err != nil {
		return err
	}
	if n.gateway, err = gateway.Listen(context.Background(), n.cfg.HTTP, n.logger); err != nil {
		return err
	}
	n.closers = append(n.closers, n.gateway.Close)
	return nil
}

// tokensIn returns the tokens of a folder.
func tokensIn(f folder.Folder) *access.Store { return access.New(string(f)) }

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

// URL returns where the node is asked over the network, "" for nowhere.
func (n *Node) URL() string {
	if n.gateway == nil {
		return ""
	}
	return n.gateway.URL()
}

// pageURL returns where peers are told that the node is asked over the network: by a name of its own where it listens at every
// address, or by the address that they reach it at.
func (n *Node) pageURL() string {
	u, err := url.Parse(n.URL())
	if err != nil {
		return ""
	}
	if at, err := netip.ParseAddrPort(u.Host); err == nil && at.Addr().IsUnspecified() {
		host := n.gossip.Told().Addr().String()
		if len(n.cfg.HTTP.Hosts) > 0 {
			host = n.cfg.HTTP.Hosts[0]
		}
		u.Host = net.JoinHostPort(strings.Trim(host, "[]"), u.Port())
	}
	return u.String()
}

// Run serves until ctx ends and what [Config.Drain] waits for has come or its time has passed, or until
// [Node.Stop] was called, and then closes the node and returns nil. It returns an error when a part of the node
// fails, after closing the others. It may be called once.
func (n *Node) Run(ctx context.Context) error {
	if now := time.Now(); !n.ran.CompareAndSwap(nil, &now) {
		return errors.New("run node: it ran before")
	}
	n.logger.Info("node started", "author", n.Author().Short(), "log", n.log.ID(), "addr", n.Addr(), "advertise", n.gossip.Told(), "socket", n.path)
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
		above.Go(func() error {
			n.watchCatchUp(ctx)
			return nil
		})
		n.parts(ctx, above)
		return above.Wait()
	})
	n.part(leave, group, "the network", n.gossip.Run)
	err := errors.Join(group.Wait(), n.Close())
	n.logger.Info("node stopped", "author", n.Author().Short())
	return err
}

// parts starts what goes on beside the network until ctx ends.
func (n *Node) parts(ctx context.Context, group *errgroup.Group) {
	part := func(what string, run func(context.Context)) {
		n.part(ctx, group, what, func(ctx context.Context) error {
			run(ctx)
			return nil
		})
	}
	n.part(ctx, group, "the server", n.serve)
	n.part(ctx, group, "the watch over its conditions", n.watchConditions)
	part("the search for the end of its own feed", n.settle)
	part("the memory of members", func(ctx context.Context) { n.memory.run(ctx, n) })
	part("the watch over its tokens", func(ctx context.Context) { n.tokens.Run(ctx, n.logger) })
	part("the cords", n.keepCords)
	part("the sampling of what it holds", n.keepSampling)
	if n.cfg.TrimEvery >= 0 {
		part("the trimming", func(ctx context.Context) {
			n.awaitClock(ctx)
			n.keepTrimming(ctx)
		})
	}
	if !n.cfg.NoIndex {
		part("the index", n.index)
	}
}

// part has group run a part of the node, which goes on until ctx ends. One that ends before has failed, and the node
// with it.
func (n *Node) part(ctx context.Context, group *errgroup.Group, what string, run func(context.Context) error) {
	group.Go(func() error {
		err := run(ctx)
		if err == nil && ctx.Err() == nil {
			err = fmt.Errorf("%s has ended, which goes on as long as the node does: it has to be started anew", what)
		}
		if err != nil {
			n.failed.CompareAndSwap(nil, &err)
		}
		return err
	})
}

// serve answers on the socket, and on the port for HTTP, until ctx ends.
func (n *Node) serve(ctx context.Context) error {
	cfg := server.Config{Log: n.log, Cords: n.cords, Name: n.cfg.Name, Remembered: n.memory.names, Daemon: n, Syncer: n, Repairer: n, Trimmer: n, Tokens: n.tokens, Kept: n.kept, Version: n.cfg.Version, Settings: n.cfg.Settings, Logger: n.logger}
	cfg.Metrics = metrics.Handler(func() metrics.Look { return n.look(n.gossip.Status()) })
	if n.gateway != nil {
		cfg.Enter = n.gateway.Enter
	}
	all := server.NewServer(cfg)
	n.asked.Store(all)
	defer all.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		srv := &http.Server{
			Handler:           all.Socket(),
			BaseContext:       func(net.Listener) context.Context { return ctx },
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          slog.NewLogLogger(n.logger.Handler(), slog.LevelDebug),
		}
		return serveUntil(ctx, n.path, srv, func() error { return srv.Serve(n.socket) })
	})
	if n.gateway != nil {
		group.Go(func() error {
			network := all.Network()
			srv := n.gateway.Server(ctx, withPage{network, page.Handler(network)})
			return serveUntil(ctx, n.URL(), srv, func() error { return n.gateway.Serve(ctx, srv) })
		})
	}
	return group.Wait()
}

// withPage is a network with the files of the page beside what it answers.
type withPage struct {
	gateway.Network
	files http.Handler
}

func (p withPage) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.files.ServeHTTP(w, r) }

// serveUntil has srv, which serve runs at a place, answer until ctx ends. The calls under way have [stopFor] to end.
func serveUntil(ctx context.Context, place string, srv *http.Server, serve func() error) error {
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
	err := serve()
	if unhook() {
		return fmt.Errorf("serve on %s: %w", place, err)
	}
	return <-stopped
}
