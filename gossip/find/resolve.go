package find

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

const (
	// MaxNames bounds the names that a node resolves again and again.
	MaxNames = 64
	// MaxAddrs bounds the addresses that one name may lead to; those beyond, in the order of the sorted
	// addresses, are left out.
	MaxAddrs = 256
)

// Resolver is what is needed of DNS. [*net.Resolver] satisfies it. Its methods may be called from any
// goroutine.
type Resolver interface {
	// LookupNetIP returns the addresses of a host; network is "ip".
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	// LookupSRV returns the SRV records (RFC 2782) of a name; service and proto are empty.
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)
}

// Resolve returns the addresses that the target leads to, each once, sorted, at most [MaxAddrs], with at
// least one unless there is an error. They are IP:PORT, or HOST:PORT for dnssrvnoa+. The priorities and
// weights of SRV records are ignored, because every node is wanted.
//
// The error names the target and the look-up that failed. A target of an SRV record that has no address
// is no error while another has one.
func (t Target) Resolve(ctx context.Context, r Resolver) ([]string, error) {
	var addrs []string
	var err error
	if t.kind == static || t.kind == hosts {
		addrs, err = lookUpHost(ctx, r, t.host, t.port)
	} else {
		addrs, err = t.lookUpServices(ctx, r)
	}
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", t.text, err)
	}
	slices.Sort(addrs)
	addrs = slices.Compact(addrs)
	return addrs[:min(len(addrs), MaxAddrs)], nil
}

// lookUpHost returns a host's addresses with a port.
func lookUpHost(ctx context.Context, r Resolver, host string, port uint16) ([]string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []string{netip.AddrPortFrom(ip.Unmap(), port).String()}, nil
	}
	ips, err := r.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("addresses (A, AAAA) of %s: %w", host, err)
	}
	if len(ips) == 0 {
		return nil, fmt.Errorf("addresses (A, AAAA) of %s: there are none", host)
	}
	addrs := make([]string, len(ips))
	for i, ip := range ips {
		addrs[i] = netip.AddrPortFrom(ip.Unmap(), port).String()
	}
	return addrs, nil
}

// lookUpServices returns the addresses that SRV records lead to.
func (t Target) lookUpServices(ctx context.Context, r Resolver) ([]string, error) {
	_, records, err := r.LookupSRV(ctx, "", "", t.host)
	if err != nil {
		return nil, fmt.Errorf("SRV records of %s: %w", t.host, err)
	}
	var addrs []string
	var errs []error
	for _, record := range records[:min(len(records), MaxAddrs)] {
		host := strings.TrimSuffix(record.Target, ".")
		switch {
		case host == "" || record.Port == 0: // "." says that the service is not there (RFC 2782).
		case t.kind == serviceNames:
			addrs = append(addrs, net.JoinHostPort(host, strconv.Itoa(int(record.Port))))
		default:
			more, err := lookUpHost(ctx, r, host, record.Port)
			addrs, errs = append(addrs, more...), append(errs, err)
		}
	}
	if len(addrs) > 0 {
		return addrs, nil
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("SRV records of %s: %w", t.host, err)
	}
	return nil, fmt.Errorf("SRV records of %s: there are none", t.host)
}
