package transport_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/gossiptest"
	"github.com/quipulog/quipu/gossip/transport"
)

// secret is the cluster secret of the tests.
var secret = bytes.Repeat([]byte{7}, transport.SecretSize)

// keyOf returns a node's key, a different one for each name.
func keyOf(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

// authorOf returns the author of the node of a name.
func authorOf(name string) crdt.Author { return crdt.AuthorOf(keyOf(name)) }

// ground is where a test takes place: in memory with fake time, or on the loopback interface.
type ground struct {
	memory *gossiptest.Network // nil on loopback
}

// onBoth runs a test in memory, in a bubble with fake time, and on loopback.
func onBoth(t *testing.T, test func(t *testing.T, g ground)) {
	t.Run("memory", func(t *testing.T) { inMemory(t, test) })
	t.Run("loopback", func(t *testing.T) { test(t, ground{}) })
}

// inMemory runs a test in a bubble with fake time.
func inMemory(t *testing.T, test func(t *testing.T, g ground)) {
	synctest.Test(t, func(t *testing.T) { test(t, ground{memory: gossiptest.NewNetwork(1)}) })
}

// config returns the configuration of the node of a name.
func (g ground) config(name string) transport.Config {
	c := transport.Config{Key: keyOf(name), Secret: secret, Listen: "127.0.0.1:0"}
	if g.memory != nil {
		c.Listen, c.Network = ":7946", g.memory.Host(name)
	}
	return c
}

// start runs a transport until the test ends.
func (g ground) start(t *testing.T, cfg transport.Config) *transport.Transport {
	t.Helper()
	tr, err := transport.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- tr.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return tr
}

// dialRaw connects to a transport as a stranger.
func (g ground) dialRaw(t *testing.T, to *transport.Transport) net.Conn {
	t.Helper()
	var conn net.Conn
	var err error
	if g.memory != nil {
		conn, err = g.memory.Host("stranger").Dial(t.Context(), to.Addr().String())
	} else {
		conn, err = net.Dial("tcp", to.Addr().String())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// listenRaw opens a listener of a stranger.
func (g ground) listenRaw(t *testing.T) net.Listener {
	t.Helper()
	var l net.Listener
	var err error
	if g.memory != nil {
		l, err = g.memory.Host("stranger").Listen(":7946")
	} else {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// connect dials from one transport to another and returns both ends.
func connect(t *testing.T, from, to *transport.Transport) (near, far *transport.Conn) {
	t.Helper()
	near, err := from.Dial(t.Context(), to.Addr().String(), transport.Sync, to.Self())
	if err != nil {
		t.Fatal(err)
	}
	if far, err = to.Accept(t.Context(), transport.Sync); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// waitRefused waits until a transport has refused n connections for a reason.
func waitRefused(t *testing.T, tr *transport.Transport, reason transport.Reason, n uint64) {
	t.Helper()
	waitFor(t, string(reason), func() bool { return tr.Counts().Refused[reason] >= n })
	if got := tr.Counts().Refused; got[reason] != n || len(got) != 1 {
		t.Errorf("refused %v, want %d for reason %q only", got, n, reason)
	}
}

// waitFor waits until done holds, at most 10 s. It looks again each millisecond, of fake time in a
// bubble.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 10_000 {
		if done() {
			return
		}
		<-tick.C
	}
	t.Fatalf("timed out waiting for %s", what)
}

// lines is a log to look into.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func TestStream(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		a, b := g.start(t, g.config("a")), g.start(t, g.config("b"))
		for _, proto := range []transport.Proto{transport.Member, transport.Sync} {
			near, err := a.Dial(t.Context(), b.Addr().String(), proto, authorOf("b"))
			if err != nil {
				t.Fatal(err)
			}
			defer near.Close()
			far, err := b.Accept(t.Context(), proto)
			if err != nil {
				t.Fatal(err)
			}
			defer far.Close()
			if near.Peer() != b.Self() || far.Peer() != a.Self() {
				t.Errorf("%s: a sees %s and b sees %s", proto, near.Peer().Short(), far.Peer().Short())
			}
			if near.Proto() != proto || far.Proto() != proto {
				t.Errorf("asked for %s, got %s and %s", proto, near.Proto(), far.Proto())
			}
			exchange(t, near, far)
			exchange(t, far, near)
		}
		if c := a.Counts(); c.Dialled != 2 || c.Open != 2 {
			t.Errorf("a: %+v", c)
		}
		if c := b.Counts(); c.Accepted != 2 || c.Open != 2 || c.HalfOpen != 0 {
			t.Errorf("b: %+v", c)
		}
	})
}

// exchange sends some records' worth of bytes.
func exchange(t *testing.T, from, to net.Conn) {
	t.Helper()
	sent := bytes.Repeat([]byte("knot"), 20_000)
	go from.Write(sent)
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(to, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Error("other bytes arrived")
	}
}

// A node may dial itself, and one whose key was copied: who that is, is not for the transport to say.
func TestDialSelf(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		a := g.start(t, g.config("a"))
		near, far := connect(t, a, a)
		if near.Peer() != a.Self() || far.Peer() != a.Self() {
			t.Error("dialling oneself finds somebody else")
		}
	})
}

func TestPackets(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		a, b := g.start(t, g.config("a")), g.start(t, g.config("b"))
		if err := a.WritePacket([]byte("hello"), b.Addr()); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		n, from, err := b.ReadPacket(buf)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(buf[:n]); got != "hello" || from != a.Addr() {
			t.Errorf("%q from %s, want hello from %s", got, from, a.Addr())
		}
	})
}

// A stream outlives a partition.
func TestStreamOutlivesPartition(t *testing.T) {
	inMemory(t, func(t *testing.T, g ground) {
		a, b := g.start(t, g.config("a")), g.start(t, g.config("b"))
		near, far := connect(t, a, b)
		g.memory.Partition([]string{"a"}, []string{"b"})
		time.AfterFunc(time.Hour, g.memory.Heal)
		exchange(t, near, far)
	})
}

func TestCloseEndsEverything(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		a := g.start(t, g.config("a"))
		b, err := transport.Listen(g.config("b"))
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan error)
		go func() { ran <- b.Run(context.Background()) }()
		near, far := connect(t, a, b)
		silent := g.listenRaw(t)
		g.dialRaw(t, b)
		waitFor(t, "a half-open connection", func() bool { return b.Counts().HalfOpen == 1 })

		errs := make(chan error, 4)
		go func() { _, err := b.Accept(t.Context(), transport.Sync); errs <- err }()
		go func() { _, _, err := b.ReadPacket(nil); errs <- err }()
		go func() { _, err := far.Read(make([]byte, 1)); errs <- err }()
		go func() {
			_, err := b.Dial(t.Context(), silent.Addr().String(), transport.Sync, crdt.Author{})
			errs <- err
		}()
		if _, err := silent.Accept(); err != nil { // The dial is under way.
			t.Fatal(err)
		}
		start := time.Now()
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		for range cap(errs) {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("a call returned %v, want it to be closed", err)
			}
		}
		if err := <-ran; !errors.Is(err, net.ErrClosed) {
			t.Errorf("run returned %v, want an error: its context has not ended", err)
		}
		if took := time.Since(start); took > 0 && g.memory != nil {
			t.Errorf("closing took %s", took)
		}
		if _, err := near.Read(make([]byte, 1)); err == nil {
			t.Error("the peer can still read")
		}
		if c := b.Counts(); c.Open != 0 || c.HalfOpen != 0 || len(c.Refused)+len(c.Failed) != 0 {
			t.Errorf("after closing: %+v", c)
		}
	})
}

func TestClosedStaysClosed(t *testing.T) {
	inMemory(t, func(t *testing.T, g ground) {
		b, err := transport.Listen(g.config("b"))
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
		if err := b.Close(); err != nil {
			t.Errorf("closing again: %v", err)
		}
		if _, err := b.Dial(t.Context(), "b:7946", transport.Sync, b.Self()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("dial: %v", err)
		}
		if err := b.WritePacket(nil, b.Addr()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("packet: %v", err)
		}
		if err := b.Run(t.Context()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("run: %v", err)
		}
	})
}
