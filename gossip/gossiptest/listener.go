package gossiptest

import (
	"net"
	"net/netip"
)

// listenQueue is how many streams may wait to be accepted; who dials then gets no answer.
const listenQueue = 128

// listener accepts the streams of one port.
type listener struct {
	host  *Host
	at    netip.AddrPort
	queue chan *stream
	done  chan struct{} // closed by shut
}

func newListener(h *Host, at netip.AddrPort) *listener {
	return &listener{host: h, at: at, queue: make(chan *stream, listenQueue), done: make(chan struct{})}
}

// Accept waits for the next stream.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, l.closed()
	default:
	}
	select {
	case s := <-l.queue:
		return s, nil
	case <-l.done:
		return nil, l.closed()
	}
}

// Addr returns the address that is listened on.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }

// Close ends the listening. Streams that nobody has accepted are reset.
func (l *listener) Close() error {
	l.host.net.mu.Lock()
	defer l.host.net.mu.Unlock()
	return l.shut()
}

// shut is Close. The caller holds the network's mutex.
func (l *listener) shut() error {
	if l.host.listeners[l.at.Port()] != l {
		return l.closed()
	}
	delete(l.host.listeners, l.at.Port())
	close(l.done)
	for {
		select {
		case s := <-l.queue:
			s.crash()
		default:
			return nil
		}
	}
}

func (l *listener) closed() error {
	return &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
}
