package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// handshakeBytes bounds what is read from a peer before it is known: TLS handshake and proof of the
// secret together. An honest peer needs about 1 KiB.
const handshakeBytes = 4 << 10

// patience is how long a half-open connection that has begun its handshake keeps its place when a
// newcomer wants it.
const patience = time.Second

// errTalkative says that a peer sent more than a handshake needs.
var errTalkative = fmt.Errorf("more than %d bytes before the peer is known", handshakeBytes)

// errCrowded says that a half-open connection had to make room, or found none.
var errCrowded = errors.New("too many half-open connections")

// halfOpen is a connection whose peer is not known yet. It is the net.Conn under TLS, and stays it
// afterwards, when settle has lifted the bound on what may be read.
type halfOpen struct {
	net.Conn
	host  netip.Prefix // what the bound per host counts by; zero for a dialled connection
	since time.Time
	heard atomic.Bool // the peer has sent something
	shed  atomic.Bool // it had to make room for another

	// The fields below belong to the goroutine that runs the handshake.

	left         int  // bytes that may still be read, while bounded
	settled      bool // the peer is known: no more bound
	unknownProto bool // the peer asked for protocols of which none is ours
}

// Read reads no more than the handshake's bytes until the peer is known.
func (h *halfOpen) Read(b []byte) (int, error) {
	if h.settled {
		return h.Conn.Read(b)
	}
	if h.left == 0 {
		return 0, errTalkative
	}
	n, err := h.Conn.Read(b[:min(len(b), h.left)])
	h.left -= n
	if n > 0 {
		h.heard.Store(true)
	}
	return n, err
}

// settle lifts the bounds on bytes and time: the peer is known.
func (h *halfOpen) settle() error {
	h.settled = true
	return h.SetDeadline(time.Time{})
}

// halfOpens is the set of connections whose peer is not known yet. A newcomer always finds a place
// while there are idle ones to push out, so any number of connections that say nothing keeps nobody
// out: the host that holds most loses its oldest silent one, or else its oldest that has had its
// second of patience.
type halfOpens struct {
	max, maxPerHost int // bounds on accepted connections

	mu sync.Mutex
	// The fields below are guarded by mu.

	accepted map[netip.Prefix][]*halfOpen // oldest first; no empty lists
	total    int                          // sum of accepted
	dialled  map[*halfOpen]bool
	closed   bool
}

// dial takes in a connection that we dialled.
func (s *halfOpens) dial(conn net.Conn) (*halfOpen, error) {
	h := &halfOpen{Conn: conn, since: time.Now(), left: handshakeBytes}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, net.ErrClosed
	}
	s.dialled[h] = true
	return h, nil
}

// accept takes in a connection that we accepted, in the place of another if need be.
func (s *halfOpens) accept(conn net.Conn) (*halfOpen, error) {
	h := &halfOpen{
		Conn:  conn,
		host:  hostOf(addrPortOf(conn.RemoteAddr()).Addr()),
		since: time.Now(),
		left:  handshakeBytes,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, net.ErrClosed
	case len(s.accepted[h.host]) >= s.maxPerHost && !s.makeRoom(h.host, h.since):
		return nil, errCrowded
	case s.total >= s.max && !s.makeRoom(s.greediest(), h.since):
		return nil, errCrowded
	}
	s.accepted[h.host] = append(s.accepted[h.host], h)
	s.total++
	return h, nil
}

// remove lets go of h. Removing it twice is no error.
func (s *halfOpens) remove(h *halfOpen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(h)
}

// makeRoom pushes out one connection of host and reports whether there was one to push out. The
// caller holds mu.
func (s *halfOpens) makeRoom(host netip.Prefix, now time.Time) bool {
	list := s.accepted[host]
	i := slices.IndexFunc(list, func(h *halfOpen) bool { return !h.heard.Load() })
	if i < 0 && len(list) > 0 && now.Sub(list[0].since) > patience {
		i = 0
	}
	if i < 0 {
		return false
	}
	h := list[i]
	h.shed.Store(true)
	s.drop(h)
	h.Close() // Closing a socket does not wait for its peer.
	return true
}

// greediest returns the host with the most connections. The caller holds mu.
func (s *halfOpens) greediest() netip.Prefix {
	var most netip.Prefix
	for host, list := range s.accepted {
		if len(list) > len(s.accepted[most]) {
			most = host
		}
	}
	return most
}

// drop takes h out. The caller holds mu.
func (s *halfOpens) drop(h *halfOpen) {
	delete(s.dialled, h)
	list := s.accepted[h.host]
	i := slices.Index(list, h)
	if i < 0 {
		return
	}
	s.total--
	if len(list) == 1 {
		delete(s.accepted, h.host)
		return
	}
	s.accepted[h.host] = slices.Delete(list, i, i+1)
}

// count returns how many accepted connections are half open.
func (s *halfOpens) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// close closes every connection and takes no more.
func (s *halfOpens) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, list := range s.accepted {
		for _, h := range list {
			h.Close()
		}
	}
	for h := range s.dialled {
		h.Close()
	}
}

// hostOf returns what the bound per host counts by: an IPv4 address, or the /64 of an IPv6 one, since
// whoever has one address of it has them all.
func hostOf(a netip.Addr) netip.Prefix {
	bits := 64
	if a.Is4() {
		bits = 32
	}
	host, _ := a.Prefix(bits)
	return host
}
