package gossip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// errNoAddress is returned by [New] when the machine has no address that peers could be told.
var errNoAddress = errors.New("no address of this machine to tell the others: set Advertise")

// advertised returns the address that peers are told: the configured one, or the one listened on, or
// the machine's when that is every address.
func advertised(configured string, listening netip.AddrPort) (netip.AddrPort, error) {
	addr := listening
	if configured != "" {
		var err error
		if addr, err = netip.ParseAddrPort(configured); err != nil {
			return netip.AddrPort{}, fmt.Errorf("parse address to advertise: %w", err)
		}
		if addr.Port() == 0 {
			addr = netip.AddrPortFrom(addr.Addr(), listening.Port())
		}
	}
	if !addr.Addr().IsUnspecified() {
		return netip.AddrPortFrom(addr.Addr().Unmap().WithZone(""), addr.Port()), nil
	}
	ip, err := ownAddress()
	return netip.AddrPortFrom(ip, addr.Port()), err
}

// ownAddress returns the machine's first private address, or else its first global one.
func ownAddress() (netip.Addr, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("list addresses of this machine: %w", err)
	}
	var global netip.Addr
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		ip := prefix.Addr().Unmap()
		switch {
		case err != nil || !ip.IsGlobalUnicast():
		case ip.IsPrivate():
			return ip, nil
		case !global.IsValid():
			global = ip
		}
	}
	if !global.IsValid() {
		return netip.Addr{}, errNoAddress
	}
	return global, nil
}
