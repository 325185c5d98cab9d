package gossip

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/find"
	"github.com/quipulog/quipu/gossip/membership"
	"github.com/quipulog/quipu/gossip/news"
	"github.com/quipulog/quipu/gossip/standing"
	"github.com/quipulog/quipu/gossip/transient"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wire"
)

// Gossip is one node's part in keeping a log equal among its members. Its methods may be called from any goroutine.
type Gossip struct {
	cfg        Config
	pace       pace
	log        Log
	self       crdt.Author
	instance   wire.Instance  // of this process
	told       netip.AddrPort // where peers are told to connect to; New sets it
	logger     *slog.Logger
	transport  *transport.Transport
	members    society
	applier    *applier
	loop       *loop
	lookout    *lookout
	seeds      *find.Seeds
	faults     faults
	received   readCounts  // on all links, those that are over too
	sent       writeCounts // likewise
	asked      askCounts
	standings  *standing.Standings
	hurried    atomic.Bool // peers are about to be asked how far they hold our feed
	news       *news.Ring
	transients *transient.Hub
	conditions atomic.Pointer[[]Condition]    // of this node, as it was last told them
	ownEnd     atomic.Pointer[OwnEndProgress] // of the oldest call of AskOwnEnd; nil while there is none
	work       sync.WaitGroup                 // links and dials
	mended     chan struct{}                  // of one place: something was put back that the log could not read
}

// New takes the port of cfg. Nothing runs yet; a caller that does not get as far as [Gossip.Run]
// calls [Gossip.Close].
//
// It returns an error that names the field for an unusable configuration, one that names the address
// when the port is taken, and transport.ErrSecretRequired.
func New(cfg Config) (*Gossip, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	g := &Gossip{
		cfg:        cfg,
		pace:       paceOf(cfg.Profile),
		log:        cfg.Log,
		self:       cfg.Log.Author(),
		logger:     cfg.Logger,
		loop:       newLoop(),
		seeds:      find.NewSeeds(),
		news:       news.NewRing(),
		transients: transient.NewHub(cfg.Log.ID(), cfg.Transients),
		standings:  standing.New(cfg.Log.Author()),
		mended:     make(chan struct{}, 1),
	}
	if err := g.seeds.Add(cfg.Join...); err != nil {
		return nil, fmt.Errorf("config: Join: %w", err)
	}
	g.lookout = newLookout(g)
	g.applier = newApplier(cfg.Log, newNewcomers(cfg.MaxNewAuthors))
	g.applier.report, g.applier.lost, g.applier.halted = g.loop.report, g.loop.lost, g.loop.halted
	rand.Read(g.instance[:])
	port := transport.Config{Key: cfg.Key, Secret: cfg.Secret, SecretFrom: cfg.SecretFrom, Listen: cfg.Listen, Network: cfg.Network, Logger: cfg.Logger}
	var err error
	if cfg.DialOnly {
		g.members = alone{}
		g.transport, err = transport.NewDialer(port)
		return g, err
	}
	if g.transport, err = transport.Listen(port); err != nil {
		return nil, err
	}
	if err := g.takeSeat(); err != nil {
		g.transport.Close()
		return nil, err
	}
	return g, nil
}

// takeSeat makes the membership of one that others will join.
func (g *Gossip) takeSeat() error {
	own := find.Own{Advertise: g.cfg.Advertise, Listening: g.transport.Addr(), Resolver: g.cfg.Resolver, Logger: g.logger}
	addr, err := own.Address()
	if err != nil {
		return err
	}
	g.told = addr
	g.members, err = membership.New(membership.Config{
		Key: g.cfg.Key, Log: g.log.ID(), Name: g.cfg.Name, Advertise: addr, Transport: g.transport,
		Profile: g.cfg.Profile, Root: g.log.Root, Logger: g.logger, MaxPeers: g.cfg.MaxPeers,
	})
	return err
}

// Addr returns the address listened on, with the port that was taken.
func (g *Gossip) Addr() netip.AddrPort { return g.transport.Addr() }

// Told returns the address that peers are told to connect to.
func (g *Gossip) Told() netip.AddrPort { return g.told }

// Close gives back the port of a Gossip that was not run.
func (g *Gossip) Close() error { return g.transport.Close() }

// errLoopEnded says that one of the loops has ended that go on as long as Run does.
var errLoopEnded = errors.New("one of its loops has ended before its time")

// Run takes part until ctx ends, then tells the peers, closes everything in reverse order and returns nil. It returns
// an error when this node's own log or port fails; no peer can make it. It may be called once.
func (g *Gossip) Run(ctx context.Context) error {
	port, closePort := context.WithCancel(context.WithoutCancel(ctx))
	defer closePort()
	if g.cfg.Transients != nil {
		defer g.cfg.Transients.Relay(g.transients.Broadcast)()
	}
	var below errgroup.Group // what the membership needs to leave
	group, ctx := errgroup.WithContext(ctx)
	broken := make(chan error, 1)
	below.Go(func() error {
		err := g.transport.Run(port)
		broken <- err
		return err
	})
	group.Go(func() error {
		select {
		case err := <-broken:
			return err
		case <-ctx.Done():
			return nil
		}
	})
	below.Go(func() error {
		g.members.Pump(port)
		return nil
	})
	group.Go(func() error { return g.members.Run(ctx) })
	group.Go(func() error { return g.applier.run(ctx) })
	tap := news.Tap{Log: g.log, Ring: g.news, Failed: func(err error) { g.readFailed(ctx, g.self, err) }}
	decide := func(ctx context.Context) { g.loop.run(ctx, newState(g)) }
	for _, run := range []func(context.Context){decide, tap.Run, g.accept, g.keepJoining, g.lookout.run, g.lookForHoles} {
		group.Go(func() error {
			run(ctx)
			if ctx.Err() == nil {
				return errLoopEnded
			}
			return nil
		})
	}
	err := group.Wait()
	g.work.Wait()
	closePort()
	if below := below.Wait(); below != nil && (err == nil || errors.Is(err, errLoopEnded)) {
		err = below
	}
	if err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	return nil
}
