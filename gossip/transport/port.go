package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// ErrSecretRequired is returned by [Listen] when the configuration has no secret and asks for an
// address that other machines can reach.
var ErrSecretRequired = errors.New("listening beyond loopback needs a cluster secret")

// portTries is how many ports are tried, when any will do, until one is free for TCP and UDP both.
const portTries = 16

// port is one port of one address, held for TCP and for UDP. The port of a transport that only dials
// is none: its packets are nil.
type port struct {
	streams net.Listener
	packets net.PacketConn
	addr    netip.AddrPort
}

// openPort takes cfg.Listen for TCP and UDP.
func openPort(cfg Config) (port, error) {
	host, number, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return port{}, fmt.Errorf("config: Listen: %w", err)
	}
	if cfg.Secret == nil && !maybeLoopback(host) {
		return port{}, fmt.Errorf("listen on %s: %w", cfg.Listen, ErrSecretRequired)
	}
	tries := 1
	if number == "" || number == "0" {
		tries = portTries
	}
	var p port
	for range tries {
		if p, err = openBoth(cfg.Network, host, cfg.Listen); err == nil {
			break
		}
	}
	if err != nil {
		return port{}, fmt.Errorf("listen on %s: %w", cfg.Listen, err)
	}
	// A name was resolved only now. Nothing has been accepted yet.
	if cfg.Secret == nil && !p.addr.Addr().IsLoopback() {
		return port{}, errors.Join(fmt.Errorf("listen on %s: %w", p.addr, ErrSecretRequired), p.Close())
	}
	return p, nil
}

// maybeLoopback reports whether host is a loopback address, or a name that may turn out to be one.
// The empty host means every address of the machine.
func maybeLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host != ""
	}
	return ip.Unmap().IsLoopback()
}

// openBoth opens the TCP listener at address, and the UDP socket on the port that it got.
func openBoth(network Network, host, address string) (port, error) {
	streams, err := network.Listen(address)
	if err != nil {
		return port{}, err
	}
	addr := addrPortOf(streams.Addr())
	// A literal address is kept as it was given, so that a socket for both address families stays
	// one; a name is not resolved a second time, where it could give another address.
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		host = addr.Addr().String()
	}
	packets, err := network.ListenPacket(net.JoinHostPort(host, strconv.Itoa(int(addr.Port()))))
	if err != nil {
		return port{}, errors.Join(err, streams.Close())
	}
	return port{streams, packets, addr}, nil
}

// Close gives the port back.
func (p port) Close() error {
	if p.packets == nil {
		return p.streams.Close()
	}
	return errors.Join(p.streams.Close(), p.packets.Close())
}
