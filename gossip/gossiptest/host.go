package gossiptest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// firstFreePort is the first port given to those who ask for none in particular.
const firstFreePort = 40000

// dialTimeout is how long dialling waits for an answer when its context has no end of its own.
const dialTimeout = 2 * time.Minute

// redial is how long dialling waits before it asks again when there was no answer.
const redial = time.Second

// errNoHost is what a lookup of an unknown host or address returns.
var errNoHost = errors.New("no such host on this network")

// Host is one machine: a name, an address, and what is open there. It has the methods of
// transport.Network. Addresses are HOST:PORT, where HOST is an address of the network, a host's name,
// or (to listen) empty or 0.0.0.0.
type Host struct {
	net  *Network
	name string
	addr netip.Addr

	// The fields below are guarded by the network's mutex.

	listeners map[uint16]*listener
	sockets   map[uint16]*socket
	nextPort  uint16
}

// Name returns the host's name.
func (h *Host) Name() string { return h.name }

// Addr returns the host's address.
func (h *Host) Addr() netip.Addr { return h.addr }

// Listen opens a listener for streams. With port 0 it takes a free one.
func (h *Host) Listen(address string) (net.Listener, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	at, err := h.local(address)
	if err == nil && h.listeners[at.Port()] != nil {
		err = os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: textAddr{"tcp", address}, Err: err}
	}
	l := newListener(h, at)
	h.listeners[at.Port()] = l
	return l, nil
}

// ListenPacket opens a socket for packets. With port 0 it takes a free one.
func (h *Host) ListenPacket(address string) (net.PacketConn, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	at, err := h.local(address)
	if err == nil && h.sockets[at.Port()] != nil {
		err = os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: textAddr{"udp", address}, Err: err}
	}
	s := newSocket(h, at)
	h.sockets[at.Port()] = s
	return s, nil
}

// Dial opens a stream. While one of the two links between the hosts is blocked, or the listener's
// queue is full, it waits as for an answer that does not come, until ctx ends or two minutes have
// passed.
func (h *Host) Dial(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := h.dial(ctx, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: textAddr{"tcp", address}, Err: err}
	}
	return conn, nil
}

// dial opens a stream once there is a way there and back, and room.
func (h *Host) dial(ctx context.Context, address string) (net.Conn, error) {
	n := h.net
	to, port, err := n.find(address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	d := n.delay(n.link(h, to)) + n.delay(n.link(to, h))
	n.mu.Unlock()
	if err := rest(ctx, nil, d); err != nil {
		return nil, err
	}
	for {
		n.mu.Lock()
		conn, err := h.open(to, port)
		changed := n.changed
		n.mu.Unlock()
		if conn != nil || err != nil {
			return conn, err
		}
		if err := rest(ctx, changed, redial); err != nil {
			return nil, err
		}
	}
}

// rest waits for d, or until changed is closed, and returns the error of ctx if it ends first.
func rest(ctx context.Context, changed <-chan struct{}, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// open makes a stream to a listener. It returns nil and no error when there is no answer: no way
// there and back, or no room. The caller holds the network's mutex.
func (h *Host) open(to *Host, port uint16) (net.Conn, error) {
	if !h.net.reachable(h, to) {
		return nil, nil
	}
	l := to.listeners[port]
	if l == nil {
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	if len(l.queue) == cap(l.queue) {
		return nil, nil
	}
	near := newStream(h, netip.AddrPortFrom(h.addr, h.freePort()))
	far := newStream(to, netip.AddrPortFrom(to.addr, port))
	near.peer, far.peer = far, near
	h.net.streams[near], h.net.streams[far] = true, true
	h.net.link(h, to).traffic.Dials++
	l.queue <- far
	return near, nil
}

// local checks an address to listen on and returns it with a port chosen, if none was. The caller
// holds the network's mutex.
func (h *Host) local(address string) (netip.AddrPort, error) {
	host, port, err := splitAddress(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	mine := []string{"", "0.0.0.0", h.name, h.addr.String()}
	if !slices.Contains(mine, host) {
		return netip.AddrPort{}, os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)
	}
	if port == 0 {
		port = h.freePort()
	}
	return netip.AddrPortFrom(h.addr, port), nil
}

// freePort returns a port that nothing uses. The caller holds the network's mutex.
func (h *Host) freePort() uint16 {
	for {
		port := h.nextPort
		if h.nextPort++; h.nextPort == 0 {
			h.nextPort = firstFreePort
		}
		if h.listeners[port] == nil && h.sockets[port] == nil {
			return port
		}
	}
}

// find returns the host and port that an address names.
func (n *Network) find(address string) (*Host, uint16, error) {
	host, port, err := splitAddress(address)
	if err != nil {
		return nil, 0, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.hosts, func(h *Host) bool { return h.name == host || h.addr.String() == host })
	if i < 0 {
		return nil, 0, errNoHost
	}
	return n.hosts[i], port, nil
}

// splitAddress splits HOST:PORT. An empty port is 0.
func splitAddress(address string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	if text == "" {
		return host, 0, nil
	}
	number, err := strconv.ParseUint(text, 10, 16)
	return host, uint16(number), err
}

// textAddr is an address as it was asked for.
type textAddr struct{ network, text string }

func (a textAddr) Network() string { return a.network }
func (a textAddr) String() string  { return a.text }
