package transport

import (
	"net"
	"net/netip"
	"testing"
)

// textAddr is an address of some other network.
type textAddr string

func (textAddr) Network() string  { return "text" }
func (a textAddr) String() string { return string(a) }

func TestAddrPortOf(t *testing.T) {
	for _, test := range []struct {
		addr net.Addr
		want string // empty: none
	}{
		{&net.TCPAddr{IP: net.ParseIP("::ffff:192.0.2.1"), Port: 7}, "192.0.2.1:7"},
		{net.TCPAddrFromAddrPort(netip.MustParseAddrPort("[::ffff:192.0.2.1]:7")), "192.0.2.1:7"},
		{&net.UDPAddr{IP: net.ParseIP("2001:db8::1"), Port: 7}, "[2001:db8::1]:7"},
		{textAddr("192.0.2.2:7"), "192.0.2.2:7"},
		{textAddr("pipe"), ""},
		{nil, ""},
	} {
		var want netip.AddrPort
		if test.want != "" {
			want = netip.MustParseAddrPort(test.want)
		}
		if got := addrPortOf(test.addr); got != want {
			t.Errorf("%v is %s, want %s", test.addr, got, want)
		}
	}
}

// Who has one address of an IPv6 /64 has them all.
func TestHostOf(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1":            "192.0.2.1/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2:ff::1":   "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
		"2001:db8:1:3:ff::1":   "2001:db8:1:3::/64",
	} {
		if got := hostOf(netip.MustParseAddr(addr)); got != netip.MustParsePrefix(want) {
			t.Errorf("%s counts as %s, want %s", addr, got, want)
		}
	}
	if got := hostOf(netip.Addr{}); got != (netip.Prefix{}) {
		t.Errorf("no address counts as %s", got)
	}
}
