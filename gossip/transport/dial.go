package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// errUnreachable marks a dial that got no connection at all.
var errUnreachable = errors.New("no connection")

// Dial connects to the node at addr (HOST:PORT) and speaks proto with it. Want is the author that
// must answer; zero takes any that knows the secret.
//
// It returns [*WrongPeerError], [ErrSecret], [ErrProto], [ErrCertificate] or crdt.ErrAuthor when the
// peer is not what it should be (a peer that refuses us in turn may say so only by hanging up),
// ctx's cause when ctx ends, os.ErrDeadlineExceeded when the peer is too slow, [net.ErrClosed] when
// the transport is closed, and else the network's error.
func (t *Transport) Dial(ctx context.Context, addr string, proto Proto, want crdt.Author) (*Conn, error) {
	if !slices.Contains(protos, proto) {
		return nil, fmt.Errorf("dial %s: protocol %q: %w", addr, proto, ErrProto)
	}
	conn, err := t.connect(ctx, addr, proto, want)
	switch {
	case err == nil:
		t.dialled.Add(1)
		return conn, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("dial %s: %w", addr, context.Cause(ctx))
	case t.isClosed():
		return nil, fmt.Errorf("dial %s: %w", addr, net.ErrClosed)
	}
	t.tally.failed(reasonOf(err))
	return nil, fmt.Errorf("dial %s: %w", addr, err)
}

// connect opens a connection and finds out who is at the other end.
func (t *Transport) connect(ctx context.Context, addr string, proto Proto, want crdt.Author) (*Conn, error) {
	h, err := t.reach(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer t.halfOpen.remove(h)
	stop := context.AfterFunc(ctx, func() { h.Close() })
	conn, err := t.authenticate(tls.Client(h, dialConfig(t.cert, proto, want)), h, dialling)
	if !stop() && err == nil {
		err = context.Cause(ctx) // Too late: the connection is closed, or about to be.
	}
	if err == nil {
		err = t.open.add(conn)
	}
	if err != nil {
		h.Close()
		return nil, err
	}
	return conn, nil
}

// reach opens the connection that a handshake can begin on.
func (t *Transport) reach(ctx context.Context, addr string) (*halfOpen, error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.HandshakeTimeout)
	defer cancel()
	if t.isClosed() {
		return nil, net.ErrClosed
	}
	raw, err := t.cfg.Network.Dial(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	h, err := t.halfOpen.dial(raw)
	if err != nil {
		raw.Close()
		return nil, err
	}
	if err := h.SetDeadline(time.Now().Add(t.cfg.HandshakeTimeout)); err != nil {
		h.Close()
		t.halfOpen.remove(h)
		return nil, err
	}
	return h, nil
}

// isClosed reports whether Close was called.
func (t *Transport) isClosed() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}
