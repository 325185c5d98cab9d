package transport_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/transport"
)

// A connection that says nothing, or trickles, is closed after the handshake's time.
func TestHalfOpenTimesOut(t *testing.T) {
	hello := clientHello(t)
	onBoth(t, func(t *testing.T, g ground) {
		cfg := g.config("a")
		limit := 5 * time.Second // the default
		if g.memory == nil {
			limit = 100 * time.Millisecond
			cfg.HandshakeTimeout = limit
		}
		a := g.start(t, cfg)
		for name, pace := range map[string]time.Duration{"silent": 0, "trickling": limit / 20} {
			start := time.Now()
			conn := g.dialRaw(t, a)
			var trickling sync.WaitGroup
			if pace > 0 {
				trickling.Go(func() { trickle(conn, hello, pace) })
			}
			io.Copy(io.Discard, conn)
			if took := time.Since(start); took < limit || g.memory != nil && took != limit {
				t.Errorf("%s: closed after %s, want %s", name, took, limit)
			}
			conn.Close()
			trickling.Wait()
		}
		waitRefused(t, a, transport.ReasonTimeout, 2)
	})
}

// A peer that finishes the handshake and does not prove the secret is closed too.
func TestNoProofTimesOut(t *testing.T) {
	inMemory(t, func(t *testing.T, g ground) {
		a := g.start(t, g.config("a"))
		start := time.Now()
		conn := tls.Client(g.dialRaw(t, a), strangerConfig(t))
		got, _ := io.ReadAll(conn)
		if took := time.Since(start); took != 5*time.Second || len(got) != 32 {
			t.Errorf("closed after %s and %d bytes, want 5 s and a proof of 32", took, len(got))
		}
		waitRefused(t, a, transport.ReasonTimeout, 1)
	})
}

// trickle writes a byte at a time.
func trickle(conn net.Conn, b []byte, pace time.Duration) {
	for i := range b {
		<-time.After(pace)
		if _, err := conn.Write(b[i : i+1]); err != nil {
			return
		}
	}
}

// clientHello returns the first message of a good handshake.
func clientHello(t testing.TB) []byte {
	t.Helper()
	near, far := net.Pipe()
	defer far.Close()
	go tls.Client(near, strangerConfig(t)).Handshake()
	b := make([]byte, 4096)
	n, err := far.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// A thousand idle connections keep nobody out, even from the same host.
func TestIdleFlood(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		flood, limit := 1000, 128
		cfg := g.config("a")
		if g.memory == nil {
			flood, limit = 300, 16
			cfg.MaxHandshakesPerHost = limit
		}
		a := g.start(t, cfg)
		for i := range flood {
			g.dialRaw(t, a)
			if g.memory != nil && i%64 == 0 {
				synctest.Wait() // A full queue would cost a second.
			}
		}
		waitFor(t, "the flood to be shed", func() bool {
			return a.Counts().Refused[transport.ReasonCrowded] == uint64(flood-limit)
		})
		if got := a.Counts().HalfOpen; got != limit {
			t.Errorf("%d half open, want %d", got, limit)
		}
		b := g.config("b")
		if g.memory != nil {
			b.Network, b.Listen = g.memory.Host("stranger"), "stranger:1" // beside the flood
		}
		connect(t, g.start(t, b), a)
	})
}

// When the total is reached, the host that holds most pays.
func TestFloodFromManyHosts(t *testing.T) {
	inMemory(t, func(t *testing.T, g ground) {
		cfg := g.config("a")
		cfg.MaxHandshakes = 10
		g.start(t, cfg)
		dial := func(host string, n int) (conns []net.Conn) {
			for range n {
				conn, err := g.memory.Host(host).Dial(t.Context(), "a:7946")
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close() })
				conns = append(conns, conn)
			}
			synctest.Wait()
			return conns
		}
		modest := dial("modest", 2)
		greedy := dial("greedy", 8)
		dial("late", 1)
		for i, conn := range append(modest, greedy...) {
			conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, err := conn.Read(make([]byte, 1))
			timeout, _ := errors.AsType[net.Error](err)
			if alive := timeout != nil && timeout.Timeout(); alive != (i != 2) {
				t.Errorf("connection %d: %v; want only the greedy host's oldest closed", i, err)
			}
		}
	})
}

// Connections that began a handshake and stopped give way after a second.
func TestStalledFlood(t *testing.T) {
	hello := clientHello(t)
	inMemory(t, func(t *testing.T, g ground) {
		a := g.start(t, g.config("a"))
		for range 128 {
			g.dialRaw(t, a).Write(hello)
		}
		synctest.Wait()
		cfg := g.config("b")
		cfg.Network, cfg.Listen = g.memory.Host("stranger"), "stranger:1"
		b := g.start(t, cfg)
		if _, err := b.Dial(t.Context(), "a:7946", transport.Sync, a.Self()); err == nil {
			t.Error("128 handshakes of one host are under way, and a newcomer gets in at once")
		}
		<-time.After(1100 * time.Millisecond)
		connect(t, b, a)
	})
}

// An honest handshake stays far below the bound on what a stranger may send.
func TestHandshakeSize(t *testing.T) {
	inMemory(t, func(t *testing.T, g ground) {
		a, b := g.start(t, g.config("a")), g.start(t, g.config("b"))
		connect(t, a, b)
		dialled, accepted := g.memory.Traffic("a", "b").StreamBytes, g.memory.Traffic("b", "a").StreamBytes
		t.Logf("%d bytes from the dialling end, %d from the accepting", dialled, accepted)
		if most := max(dialled, accepted); most > 2<<10 {
			t.Errorf("%d bytes one way, want at most half of 4 KiB", most)
		}
	})
}

func TestConnectionLimits(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		cfg := g.config("a")
		cfg.MaxConns, cfg.MaxConnsPerPeer = 3, 2
		a := g.start(t, cfg)
		b, c := g.start(t, g.config("b")), g.start(t, g.config("c"))
		connect(t, b, a)
		_, far := connect(t, b, a)
		refused := func(from *transport.Transport, reason transport.Reason, n uint64) {
			t.Helper()
			conn, err := from.Dial(t.Context(), a.Addr().String(), transport.Sync, a.Self())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				t.Error("a connection too many was not closed")
			}
			conn.Close()
			waitFor(t, string(reason), func() bool { return a.Counts().Refused[reason] == n })
		}
		refused(b, transport.ReasonPeerFull, 1)
		connect(t, c, a)
		refused(c, transport.ReasonFull, 1)
		far.Close()
		connect(t, b, a)
		far.Close() // twice is not two places
		refused(c, transport.ReasonFull, 2)
	})
}

func TestUnclaimed(t *testing.T) {
	inMemory(t, func(t *testing.T, g ground) {
		cfg := g.config("a")
		cfg.MaxConnsPerPeer = 100
		a, b := g.start(t, cfg), g.start(t, g.config("b"))
		for range 65 { // one more than wait without a handshake behind them
			if _, err := b.Dial(t.Context(), a.Addr().String(), transport.Member, crdt.Author{}); err != nil {
				t.Fatal(err)
			}
		}
		waitRefused(t, a, transport.ReasonUnclaimed, 1)
		if got := a.Counts().Open; got != 64 {
			t.Errorf("%d open, want 64 waiting", got)
		}
		connect(t, b, a) // The other protocol is not held up.
	})
}

// Bytes before the proof are bounded, whatever they are.
func TestTalkative(t *testing.T) {
	inMemory(t, func(t *testing.T, g ground) {
		a := g.start(t, g.config("a"))
		conn := g.dialRaw(t, a)
		record := append([]byte{22, 3, 1, 0x40, 0}, bytes.Repeat([]byte{1}, 1<<14)...)
		conn.Write(record) // a handshake message of 16 KiB
		io.Copy(io.Discard, conn)
		waitRefused(t, a, transport.ReasonHandshake, 1)
	})
}
