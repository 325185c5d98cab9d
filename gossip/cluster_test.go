package gossip_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/gossiptest"
	"github.com/quipulog/quipu/gossip/transport"
)

// secret is the cluster secret of these tests.
var secret = bytes.Repeat([]byte{7}, transport.SecretSize)

// port is where every node listens.
const port = ":7946"

// cluster is a number of nodes on one network in memory, inside one bubble.
type cluster struct {
	t     testing.TB
	net   *gossiptest.Network
	nodes map[string]*node
	names []string
}

// node is one of them. Its log outlives its runs.
type node struct {
	name string
	log  gossip.Log
	mem  *memLog // the log, if it is one in memory
	seed []string
	cfg  func(*gossip.Config)

	*gossip.Gossip
	cancel context.CancelFunc
	done   chan struct{}
	err    error // of Run, after done
	lines  lines
}

// bubble runs a test on a cluster of the named nodes in fake time. All join the first, which joins
// the second.
func bubble(t *testing.T, names string, test func(t *testing.T, c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, strings.Fields(names))
		t.Cleanup(c.close)
		test(t, c)
	})
}

func newCluster(t testing.TB, names []string) *cluster {
	c := &cluster{t: t, net: gossiptest.NewNetwork(1), nodes: make(map[string]*node), names: names}
	c.net.SetDelay(time.Millisecond, 5*time.Millisecond)
	for i, name := range names {
		mem := newMemLog(testKey(i), testGenesis)
		n := &node{name: name, log: mem, mem: mem}
		if len(names) > 1 {
			n.seed = []string{c.addr(names[0])}
			if i == 0 {
				n.seed = []string{c.addr(names[1])}
			}
		}
		c.nodes[name] = n
	}
	return c
}

func (c *cluster) addr(name string) string { return c.net.Host(name).Addr().String() + port }

// start runs the named nodes, all when none is named.
func (c *cluster) start(names ...string) {
	c.t.Helper()
	if len(names) == 0 {
		names = c.names
	}
	for _, name := range names {
		n := c.nodes[name]
		cfg := gossip.Config{
			Log: n.log, Key: testKey(slices.Index(c.names, name)), Name: name, Secret: secret, Listen: port,
			Advertise: c.addr(name), Join: n.seed, Network: c.net.Host(name), Logger: n.logger(c.t),
		}
		if n.cfg != nil {
			n.cfg(&cfg)
		}
		g, err := gossip.New(cfg)
		if err != nil {
			c.t.Fatal(err)
		}
		n.Gossip, n.done = g, make(chan struct{})
		var ctx context.Context
		ctx, n.cancel = context.WithCancel(context.Background())
		go func() {
			defer close(n.done)
			n.err = g.Run(ctx)
		}()
	}
}

// stop ends the named nodes cleanly.
func (c *cluster) stop(names ...string) {
	c.t.Helper()
	for _, name := range names {
		n := c.nodes[name]
		n.cancel()
		<-n.done
		if n.err != nil {
			c.t.Errorf("node %s: %v", name, n.err)
		}
		n.Gossip = nil
	}
}

// crash takes the named nodes off the network as a kill does: nobody is told.
func (c *cluster) crash(names ...string) {
	for _, name := range names {
		n := c.nodes[name]
		c.net.Crash(name)
		n.cancel()
		<-n.done
		n.Gossip = nil
	}
}

// close ends what still runs.
func (c *cluster) close() {
	for _, name := range c.names {
		if c.nodes[name].Gossip != nil {
			c.stop(name)
		}
	}
	time.Sleep(time.Minute) // what memberlist left behind ends by its own timeouts
}

// within polls cond for up to d, and returns how long it took.
func (c *cluster) within(d time.Duration, what string, cond func() bool) time.Duration {
	c.t.Helper()
	start := time.Now()
	for !cond() {
		if time.Since(start) > d {
			c.t.Fatalf("%s: not within %s\n%s", what, d, c.describe())
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(start)
}

// equal reports whether the named nodes hold the same.
func (c *cluster) equal(names ...string) bool {
	root := c.nodes[names[0]].log.Root()
	for _, name := range names {
		if c.nodes[name].log.Root() != root {
			return false
		}
	}
	return true
}

// linked reports whether each of the named nodes is linked to all the others of them, and to no more.
func (c *cluster) linked(names ...string) bool {
	for _, name := range names {
		n := 0
		for _, m := range c.nodes[name].Members() {
			if m.Linked {
				n++
			}
		}
		if n != len(names)-1 {
			return false
		}
	}
	return true
}

// converge waits until the named nodes hold the same and hold n entries.
func (c *cluster) converge(d time.Duration, n uint64, names ...string) time.Duration {
	c.t.Helper()
	if len(names) == 0 {
		names = c.names
	}
	took := c.within(d, "converge", func() bool {
		return c.equal(names...) && c.nodes[names[0]].log.Frontier().Entries() == n
	})
	want := c.nodes[names[0]].mem.entries(c.t)
	for _, name := range names[1:] {
		if diff := cmp.Diff(want, c.nodes[name].mem.entries(c.t)); diff != "" {
			c.t.Errorf("log of %s (-%s +%s):\n%s", name, names[0], name, diff)
		}
	}
	return took
}

// describe prints who holds and sees what.
func (c *cluster) describe() string {
	var b strings.Builder
	for _, name := range c.names {
		n := c.nodes[name]
		fmt.Fprintf(&b, "%s:", name)
		for a, heads := range n.log.Frontier().All() {
			fmt.Fprintf(&b, " %s/%d", a.Short(), heads[len(heads)-1].Next)
		}
		if n.Gossip != nil {
			for _, m := range n.Members() {
				fmt.Fprintf(&b, "\n   %s %s %s linked %v behind %d", m.Author.Short(), m.Name, m.State, m.Linked, m.Behind)
			}
			fmt.Fprintf(&b, "\n   %+v\n   %+v", n.Seeds(), n.Status().Counts)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// author returns the author of a node.
func (c *cluster) author(name string) crdt.Author { return c.nodes[name].log.Author() }

// member returns what one node knows of another.
func (c *cluster) member(of, name string) gossip.Member {
	for _, m := range c.nodes[of].Members() {
		if m.Author == c.author(name) {
			return m
		}
	}
	return gossip.Member{}
}

// lines keeps what a node logs.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// has counts the lines with all of the given texts in them.
func (l *lines) has(texts ...string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.Lines(l.text.String()) {
		if !slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(line, s) }) {
			n++
		}
	}
	return n
}

// logger returns a logger that keeps lines, and prints them with QUIPU_TEST_LOG set.
func (n *node) logger(t testing.TB) *slog.Logger {
	var out io.Writer = &n.lines
	level := slog.LevelInfo
	if os.Getenv("QUIPU_TEST_LOG") != "" {
		out = io.MultiWriter(&n.lines, t.Output())
	}
	if os.Getenv("QUIPU_TEST_LOG") == "debug" {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level})).With("node", n.name)
}
