package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// errUnclaimed says that nobody wanted a connection.
var errUnclaimed = errors.New("nobody accepts connections of this protocol")

// Accept returns the next connection of a protocol whose peer has been checked. It returns ctx's
// cause when ctx ends and [net.ErrClosed] when the transport is closed.
func (t *Transport) Accept(ctx context.Context, proto Proto) (*Conn, error) {
	queue, ok := t.waiting[proto]
	if !ok {
		return nil, fmt.Errorf("accept %q: %w", proto, ErrProto)
	}
	select {
	case conn := <-queue:
		t.accepted.Add(1)
		return conn, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-t.done:
		return nil, fmt.Errorf("accept %q: %w", proto, net.ErrClosed)
	}
}

// receive takes in a fresh connection and leaves the rest to a goroutine, so that no peer holds up
// the accept loop.
func (t *Transport) receive(handshakes *sync.WaitGroup, raw net.Conn) {
	h, err := t.halfOpen.accept(raw)
	if err != nil {
		raw.Close()
		t.refuse(raw, crdt.Author{}, err)
		return
	}
	handshakes.Go(func() {
		conn, err := t.answer(h)
		if err == nil {
			err = t.offer(conn)
		}
		if err != nil {
			var peer crdt.Author
			if conn != nil {
				peer = conn.peer
			}
			h.Close()
			t.refuse(h, peer, err)
		}
	})
}

// answer finds out who is at the other end of an accepted connection. With an error that came after
// the peer showed its key, the connection is returned too.
func (t *Transport) answer(h *halfOpen) (*Conn, error) {
	defer t.halfOpen.remove(h)
	var conn *Conn
	err := h.SetDeadline(h.since.Add(t.cfg.HandshakeTimeout))
	if err == nil {
		conn, err = t.authenticate(tls.Server(h, t.accept), h, accepting)
	}
	switch {
	case err == nil:
		return conn, nil
	case h.shed.Load():
		return conn, errCrowded
	case h.unknownProto:
		return conn, fmt.Errorf("%w: %w", ErrProto, err)
	}
	return conn, err
}

// authenticate runs the handshake and exchanges proofs of the secret. With an error that came after
// the peer showed its key, the connection is returned too.
func (t *Transport) authenticate(stream *tls.Conn, h *halfOpen, own role) (*Conn, error) {
	if err := stream.Handshake(); err != nil {
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	state := stream.ConnectionState()
	peer, err := verify(state, protos...)
	if err != nil {
		return nil, err
	}
	conn := &Conn{Conn: stream, peer: peer, proto: Proto(state.NegotiatedProtocol), from: own, open: t.open}
	if err := proveSecret(stream, t.keys.stream, own, t.self, peer); err != nil {
		if errors.Is(err, ErrSecret) && t.cfg.SecretFrom != "" {
			err = fmt.Errorf("%w: ours is %s; all nodes of a log need the same", err, t.cfg.SecretFrom)
		}
		return conn, err
	}
	return conn, h.settle()
}

// offer hands conn to Accept. It waits for somebody to call it as long as a handshake may take.
func (t *Transport) offer(conn *Conn) error {
	if err := t.open.add(conn); err != nil {
		return err
	}
	timer := time.NewTimer(t.cfg.HandshakeTimeout)
	defer timer.Stop()
	select {
	case t.waiting[conn.proto] <- conn:
		return nil
	case <-timer.C:
		t.open.remove(conn)
		return errUnclaimed
	case <-t.done:
		t.open.remove(conn)
		return net.ErrClosed
	}
}

// refuse counts a refusal, and warns of it unless there are too many, or it was one of those that any
// stranger makes: a probe of the port, a scan, a browser. When the transport is closing, broken handshakes
// are its own doing and are not counted.
func (t *Transport) refuse(conn net.Conn, peer crdt.Author, err error) {
	select {
	case <-t.done:
		return
	default:
	}
	reason := reasonOf(err)
	level := slog.LevelWarn
	if peer.IsZero() && reason.ofStrangers() {
		level = slog.LevelDebug
	}
	if !t.tally.refused(reason, level == slog.LevelWarn) {
		return
	}
	who := "unknown"
	if !peer.IsZero() {
		who = peer.Short()
	}
	t.log.Log(context.Background(), level, "connection refused",
		"reason", string(reason), "remote", conn.RemoteAddr().String(), "author", who, "err", err, t.tally.repeated())
}
