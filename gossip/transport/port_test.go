package transport_test

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quipulog/quipu/gossip/gossiptest"
	"github.com/quipulog/quipu/gossip/transport"
)

func TestConfigNamesTheField(t *testing.T) {
	good := transport.Config{Key: keyOf("a"), Listen: "127.0.0.1:0"}
	for want, change := range map[string]func(*transport.Config){
		"Key has 0 bytes":              func(c *transport.Config) { c.Key = nil },
		"Key's public half":            func(c *transport.Config) { c.Key = append(keyOf("a")[:32:32], keyOf("b")[32:]...) },
		"Secret has 31 bytes":          func(c *transport.Config) { c.Secret = secret[1:] },
		"Secret has 0 bytes":           func(c *transport.Config) { c.Secret = []byte{} },
		"HandshakeTimeout is negative": func(c *transport.Config) { c.HandshakeTimeout = -time.Second },
		"Listen: ":                     func(c *transport.Config) { c.Listen = "7946" },
		"MaxConns is negative":         func(c *transport.Config) { c.MaxConns = -1 },
	} {
		cfg := good
		change(&cfg)
		tr, err := transport.Listen(cfg)
		if err == nil {
			tr.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "config: "+want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestSecretRequired: system A was open to anyone by default.
func TestSecretRequired(t *testing.T) {
	for address, allowed := range map[string]bool{
		":0": false, "0.0.0.0:0": false, "[::]:0": false, "192.0.2.1:0": false, "[::ffff:192.0.2.1]:0": false,
		"127.0.0.1:0": true, "127.0.0.5:0": true, "localhost:0": true,
	} {
		tr, err := transport.Listen(transport.Config{Key: keyOf("a"), Listen: address})
		if err == nil {
			tr.Close()
		}
		if refused := errors.Is(err, transport.ErrSecretRequired); refused == allowed {
			t.Errorf("listen on %s without a secret: %v", address, err)
		}
	}
}

// A name is looked up by the system; what it turns out to be counts, and nothing stays open.
func TestSecretRequiredBehindName(t *testing.T) {
	host := gossiptest.NewNetwork(1).Host("a")
	cfg := transport.Config{Key: keyOf("a"), Listen: "a:7946", Network: host}
	if _, err := transport.Listen(cfg); !errors.Is(err, transport.ErrSecretRequired) {
		t.Errorf("listen on a name of 10.0.0.1: %v", err)
	}
	l, err := host.Listen("a:7946")
	if err != nil {
		t.Fatalf("the port is still taken: %v", err)
	}
	l.Close()
	p, err := host.ListenPacket("a:7946")
	if err != nil {
		t.Fatalf("the port is still taken: %v", err)
	}
	p.Close()
}

func TestPortInUse(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		a := g.start(t, g.config("a"))
		cfg := g.config("a")
		cfg.Listen = a.Addr().String()
		_, err := transport.Listen(cfg)
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "listen on "+a.Addr().String()) {
			t.Errorf("error %v, want the address and that it is in use", err)
		}
	})
}

// Listening on the same port again works as soon as the first is closed.
func TestPortIsGivenBack(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		first, err := transport.Listen(g.config("a"))
		if err != nil {
			t.Fatal(err)
		}
		cfg := g.config("a")
		cfg.Listen = first.Addr().String()
		first.Close()
		g.start(t, cfg)
	})
}

// stubborn is a network on which the first UDP ports asked for are taken.
type stubborn struct {
	transport.Network
	taken int
	asked []string
}

func (s *stubborn) ListenPacket(address string) (net.PacketConn, error) {
	s.asked = append(s.asked, address)
	if len(s.asked) <= s.taken {
		return nil, syscall.EADDRINUSE
	}
	return s.Network.ListenPacket(address)
}

func TestAnyPortIsOneForBoth(t *testing.T) {
	for _, test := range []struct {
		listen string
		taken  int
		ok     bool
		asked  int
	}{
		{":0", 0, true, 1},
		{":0", 5, true, 6},
		{":0", 99, false, 16},
		{":7946", 1, false, 1},
	} {
		s := &stubborn{Network: gossiptest.NewNetwork(1).Host("a"), taken: test.taken}
		tr, err := transport.Listen(transport.Config{Key: keyOf("a"), Secret: secret, Listen: test.listen, Network: s})
		if (err == nil) != test.ok || len(s.asked) != test.asked {
			t.Errorf("%s with %d ports taken: %v after %d tries", test.listen, test.taken, err, len(s.asked))
		}
		if err == nil {
			if want := net.JoinHostPort("", strconv.Itoa(int(tr.Addr().Port()))); s.asked[len(s.asked)-1] != want {
				t.Errorf("UDP on %s, TCP on %s", s.asked[len(s.asked)-1], tr.Addr())
			}
			tr.Close()
		}
	}
}

// flaky is a network whose listener fails now and then.
type flaky struct{ transport.Network }

type flakyListener struct {
	net.Listener
	failures int
}

func (f flaky) Listen(address string) (net.Listener, error) {
	l, err := f.Network.Listen(address)
	return &flakyListener{l, 3}, err
}

func (l *flakyListener) Accept() (net.Conn, error) {
	if l.failures--; l.failures >= 0 {
		return nil, syscall.EMFILE
	}
	return l.Listener.Accept()
}

func TestAcceptGoesOnAfterErrors(t *testing.T) {
	inMemory(t, func(t *testing.T, g ground) {
		cfg := g.config("a")
		cfg.Network = flaky{cfg.Network}
		connect(t, g.start(t, g.config("b")), g.start(t, cfg))
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		a, err := transport.Listen(g.config("a"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := a.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
		if _, err := a.Accept(t.Context(), transport.Sync); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept afterwards: %v", err)
		}
	})
}

// The gossip key is what RFC 5869 gives for the secret, computed once by another implementation.
func TestGossipKey(t *testing.T) {
	g := ground{}
	key := g.start(t, g.config("a")).GossipKey()
	if got, want := hex.EncodeToString(key), "0648682d57ff98c11bae0e715b80e32a570f09b6ab85b84cb167b68774481410"; got != want {
		t.Errorf("key %s, want %s", got, want)
	}
	cfg := g.config("b")
	cfg.Secret = nil
	if got, want := hex.EncodeToString(g.start(t, cfg).GossipKey()), "54171a4e49f87f0c4c67d784ab0b76c4dfb72346ca10c907944bb9fedb5305db"; got != want {
		t.Errorf("without a secret: key %s, want %s", got, want)
	}
}

// TestEveryIPv4AddressIsThatAlone: 0.0.0.0 means what it says, and not what :: and no host mean.
func TestEveryIPv4AddressIsThatAlone(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here")
	} else {
		l.Close()
	}
	for address, six := range map[string]bool{"0.0.0.0:0": false, ":0": true, "[::]:0": true} {
		tr, err := transport.Listen(transport.Config{Key: keyOf("a"), Listen: address, Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		if got := tr.Addr(); got.Addr().Is4() == six {
			t.Errorf("%s listens on %s", address, got)
		}
		port := strconv.Itoa(int(tr.Addr().Port()))
		for host, want := range map[string]bool{"127.0.0.1": true, "::1": six} {
			conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
			if err == nil {
				conn.Close()
			}
			if (err == nil) != want {
				t.Errorf("%s, dialled at %s: %v", address, host, err)
			}
		}
	}
}
