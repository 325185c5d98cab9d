package gossip_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node/asked"
)

// simNode is a machine of a simulation: a folder that outlives its runs, a clock that may be wrong, and
// while it is up an open log, a gossip and a tail.
type simNode struct {
	sim  *simulation
	name string
	key  int
	dir  string
	join []string
	skew atomic.Int64 // of its clock, in nanoseconds
	self atomic.Pointer[crdt.Author]
	lie  atomic.Pointer[simLie] // that it tells, or is to tell from its next start on
	// unsure says that something happened to the node, or to one with its key, for which it may refuse to append;
	// spoiled, that the end of its feed could once not be read.
	unsure, spoiled atomic.Bool
	cut             bool // it went down by a power cut: the mark beside its log is that of its start

	log     *eventlog.Log // nil while it is down
	writers sync.WaitGroup
	tail    *simTail
	met     []gossip.Remembered // members of this run's past, as the folder says
	members *asked.Members      // of this run
	word    atomic.Bool         // in this run the operator has said that not all are waited for, and not whom
	*gossip.Gossip
	cancel context.CancelFunc
	done   chan struct{}
	err    error // of Run, after done

	// The fields below are guarded by sim.mu.

	open    *eventlog.Log // nil while it is down; it then holds left
	left    crdt.Frontier
	upSince time.Time
	running *gossip.Gossip // nil while it is down
}

// setKey gives the node the k-th key.
func (n *simNode) setKey(k int) {
	author := crdt.AuthorOf(testKey(k))
	n.key = k
	n.self.Store(&author)
}

func (n *simNode) author() crdt.Author { return *n.self.Load() }

func (n *simNode) logConfig() eventlog.Config {
	return eventlog.Config{
		Key: testKey(n.key), Logger: n.logger(),
		Now: func() time.Time { return time.Now().Add(time.Duration(n.skew.Load())) },
	}
}

// logger prints with QUIPU_TEST_LOG set, everything when that is "debug", and is silent else.
func (n *simNode) logger() *slog.Logger {
	var out io.Writer = io.Discard
	level := slog.LevelInfo
	switch os.Getenv("QUIPU_TEST_LOG") {
	case "":
		return slog.New(slog.DiscardHandler)
	case "debug":
		level = slog.LevelDebug
	}
	out = n.sim.t.Output()
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level})).With("node", n.name)
}

// start opens the log of a node that is down, and runs its gossip and its tail.
func (n *simNode) start() error {
	if n.log != nil {
		return nil
	}
	var err error
	n.recall()
	n.cut = false
	n.members = asked.New(true, n.sim.sc.after)
	n.word.Store(false)
	cfg := n.logConfig()
	cfg.Peers = &simWatched{n.sim.flaw.between(n), n}
	if n.log, err = eventlog.Open(n.dir, cfg); err != nil {
		n.log = nil
		return brokenf(simReopens, "%s: %v", n.name, err)
	}
	var l gossip.Log = n.log
	if n.sim.flaw.log != nil {
		l = n.sim.flaw.log(n.name, l)
	}
	met := n.met
	if lie := n.lie.Load(); lie != nil {
		l, met = lie.over(l), append(met[:len(met):len(met)], lie.ghosts...)
	}
	n.Gossip, err = gossip.New(gossip.Config{
		Log: l, Key: testKey(n.key), Name: n.name, Secret: secret, Listen: port, Advertise: n.sim.addr(n.name),
		Join: n.join, Remembered: met, Network: n.sim.net.Host(n.name), Logger: n.logger(),
	})
	if err != nil {
		return brokenf(simRuns, "%s: %v", n.name, err)
	}
	n.members.Meet(n.Gossip)
	n.sim.mu.Lock()
	n.open, n.running, n.upSince = n.log, n.Gossip, time.Now()
	n.sim.mu.Unlock()
	if n.spoiled.Load() {
		n.sim.bury() // what it gives up
	}
	var ctx context.Context
	ctx, n.cancel = context.WithCancel(context.Background())
	n.done = make(chan struct{})
	var settling sync.WaitGroup
	settling.Go(func() { n.settle(ctx, n.log) })
	go func() {
		defer close(n.done)
		n.err = n.Run(ctx)
		settling.Wait()
	}()
	n.tail.start()
	return nil
}

// stop ends a node that is up, as its operator would.
func (n *simNode) stop() error {
	if n.log == nil {
		return nil
	}
	n.end()
	if n.err != nil {
		return brokenf(simRuns, "%s: %v", n.name, n.err)
	}
	return n.closeLog()
}

// end ends the gossip and the tail of a node. Nothing is committed to its log any more.
func (n *simNode) end() {
	n.writers.Wait()
	if n.Gossip != nil {
		n.remember()
		n.cancel()
		<-n.done
		n.Gossip = nil
	}
	n.sim.mu.Lock()
	n.running = nil
	n.sim.mu.Unlock()
	n.tail.stop()
}

func (n *simNode) closeLog() error {
	n.sim.mu.Lock()
	n.open, n.left = nil, n.log.Frontier()
	n.sim.mu.Unlock()
	err := n.log.Close()
	n.log = nil
	if err != nil {
		return brokenf(simRuns, "%s: %v", n.name, err)
	}
	return nil
}

// crash takes the node off the network without a word and lets one more append begin, which nobody is
// told of. Of its commit the file keeps what a power cut may leave.
func (n *simNode) crash(seed uint64) error {
	if n.log == nil {
		return nil
	}
	n.writers.Wait()
	n.sim.net.Crash(n.name)
	n.end()
	path := n.log.Path()
	before, err := os.ReadFile(path)
	if err != nil {
		n.sim.t.Fatal(err)
	}
	// Only who closes a log leaves a mark of its last commit: the one that was there is there after the cut.
	seen, kept := path+".seen", path+".seen.before"
	if err := os.Link(seen, kept); err != nil {
		n.sim.t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	events := n.sim.batch(n, 1+rng.IntN(30), 100)
	places, err := n.log.AppendBatch(context.Background(), events)
	switch {
	case err == nil && n.sim.flaw.acksUnsynced:
		n.sim.ack(n, events, places[0].Seq)
	case err != nil && !errors.Is(err, eventlog.ErrSecondWriter) && !errors.Is(err, eventlog.ErrRecovering):
		return brokenf(simRuns, "%s: %v", n.name, err)
	}
	if err := n.closeLog(); err != nil {
		return err
	}
	n.cut = true
	left, err := cutPower(path, before, rng)
	if err := cmp.Or(err, os.Rename(kept, seen)); err != nil {
		n.sim.t.Fatal(err)
	}
	n.sim.tell("   of its last commit is left: %s", left)
	return nil
}

// append appends a batch. Only a node to which something has happened may be refused.
func (n *simNode) append(entries, size int) error {
	if n.log == nil {
		return nil
	}
	events := n.sim.batch(n, entries, size)
	places, err := n.log.AppendBatch(context.Background(), events)
	switch {
	case errors.Is(err, eventlog.ErrSecondWriter), errors.Is(err, eventlog.ErrRecovering):
		if !n.unsure.Load() {
			return brokenf(simAppends, "%s: %v", n.name, err)
		}
		return nil
	case err != nil:
		return brokenf(simAppends, "%s: %v", n.name, err)
	}
	n.sim.ack(n, events, places[0].Seq)
	return nil
}
