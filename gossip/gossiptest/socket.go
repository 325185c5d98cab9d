package gossiptest

import (
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// inboxSize is how many packets may wait to be read on a socket; more are lost, as a system's buffer
// loses them.
const inboxSize = 4096

// maxPacket is the largest payload of a UDP packet over IPv4, in bytes.
const maxPacket = 65507

// packet is one that has arrived.
type packet struct {
	from  netip.AddrPort
	bytes []byte
}

// socket sends and receives packets on one port. The fields below at are guarded by the network's
// mutex.
type socket struct {
	host *Host
	at   netip.AddrPort

	inbox        []packet
	closed       bool
	readDeadline time.Time
	changed      chan struct{} // closed and replaced when any of the above has changed
}

func newSocket(h *Host, at netip.AddrPort) *socket {
	return &socket{host: h, at: at, changed: make(chan struct{})}
}

// LocalAddr returns the address of the socket.
func (s *socket) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(s.at) }

// ReadFrom waits for a packet. What does not fit b is cut off.
func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		p, ok, err := s.next()
		if err != nil {
			return 0, nil, s.opError("read", err)
		}
		if ok {
			return copy(b, p.bytes), net.UDPAddrFromAddrPort(p.from), nil
		}
	}
}

// next takes a packet out of the inbox. If there is none it waits for a change.
func (s *socket) next() (packet, bool, error) {
	mu := &s.host.net.mu
	mu.Lock()
	until, changed := s.readDeadline, s.changed
	switch {
	case s.closed:
		mu.Unlock()
		return packet{}, false, net.ErrClosed
	case !until.IsZero() && !time.Now().Before(until):
		mu.Unlock()
		return packet{}, false, os.ErrDeadlineExceeded
	case len(s.inbox) > 0:
		p := s.inbox[0]
		s.inbox = s.inbox[1:]
		mu.Unlock()
		return p, true, nil
	}
	mu.Unlock()
	await(changed, until)
	return packet{}, false, nil
}

// WriteTo sends a packet. As with UDP, no error means little: it may be lost, or nobody may be there.
func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	if len(b) > maxPacket {
		return 0, s.opError("write", os.NewSyscallError("sendto", syscall.EMSGSIZE))
	}
	host, port, err := s.host.net.find(to.String())
	if err != nil {
		return 0, s.opError("write", err)
	}
	n := s.host.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.closed {
		return 0, s.opError("write", net.ErrClosed)
	}
	l := n.link(s.host, host)
	l.traffic.Packets++
	l.traffic.PacketBytes += uint64(len(b))
	copies := n.copies(l)
	if copies == 0 {
		l.traffic.Lost++
	}
	p := packet{from: s.at, bytes: append([]byte(nil), b...)}
	for range copies {
		if d := n.delay(l); d > 0 {
			time.AfterFunc(d, func() { n.deliver(p, l, host, port) })
		} else {
			host.receive(p, port)
		}
	}
	return len(b), nil
}

// deliver puts a packet that was under way where it belongs, unless its link was blocked meanwhile.
func (n *Network) deliver(p packet, l *link, to *Host, port uint16) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.blocked {
		l.traffic.Lost++
		return
	}
	to.receive(p, port)
}

// receive puts a packet into the inbox of the socket on port, if there is one and it has room. The
// caller holds the network's mutex.
func (h *Host) receive(p packet, port uint16) {
	s := h.sockets[port]
	if s == nil || len(s.inbox) == inboxSize {
		return
	}
	s.inbox = append(s.inbox, p)
	s.wake()
}

// Close ends the socket.
func (s *socket) Close() error {
	s.host.net.mu.Lock()
	defer s.host.net.mu.Unlock()
	if s.closed {
		return s.opError("close", net.ErrClosed)
	}
	s.shut()
	return nil
}

// shut is Close on an open socket. The caller holds the network's mutex.
func (s *socket) shut() {
	s.closed = true
	delete(s.host.sockets, s.at.Port())
	s.inbox = nil
	s.wake()
}

// SetDeadline sets the moment at which reads give up; writes never wait.
func (s *socket) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }

// SetReadDeadline sets the moment at which reads give up; the zero time means never.
func (s *socket) SetReadDeadline(t time.Time) error {
	s.host.net.mu.Lock()
	defer s.host.net.mu.Unlock()
	if s.closed {
		return s.opError("set", net.ErrClosed)
	}
	s.readDeadline = t
	s.wake()
	return nil
}

// SetWriteDeadline does nothing: writes never wait.
func (s *socket) SetWriteDeadline(time.Time) error { return nil }

// wake lets waiting reads look again. The caller holds the network's mutex.
func (s *socket) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *socket) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: s.LocalAddr(), Err: err}
}
