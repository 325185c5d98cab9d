package find

import (
	"bytes"
	"crypto/ed25519"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/mdns"

	"github.com/quipulog/quipu/crdt"
)

// author returns the n-th author of these tests.
func author(n byte) crdt.Author {
	return crdt.AuthorOf(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize)))
}

func prefixes(texts ...string) (ps []netip.Prefix) {
	for _, text := range texts {
		ps = append(ps, netip.MustParsePrefix(text))
	}
	return ps
}

func TestReached(t *testing.T) {
	p := port{nets: prefixes("10.0.0.7/24", "10.0.0.8/24", "2001:db8::7/64")}
	for listen, want := range map[string][]netip.Addr{
		"0.0.0.0":         {netip.MustParseAddr("10.0.0.7")},
		"::":              {netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("2001:db8::7")},
		"10.0.0.8":        {netip.MustParseAddr("10.0.0.8")},
		"::ffff:10.0.0.8": {netip.MustParseAddr("10.0.0.8")},
		"127.0.0.1":       nil,
		"10.9.0.1":        nil,
	} {
		if diff := cmp.Diff(want, p.reached(netip.MustParseAddr(listen)), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("listening on %s (-want +got):\n%s", listen, diff)
		}
	}
}

// Link-local IPv6 addresses do not count.
func TestPortAddresses(t *testing.T) {
	p := newPort(net.Interface{}, []net.Addr{
		&net.IPNet{IP: net.ParseIP("fe80::1"), Mask: net.CIDRMask(64, 128)},
		&net.IPNet{IP: net.ParseIP("10.0.0.7").To4(), Mask: net.CIDRMask(8, 32)},
	})
	if !slices.Equal(p.nets, prefixes("10.0.0.7/8")) {
		t.Errorf("%v", p.nets)
	}
}

// What anybody may announce is taken only from nodes of this log, and only for the network that it was
// announced on.
func TestReadAnswers(t *testing.T) {
	self, other, id := author(1), author(2), crdt.LogID{3}
	l := LAN{Log: id, Author: self}
	p := port{nets: prefixes("10.0.0.7/24", "2001:db8::7/64")}
	theirs := LAN{Log: id, Author: other}.announcement()
	for _, c := range []struct {
		name   string
		answer mdns.ServiceEntry
		want   []Found
	}{
		{"a node", mdns.ServiceEntry{InfoFields: theirs, AddrV4: net.ParseIP("10.0.0.8"), Port: 7946}, []Found{{other, "10.0.0.8:7946"}}},
		{"of both families", mdns.ServiceEntry{InfoFields: append([]string{"x=y"}, theirs...), AddrV4: net.ParseIP("10.0.0.8"), AddrV6IPAddr: &net.IPAddr{IP: net.ParseIP("2001:db8::8")}, Port: 1},
			[]Found{{other, "10.0.0.8:1"}, {other, "[2001:db8::8]:1"}}},
		{"this node", mdns.ServiceEntry{InfoFields: l.announcement(), AddrV4: net.ParseIP("10.0.0.8"), Port: 7946}, nil},
		{"of another log", mdns.ServiceEntry{InfoFields: LAN{Author: other}.announcement(), AddrV4: net.ParseIP("10.0.0.8"), Port: 7946}, nil},
		{"of another network", mdns.ServiceEntry{InfoFields: theirs, AddrV4: net.ParseIP("198.51.100.1"), Port: 7946}, nil},
		{"no address", mdns.ServiceEntry{InfoFields: theirs, Port: 7946}, nil},
		{"no port", mdns.ServiceEntry{InfoFields: theirs, AddrV4: net.ParseIP("10.0.0.8")}, nil},
		{"a port too large", mdns.ServiceEntry{InfoFields: theirs, AddrV4: net.ParseIP("10.0.0.8"), Port: 65536}, nil},
		{"no author", mdns.ServiceEntry{InfoFields: theirs[:2], AddrV4: net.ParseIP("10.0.0.8"), Port: 7946}, nil},
		{"half an author", mdns.ServiceEntry{InfoFields: []string{theirs[0], theirs[1], theirs[2][:20]}, AddrV4: net.ParseIP("10.0.0.8"), Port: 7946}, nil},
		{"nothing", mdns.ServiceEntry{}, nil},
	} {
		if diff := cmp.Diff(c.want, l.read(p, &c.answer)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	if strings.Contains(strings.Join(theirs, " "), id.String()) {
		t.Errorf("the announcement names the log: %q", theirs)
	}
}

// What was not seen for some questions is forgotten; what comes beyond the bound is not taken.
func TestSightings(t *testing.T) {
	s := make(sighting)
	a, b := Found{crdt.Author{1}, "10.0.0.1:1"}, Found{crdt.Author{2}, "10.0.0.2:1"}
	s.take([]Found{b, a}, 0)
	for round := 1; round < maxMissed; round++ {
		s.take([]Found{b}, round)
		if !slices.Equal(s.all(), []Found{a, b}) {
			t.Fatalf("after question %d: %v", round, s.all())
		}
	}
	s.take([]Found{b}, maxMissed)
	if !slices.Equal(s.all(), []Found{b}) {
		t.Errorf("a is still there: %v", s.all())
	}
	for i := range 2 * maxFound {
		s.take([]Found{{crdt.Author{byte(i), byte(i >> 8), 9}, "10.0.0.3:1"}}, maxMissed)
	}
	if len(s) != maxFound {
		t.Errorf("%d addresses, want %d", len(s), maxFound)
	}
}
