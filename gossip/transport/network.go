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
	return net.Listen("tcp"+family(address), address)
}

func (hostNetwork) ListenPacket(address string) (net.PacketConn, error) {
	return net.ListenPacket("udp"+family(address), address)
}

// family returns "4" for an address whose host is an IPv4 address. Without it 0.0.0.0 would mean what ::
// and no host do: every address of both families.
func family(address string) string {
	if ap, err := netip.ParseAddrPort(address); err == nil && ap.Addr().Is4() {
		return "4"
	}
	return ""
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
