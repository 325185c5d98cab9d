package transport_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/transport"
)

func TestWrongSecret(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		var log lines
		cfg := g.config("right")
		cfg.Logger = log.logger()
		right := g.start(t, cfg)
		cfg = g.config("wrong")
		cfg.Secret = bytes.Repeat([]byte{8}, transport.SecretSize)
		wrong := g.start(t, cfg)

		if _, err := wrong.Dial(t.Context(), right.Addr().String(), transport.Member, right.Self()); !errors.Is(err, transport.ErrSecret) {
			t.Errorf("wrong dials right: %v", err)
		}
		if _, err := right.Dial(t.Context(), wrong.Addr().String(), transport.Sync, wrong.Self()); !errors.Is(err, transport.ErrSecret) {
			t.Errorf("right dials wrong: %v", err)
		}
		waitRefused(t, right, transport.ReasonSecret, 1)
		waitRefused(t, wrong, transport.ReasonSecret, 1)
		if got := right.Counts().Failed; got[transport.ReasonSecret] != 1 {
			t.Errorf("failed dials: %v", got)
		}
		waitFor(t, "the log", func() bool { return strings.HasSuffix(log.String(), "\n") })
		for _, want := range []string{
			"reason=secret",
			"remote=" + wrong.Addr().Addr().String(),
			"author=" + wrong.Self().Short(),
		} {
			if got := log.String(); !strings.Contains(got, want) {
				t.Errorf("log %q, want %q", got, want)
			}
		}
		connect(t, g.start(t, g.config("good")), right)
	})
}

// A node without a secret and one with do not understand each other, whoever dials.
func TestSecretAtOneEnd(t *testing.T) {
	without := ground{}.config("a")
	without.Secret = nil
	a, b := ground{}.start(t, without), ground{}.start(t, ground{}.config("b"))
	for _, pair := range [][2]*transport.Transport{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		if _, err := from.Dial(t.Context(), to.Addr().String(), transport.Sync, to.Self()); !errors.Is(err, transport.ErrSecret) {
			t.Errorf("dial: %v", err)
		}
		waitRefused(t, to, transport.ReasonSecret, 1)
	}
}

// Without a secret two nodes of one machine understand each other.
func TestNoSecret(t *testing.T) {
	a, b := ground{}.config("a"), ground{}.config("b")
	a.Secret, b.Secret = nil, nil
	connect(t, ground{}.start(t, a), ground{}.start(t, b))
}

func TestWrongPeer(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		a, b := g.start(t, g.config("a")), g.start(t, g.config("b"))
		_, err := a.Dial(t.Context(), b.Addr().String(), transport.Sync, authorOf("c"))
		got, ok := errors.AsType[*transport.WrongPeerError](err)
		if !ok {
			t.Fatalf("error %v, want a wrong peer", err)
		}
		want := &transport.WrongPeerError{Want: authorOf("c"), Got: b.Self()}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
		if n := a.Counts().Failed[transport.ReasonWrongPeer]; n != 1 {
			t.Errorf("%d counted", n)
		}
		near, err := a.Dial(t.Context(), b.Addr().String(), transport.Sync, crdt.Author{})
		if err != nil || near.Peer() != b.Self() {
			t.Errorf("dialling anybody: %v", err)
		}
	})
}

func TestUnknownProto(t *testing.T) {
	inMemory(t, func(t *testing.T, g ground) {
		a := g.start(t, g.config("a"))
		if _, err := a.Dial(t.Context(), a.Addr().String(), "quipu/sync/9", a.Self()); !errors.Is(err, transport.ErrProto) {
			t.Errorf("dial: %v", err)
		}
		if _, err := a.Accept(t.Context(), "quipu/sync/9"); !errors.Is(err, transport.ErrProto) {
			t.Errorf("accept: %v", err)
		}
	})
}

// What a stranger shows that is no node's is refused for the right reason, and the next good peer
// gets in.
func TestStrangerDials(t *testing.T) {
	node := strangerConfig(t)
	for _, test := range []struct {
		name   string
		change func(*tls.Config)
		reason transport.Reason
	}{
		{"no protocol", func(c *tls.Config) { c.NextProtos = nil }, transport.ReasonProto},
		{"unknown protocol", func(c *tls.Config) { c.NextProtos = []string{"h2", "quipu/sync/2"} }, transport.ReasonProto},
		{"no certificate", func(c *tls.Config) { c.Certificates = nil }, transport.ReasonHandshake},
		{"ECDSA key", func(c *tls.Config) { c.Certificates = []tls.Certificate{ecdsaCertificate(t)} }, transport.ReasonKey},
		{"small-order key", func(c *tls.Config) { c.Certificates = []tls.Certificate{smallOrderCertificate(t)} }, transport.ReasonKey},
		{"two certificates", func(c *tls.Config) { c.Certificates = []tls.Certificate{chainOfTwo(t)} }, transport.ReasonKey},
		{"TLS 1.2", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, transport.ReasonHandshake},
		{"P-256", func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP256} }, transport.ReasonHandshake},
		{"a long hello", func(c *tls.Config) { c.NextProtos = append(manyProtos(), c.NextProtos...) }, transport.ReasonHandshake},
		{"no proof", func(*tls.Config) {}, transport.ReasonSecret},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g ground) {
				a := g.start(t, g.config("a"))
				cfg := node.Clone()
				test.change(cfg)
				conn := tls.Client(g.dialRaw(t, a), cfg)
				conn.Write(make([]byte, 32))
				io.Copy(io.Discard, conn) // until a hangs up
				waitRefused(t, a, test.reason, 1)
				connect(t, g.start(t, g.config("b")), a)
			})
		})
	}
}

// What answers a dial and is no node is refused for the right reason.
func TestStrangerAnswers(t *testing.T) {
	node := strangerConfig(t)
	for _, test := range []struct {
		name   string
		change func(*tls.Config)
		want   error
	}{
		{"no protocol", func(c *tls.Config) { c.NextProtos = nil }, transport.ErrProto},
		{"ECDSA key", func(c *tls.Config) { c.Certificates = []tls.Certificate{ecdsaCertificate(t)} }, transport.ErrCertificate},
		{"small-order key", func(c *tls.Config) { c.Certificates = []tls.Certificate{smallOrderCertificate(t)} }, crdt.ErrAuthor},
		{"two certificates", func(c *tls.Config) { c.Certificates = []tls.Certificate{chainOfTwo(t)} }, transport.ErrCertificate},
		{"no proof", func(*tls.Config) {}, transport.ErrSecret},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g ground) {
				l := g.listenRaw(t)
				cfg := node.Clone()
				test.change(cfg)
				go func() {
					raw, err := l.Accept()
					if err != nil {
						return
					}
					conn := tls.Server(raw, cfg)
					conn.Write(make([]byte, 32))
					io.Copy(io.Discard, conn)
					conn.Close()
				}()
				a := g.start(t, g.config("a"))
				if _, err := a.Dial(t.Context(), l.Addr().String(), transport.Sync, crdt.Author{}); !errors.Is(err, test.want) {
					t.Errorf("dial: %v, want %v", err, test.want)
				}
			})
		})
	}
}

// Bytes that are not TLS at all do no harm.
func TestNotTLS(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		a := g.start(t, g.config("a"))
		junk := make([]byte, 5000)
		rand.Read(junk)
		for i, text := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", string(junk), ""} {
			conn := g.dialRaw(t, a)
			io.WriteString(conn, text)
			if text == "" {
				conn.Close()
			}
			io.Copy(io.Discard, conn)
			waitRefused(t, a, transport.ReasonHandshake, uint64(i)+1)
		}
		connect(t, g.start(t, g.config("b")), a)
	})
}

func TestDialEnds(t *testing.T) {
	inMemory(t, func(t *testing.T, g ground) {
		a := g.start(t, g.config("a"))
		silent := g.listenRaw(t).Addr().String() // takes connections and says nothing
		cause := errors.New("changed my mind")

		for _, test := range []struct {
			name string
			addr string
			stop time.Duration // when the caller cancels; 0 never
			took time.Duration
			want error
		}{
			{"cancelled", silent, time.Second, time.Second, cause},
			{"silent", silent, 0, 5 * time.Second, os.ErrDeadlineExceeded},
			{"refused", "stranger:1", 0, 0, syscall.ECONNREFUSED},
		} {
			ctx, cancel := context.WithCancelCause(t.Context())
			if test.stop > 0 {
				time.AfterFunc(test.stop, func() { cancel(cause) })
			}
			start := time.Now()
			if _, err := a.Dial(ctx, test.addr, transport.Sync, crdt.Author{}); !errors.Is(err, test.want) {
				t.Errorf("%s: %v, want %v", test.name, err, test.want)
			}
			if took := time.Since(start); took != test.took {
				t.Errorf("%s: took %s, want %s", test.name, took, test.took)
			}
			cancel(nil)
		}
		want := map[transport.Reason]uint64{transport.ReasonTimeout: 1, transport.ReasonUnreachable: 1}
		if diff := cmp.Diff(want, a.Counts().Failed); diff != "" {
			t.Errorf("failed dials (-want +got):\n%s", diff)
		}
	})
}

// Strangers decide how many connections are refused, not how much is logged.
func TestLogIsSpared(t *testing.T) {
	inMemory(t, func(t *testing.T, g ground) {
		var log lines
		cfg := g.config("a")
		cfg.Logger = log.logger()
		a := g.start(t, cfg)
		cfg = g.config("b")
		cfg.Secret = bytes.Repeat([]byte{8}, transport.SecretSize)
		b := g.start(t, cfg)
		refuse := func(n uint64) {
			if _, err := b.Dial(t.Context(), a.Addr().String(), transport.Sync, a.Self()); !errors.Is(err, transport.ErrSecret) {
				t.Fatal(err)
			}
			waitRefused(t, a, transport.ReasonSecret, n)
		}
		for i := range uint64(30) {
			refuse(i + 1)
		}
		synctest.Wait()
		if got := strings.Count(log.String(), "\n"); got != 10 || a.Counts().Unlogged != 20 {
			t.Errorf("%d lines for 30 refusals, %d unlogged; want 10 and 20", got, a.Counts().Unlogged)
		}
		<-time.After(10 * time.Second)
		refuse(31)
		synctest.Wait()
		if got := strings.Count(log.String(), "\n"); got != 11 {
			t.Errorf("%d lines after the log had rest, want 11", got)
		}
	})
}

// A probe of the port, a scan and a browser are counted, and nobody is warned of them.
func TestProbesOfThePortAreNoWarning(t *testing.T) {
	for name, probe := range map[string]struct {
		reason transport.Reason
		do     func(net.Conn)
	}{
		"connect and close": {transport.ReasonHandshake, func(c net.Conn) { c.Close() }},
		"HTTP":              {transport.ReasonHandshake, func(c net.Conn) { io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n") }},
		"HTTPS": {transport.ReasonProto, func(c net.Conn) {
			tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}).Handshake()
		}},
		"TLS without ALPN": {transport.ReasonProto, func(c net.Conn) {
			tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake()
			c.Close()
		}},
		"connect and wait": {transport.ReasonTimeout, func(net.Conn) {}},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, g ground) {
				var log lines
				cfg := g.config("a")
				cfg.Logger = log.logger()
				a := g.start(t, cfg)
				conn := g.dialRaw(t, a)
				defer conn.Close()
				probe.do(conn)
				waitRefused(t, a, probe.reason, 1)
				synctest.Wait()
				if got := log.String(); got != "" {
					t.Errorf("the log says: %s", got)
				}
			})
		})
	}
}
