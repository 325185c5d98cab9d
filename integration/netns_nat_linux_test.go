package integration

import (
	"fmt"
	"net"
	"testing"
	"time"
)

// routerHost is the router's number on both its LANs.
const routerHost = 254

// newRouter makes a namespace that masquerades what comes from the inside LAN: nobody outside can open
// a connection to the inside.
func newRouter(t *testing.T, inside, outside *lan) {
	t.Helper()
	r := newSpace(t, "router")
	inside.plug(r, "inside", routerHost)
	outside.plug(r, "outside", routerHost)
	r.sysctl("net/ipv4/ip_forward", "1")
	run(t, "ip", "netns", "exec", r.name, "nft", "add table ip nat")
	run(t, "ip", "netns", "exec", r.name, "nft", "add chain ip nat post { type nat hook postrouting priority 100; }")
	run(t, "ip", "netns", "exec", r.name, "nft", "add rule ip nat post oifname outside masquerade")
}

// reaches reports whether a TCP connection from the host to an address can be opened.
func (h *host) reaches(addr string) bool {
	h.t.Helper()
	reached := false
	h.space.do(func() error {
		conn, err := net.DialTimeout("tcp4", addr, time.Second)
		if err == nil {
			reached = true
			return conn.Close()
		}
		return nil
	})
	return reached
}

// newHome makes three hosts: two on a LAN outside, and one behind a router that masquerades.
func newHome(t *testing.T) (hosts []*host) {
	t.Helper()
	hosts = newHosts(t, 3)
	outside, home := newLAN(t, 1), newLAN(t, 2)
	newRouter(t, home, outside)
	outside.plugAll(hosts[:2], 1)
	home.plugAll(hosts[2:], 1)
	hosts[2].space.ip("route add default via %s", home.addr(routerHost))
	return hosts
}

// TestNetnsNAT lets a node behind a router that masquerades join those outside. Nobody can dial it; it
// dials out, and both sides get what the other writes.
func TestNetnsNAT(t *testing.T) {
	requireNetns(t, "nft")
	t.Parallel()
	hosts := newHome(t)
	away := hosts[2]
	startHosts(hosts)
	if !away.reaches(hosts[0].listen) {
		t.Fatal("the node behind the router cannot dial out")
	}
	for _, addr := range []string{away.listen, fmt.Sprintf("10.77.1.%d:%d", routerHost, port)} {
		if hosts[0].reaches(addr) {
			t.Errorf("%s can be dialled from outside", addr)
		}
	}
	loadAll(hosts, "load", 100)
	converged(t, members(hosts))
	loadAll(hosts, "more", 100)
	if all := sameLogsThatVerify(t, members(hosts)); len(all) != 600 {
		t.Errorf("%d entries, want 600", len(all))
	}
}

// TestNetnsSync lets a node behind a router exchange entries with one outside without being a member of
// anything, first by itself, then by its daemon. Those outside hear of its
// entries and never of it.
func TestNetnsSync(t *testing.T) {
	requireNetns(t, "nft")
	t.Parallel()
	hosts := newHome(t)
	outside, away := hosts[:2], hosts[2]
	startHosts(outside)
	allSee(t, members(outside), 1)
	loadAll(hosts, "load", 1000)
	converged(t, members(outside))
	away.sync(outside[0].listen)
	converged(t, members(hosts))

	away.start()
	loadAll(hosts, "more", 1000)
	converged(t, members(outside))
	away.sync(outside[1].listen)
	converged(t, members(hosts))
	allSee(t, members(outside), 1)
	allSee(t, members(hosts[2:]), 0)
	if all := sameLogsThatVerify(t, members(hosts)); len(all) != 6000 {
		t.Errorf("%d entries, want 6,000", len(all))
	}
}

// sync runs "quipu sync" with a node in the host's namespace.
func (h *host) sync(addr string) {
	h.t.Helper()
	name, err := binary()
	if err != nil {
		h.t.Fatal(err)
	}
	run(h.t, "ip", append([]string{"netns", "exec", h.space.name, name, "sync", "--dir", h.dir, addr}, h.flags...)...)
}
