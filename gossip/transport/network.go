package transport

import (
	"context"
	"net"
	"net/netip"
)

// Network is what connections and packets are made of. The default is the host's own network; tests
// bring one that lives in memory.
type Network interface {
	// Listen opens a TCP listener at HOST:PORT; with port 0 it chooses a free one.
	Listen(address string) (net.Listener, error)

	// ListenPacket opens a UDP socket at HOST:PORT.
	ListenPacket(address string) (net.PacketConn, error)

	// Dial opens a TCP connection to HOST:PORT; HOST may be a name.
	Dial(ctx context.Context, address string) (net.Conn, error)
}

// hostNetwork is the operating system's network.
type hostNetwork struct{}

func (hostNetwork) Listen(address string) (net.Listener, error) {
	return net.Listen("tcp", address)
}

func (hostNetwork) ListenPacket(address string) (net.PacketConn, error) {
	return net.ListenPacket("udp", address)
}

func (hostNetwork) Dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

// addrPortOf returns the address and port in a, the zero value if a has none. An IPv4 address that
// is mapped into IPv6, as sockets for both families report it, is unmapped.
func addrPortOf(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		ap = a.AddrPort()
	case *net.UDPAddr:
		ap = a.AddrPort()
	case nil:
	default:
		ap, _ = netip.ParseAddrPort(a.String())
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
