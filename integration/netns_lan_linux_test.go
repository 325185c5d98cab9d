package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// port is the UDP and TCP port that every daemon in a namespace listens on.
const port = 7946

// lan is a bridge in a namespace of its own, with the addresses 10.77.NET.0/24.
type lan struct {
	t     *testing.T
	space *space
	net   int
	ports int // made so far
}

func newLAN(t *testing.T, net int) *lan {
	t.Helper()
	l := &lan{t: t, space: newSpace(t, fmt.Sprintf("lan%d", net)), net: net}
	l.space.ip("link add br0 type bridge mcast_snooping 0")
	l.space.ip("link set br0 up")
	return l
}

// addr is the IP address of the host with a number on the LAN.
func (l *lan) addr(host int) string { return fmt.Sprintf("10.77.%d.%d", l.net, host) }

// attach puts a device of the LAN's namespace into the bridge.
func (l *lan) attach(dev string) {
	l.t.Helper()
	l.space.ip("link set %s master br0", dev)
	l.space.ip("link set %s up", dev)
}

func (l *lan) nextPort() string {
	l.ports++
	return fmt.Sprintf("port%d", l.ports)
}

// plug connects a namespace to the LAN by a veth pair and gives it an address there.
func (l *lan) plug(s *space, dev string, host int) {
	l.t.Helper()
	far := l.nextPort()
	l.space.ip("link add %s type veth peer name %s netns %s", far, dev, s.name)
	l.attach(far)
	l.configure(s, dev, host)
}

// wire connects a namespace to the LAN by a cable, whose first end is the namespace's.
func (l *lan) wire(s *space, dev string, host int) *cable {
	l.t.Helper()
	far := l.nextPort()
	c := newCable(l.t, s, dev, l.space, far)
	l.attach(far)
	l.configure(s, dev, host)
	return c
}

func (l *lan) configure(s *space, dev string, host int) {
	l.t.Helper()
	s.ip("addr add %s/24 dev %s", l.addr(host), dev)
	s.ip("link set %s up", dev)
	s.ip("route replace 224.0.0.0/4 dev %s", dev)
}

// trunk joins two bridges into one LAN and returns what cuts and heals it.
func trunk(a, b *lan) (cut, heal func()) {
	a.t.Helper()
	aEnd, bEnd := a.nextPort(), b.nextPort()
	a.space.ip("link add %s type veth peer name %s netns %s", aEnd, bEnd, b.space.name)
	a.attach(aEnd)
	b.attach(bEnd)
	return func() { a.space.ip("link set %s down", aEnd) }, func() { a.space.ip("link set %s up", aEnd) }
}

// host is a member of a cluster that runs in a namespace of its own.
type host struct {
	*member
	space *space
	addr  string // IP address
	flags []string
}

// newHosts makes n folders of one log and a namespace for each. Nothing is connected yet.
func newHosts(t *testing.T, n int) []*host {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var hosts []*host
	for i, m := range newCluster(t, n) {
		s := newSpace(t, fmt.Sprintf("node%d", i))
		hosts = append(hosts, &host{member: m, space: s, flags: []string{"--secret-file", secret}})
	}
	return hosts
}

// plugAll connects hosts to the LAN with addresses from the given one up.
func (l *lan) plugAll(hosts []*host, first int) {
	l.t.Helper()
	for i, h := range hosts {
		l.plug(h.space, "eth0", first+i)
		h.at(l.addr(first + i))
	}
}

// at gives the host the address that its daemon listens on.
func (h *host) at(addr string) {
	h.addr = addr
	h.listen = fmt.Sprintf("%s:%d", addr, port)
}

// members returns what the helpers of the package work on.
func members(hosts []*host) []*member {
	var all []*member
	for _, h := range hosts {
		all = append(all, h.member)
	}
	return all
}
