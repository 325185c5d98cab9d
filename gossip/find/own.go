package find

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// ErrNoAddress is returned by [Own.Address] when there is no address that peers could be told: the node listens on
// every address of a machine that has none but loopback, or on a link-local one, which means nothing
// without an interface of the peer's own.
var ErrNoAddress = errors.New("no address to tell the others")

// resolveFor is how long the name in Own.Advertise may take to look up.
const resolveFor = 5 * time.Second

// Own says by which address a node is found. Listening, Resolver and Logger are required.
type Own struct {
	Advertise string // what was configured: HOST:PORT, where port 0 is that of Listening; "" for nothing
	Listening netip.AddrPort
	Resolver  Resolver
	Logger    *slog.Logger
}

// CheckAdvertise says what is wrong with a text for Own.Advertise.
func CheckAdvertise(text string) error {
	_, _, err := splitAdvertise(text)
	return err
}

// splitAdvertise splits HOST:PORT, where HOST is an address that can be told, or a name.
func splitAdvertise(text string) (host string, port uint16, err error) {
	host, digits, err := net.SplitHostPort(text)
	if err != nil || host == "" {
		return "", 0, fmt.Errorf("%q: expected HOST:PORT, such as 203.0.113.7:7946", text)
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q: expected HOST:PORT with a port from 0 to 65535, got port %q", text, digits)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if err := canTell(ip); err != nil {
			return "", 0, fmt.Errorf("%q: %w", text, err)
		}
	}
	return host, uint16(n), nil
}

// canTell says why an address means nothing to other machines.
func canTell(ip netip.Addr) error {
	switch {
	case ip.Is6() && ip.IsLinkLocalUnicast(), ip.Zone() != "":
		return errors.New("a link-local address means nothing to other machines: expected one of another kind")
	case ip.IsMulticast():
		return errors.New("expected the address of one machine, got that of a group")
	}
	return nil
}

// Address returns the address that others are told: the configured one, or the one listened on, or the
// machine's when that is every address. A name that cannot be looked up now is passed over, so that a node
// starts while the network is away; one that does not exist is an error.
func (o Own) Address() (netip.AddrPort, error) {
	ip, port := o.Listening.Addr(), o.Listening.Port()
	if o.Advertise != "" {
		host, configured, err := splitAdvertise(o.Advertise)
		if err != nil {
			return netip.AddrPort{}, err
		}
		if configured != 0 {
			port = configured
		}
		ip, err = o.resolve(host)
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("advertise %s: %w", o.Advertise, err)
		}
	}
	if ip.IsUnspecified() {
		var err error
		if ip, err = ownAddress(ip.Is4()); err != nil {
			return netip.AddrPort{}, err
		}
	}
	if err := canTell(ip); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: %s: %w", ErrNoAddress, ip, err)
	}
	return netip.AddrPortFrom(ip.Unmap(), port), nil
}

// resolve returns the address that host is or, as a name, leads to, of the family that is listened on.
func (o Own) resolve(host string) (netip.Addr, error) {
	listening := o.Listening.Addr()
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveFor)
	defer cancel()
	ips, err := o.Resolver.LookupNetIP(ctx, "ip", host)
	if missing, ok := errors.AsType[*net.DNSError](err); err != nil && (!ok || !missing.IsNotFound) {
		o.Logger.Warn("cannot look up the name to advertise; telling the others this machine's own address until the next start", "name", host, "err", err)
		return listening, nil
	}
	if err != nil {
		return netip.Addr{}, err
	}
	// IPv4 first: every node that listens everywhere takes it.
	ips = slices.Clone(ips)
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	slices.SortStableFunc(ips, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	for _, ip := range ips {
		if canTell(ip) == nil && (ip.Is4() || !listening.Is4()) {
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("%w: %s leads to %v, and %s is listened on", ErrNoAddress, host, ips, listening)
}

// routed are addresses of no machine (RFC 5737, RFC 3849) that are reached as the rest of the world is.
var routed = []string{"203.0.113.1:9", "[2001:db8::1]:9"}

// ownAddress returns the address of this machine that others most likely reach: that which it has towards
// the rest of the world, or else the first private or the first global one of an interface that is up.
// Connecting a UDP socket sends nothing.
func ownAddress(only4 bool) (netip.Addr, error) {
	for _, world := range routed {
		conn, err := net.Dial("udp", world)
		if err != nil {
			continue
		}
		ip := conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
		_ = conn.Close()
		if ip.IsGlobalUnicast() && (ip.Is4() || !only4) {
			return ip, nil
		}
	}
	addrs, err := interfaceAddrs()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("list addresses of this machine: %w", err)
	}
	at := slices.IndexFunc(addrs, func(ip netip.Addr) bool { return ip.IsPrivate() && (ip.Is4() || !only4) })
	if at < 0 {
		at = slices.IndexFunc(addrs, func(ip netip.Addr) bool { return ip.Is4() || !only4 })
	}
	if at < 0 {
		return netip.Addr{}, fmt.Errorf("%w: this machine has none but loopback", ErrNoAddress)
	}
	return addrs[at], nil
}

// interfaceAddrs returns the global addresses of the interfaces that are up, IPv4 first.
func interfaceAddrs() ([]netip.Addr, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var all []netip.Addr
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if i.Flags&net.FlagUp == 0 || err != nil {
			continue // one that went away meanwhile
		}
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if ip := prefix.Addr().Unmap(); err == nil && ip.IsGlobalUnicast() {
				all = append(all, ip)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return all, nil
}
