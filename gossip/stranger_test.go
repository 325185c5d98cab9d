package gossip_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wire"
)

// stranger is a peer that a test plays by hand: it knows the secret and nothing of manners.
type stranger struct {
	t    testing.TB
	c    *cluster
	key  ed25519.PrivateKey
	self crdt.Author
	port *transport.Transport
	stop context.CancelFunc
	done chan struct{}
}

// stranger brings in a stranger with the n-th key, on a host of its own.
func (c *cluster) stranger(n int, secret []byte) *stranger {
	c.t.Helper()
	s := &stranger{t: c.t, c: c, key: testKey(n), done: make(chan struct{})}
	s.self = crdt.AuthorOf(s.key)
	var err error
	s.port, err = transport.Listen(transport.Config{Key: s.key, Secret: secret, Listen: port, Network: c.net.Host("stranger " + s.self.Short())})
	if err != nil {
		c.t.Fatal(err)
	}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	go func() {
		defer close(s.done)
		s.port.Run(ctx)
	}()
	return s
}

// close takes the stranger away.
func (s *stranger) close() {
	s.stop()
	<-s.done
}

// dial opens a stream to a node.
func (s *stranger) dial(name string) *transport.Conn {
	s.t.Helper()
	conn, err := s.port.Dial(s.t.Context(), s.c.addr(name), transport.Sync, s.c.author(name))
	if err != nil {
		s.t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(time.Hour))
	return conn
}

// greet opens a stream to a node and exchanges hellos.
func (s *stranger) greet(name string) *transport.Conn {
	s.t.Helper()
	conn := s.dial(name)
	s.send(conn, wire.Hello{Version: wire.Version, Log: testGenesis.Log(), Name: "stranger"})
	if m := s.next(conn); m.Kind() != wire.KindHello {
		s.t.Fatalf("the node began with %s", m.Kind())
	}
	return conn
}

// send sends messages.
func (s *stranger) send(conn *transport.Conn, messages ...wire.Message) {
	s.t.Helper()
	for _, m := range messages {
		if _, err := conn.Write(wire.Append(nil, m)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// next reads one message.
func (s *stranger) next(conn *transport.Conn) wire.Message {
	s.t.Helper()
	m, _, err := wire.ReadFrame(conn, false)
	if err != nil {
		s.t.Fatalf("the node ended the stream: %v", err)
	}
	return m
}

// until reads until a message of kind k comes.
func (s *stranger) until(conn *transport.Conn, k wire.Kind) wire.Message {
	s.t.Helper()
	for {
		if m := s.next(conn); m.Kind() == k {
			return m
		}
	}
}

// claim waits for the node's next comparison and answers it with heads.
func (s *stranger) claim(conn *transport.Conn, heads crdt.Frontier) {
	s.t.Helper()
	round := s.until(conn, wire.KindOffer).(wire.Offer).Round
	s.send(conn, wire.Vector{Round: round, Upto: lastAuthor, Heads: heads, Last: true})
}

// lastAuthor is the author above whom there is none.
var lastAuthor = crdt.Author(bytes.Repeat([]byte{0xff}, len(crdt.Author{})))

// ends reads until the node ends the stream, and returns its last words.
func (s *stranger) ends(conn *transport.Conn) (bye wire.Bye) {
	s.t.Helper()
	conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	for {
		m, _, err := wire.ReadFrame(conn, false)
		if errors.Is(err, context.DeadlineExceeded) || err == nil && m.Kind() == wire.KindShut {
			continue
		}
		if err != nil {
			if err != io.EOF {
				s.t.Errorf("the stream ended with %v", err)
			}
			conn.Close()
			return bye
		}
		if b, ok := m.(wire.Bye); ok {
			bye = b
		}
	}
}

// op returns an op of n entries of the stranger's own feed, after those of log.
func (s *stranger) feed(ops, entries int) (*memLog, []crdt.Op) {
	log := newMemLog(s.key, testGenesis)
	all := make([]crdt.Op, ops)
	for i := range all {
		all[i] = log.append(s.t, entries)
	}
	return log, all
}
