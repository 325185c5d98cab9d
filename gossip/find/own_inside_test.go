package find

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// names is a resolver that knows some names; "away" is not answered for.
type names map[string][]string

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if host == "away" {
		return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
	}
	var ips []netip.Addr
	for _, text := range n[host] {
		ips = append(ips, netip.MustParseAddr(text))
	}
	if len(ips) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return ips, nil
}

func (names) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, errors.New("not asked for")
}

// TestAdvertised: what peers are told is an address that they can dial, whatever is listened on.
func TestAdvertised(t *testing.T) {
	o := Own{Logger: slog.New(slog.DiscardHandler), Resolver: names{
		"both": {"2001:db8::7", "203.0.113.7"}, "six": {"2001:db8::7"}, "local": {"fe80::1"},
	}}
	for _, test := range []struct{ listening, advertise, want string }{
		{"192.0.2.1:7946", "", "192.0.2.1:7946"},
		{"127.0.0.1:7946", "203.0.113.7:80", "203.0.113.7:80"},
		{"127.0.0.1:7946", "203.0.113.7:0", "203.0.113.7:7946"},
		{"0.0.0.0:7946", "both:80", "203.0.113.7:80"},
		{"[::]:7946", "both:0", "203.0.113.7:7946"},
		{"[::]:7946", "six:80", "[2001:db8::7]:80"},
		{"192.0.2.1:7946", "away:80", "192.0.2.1:80"}, // its own, until the next start
		{"192.0.2.1:7946", "six:80", "no address"},    // nobody listens there
		{"[::]:7946", "local:80", "no address"},
		{"[::]:7946", "nowhere:80", "no such host"},
		{"[fe80::1%eth0]:7946", "", "no address"},
		{"[fe80::1%eth0]:7946", "203.0.113.7:0", "203.0.113.7:7946"},
		{"127.0.0.1:7946", "[fe80::1%eth0]:80", "link-local"},
		{"127.0.0.1:7946", "224.0.0.1:80", "a group"},
		{"127.0.0.1:7946", "203.0.113.7", "expected HOST:PORT"},
		{"127.0.0.1:7946", ":80", "expected HOST:PORT"},
	} {
		o.Advertise, o.Listening = test.advertise, netip.MustParseAddrPort(test.listening)
		got, err := o.Address()
		if err != nil && strings.Contains(err.Error(), test.want) {
			continue
		}
		if err != nil || got.String() != test.want {
			t.Errorf("%q at %s: %s, %v; want %s", test.advertise, test.listening, got, err, test.want)
		}
	}
}

// TestAdvertisedWhereAllIsListenedOn wants an address of this machine, of the family that is listened on.
func TestAdvertisedWhereAllIsListenedOn(t *testing.T) {
	own, err := interfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	has4 := len(own) > 0 && own[0].Is4()
	for listening, any := range map[string]bool{"0.0.0.0:7": has4, "[::]:7": len(own) > 0} {
		got, err := Own{Listening: netip.MustParseAddrPort(listening)}.Address()
		switch {
		case !any:
			if !errors.Is(err, ErrNoAddress) {
				t.Errorf("%s: %s, %v; want ErrNoAddress", listening, got, err)
			}
		case err != nil || got.Addr().IsLoopback() || got.Addr().IsUnspecified() || got.Port() != 7:
			t.Errorf("%s: %s, %v", listening, got, err)
		case listening == "0.0.0.0:7" && !got.Addr().Is4():
			t.Errorf("%s: %s is no IPv4 address", listening, got)
		}
	}
}
