package find

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// maxPorts bounds the interfaces that are used.
const maxPorts = 16

// port is a network interface that can multicast.
type port struct {
	net.Interface
	nets []netip.Prefix // its addresses, with their networks; no link-local IPv6
}

// interfaces returns the interfaces of this machine that are up, can multicast, lead out of the machine
// and have an address.
func interfaces() ([]port, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	var ports []port
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagMulticast == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // It has gone meanwhile.
		}
		if p := newPort(i, addrs); len(p.nets) > 0 && len(ports) < maxPorts {
			ports = append(ports, p)
		}
	}
	return ports, nil
}

// newPort returns an interface with those of its addresses that count. Link-local IPv6 addresses do not:
// what they mean depends on the interface of whoever uses them.
func newPort(i net.Interface, addrs []net.Addr) port {
	p := port{Interface: i}
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || prefix.Addr().Is6() && prefix.Addr().IsLinkLocalUnicast() {
			continue
		}
		p.nets = append(p.nets, prefix)
	}
	return p
}

// has reports whether an address lies in one of the interface's networks.
func (p port) has(ip netip.Addr) bool {
	return slices.ContainsFunc(p.nets, func(n netip.Prefix) bool { return n.Contains(ip) })
}

// first returns the interface's first address of a family.
func (p port) first(v6 bool) (netip.Addr, bool) {
	at := slices.IndexFunc(p.nets, func(n netip.Prefix) bool { return n.Addr().Is6() == v6 })
	if at < 0 {
		return netip.Addr{}, false
	}
	return p.nets[at].Addr(), true
}

// reached returns the addresses of the interface under which a node that listens on listen is reached:
// at most one of each family.
func (p port) reached(listen netip.Addr) []netip.Addr {
	listen = listen.Unmap()
	if !listen.IsUnspecified() {
		if slices.ContainsFunc(p.nets, func(n netip.Prefix) bool { return n.Addr() == listen }) {
			return []netip.Addr{listen}
		}
		return nil
	}
	var ips []netip.Addr
	if ip, ok := p.first(false); ok {
		ips = append(ips, ip)
	}
	if ip, ok := p.first(true); ok && listen.Is6() {
		ips = append(ips, ip)
	}
	return ips
}
