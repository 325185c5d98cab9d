package node_test

import (
	"cmp"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/gateway"
)

// What strangers send to the membership's port is counted where an operator looks.
func TestStatusCountsWhatTheMembershipRefuses(t *testing.T) {
	dir, _ := newNode(t, crdt.LogID{})
	n := run(t, node.Config{Dir: dir})
	stranger, err := net.Dial("udp", n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	c := connect(t, dir)
	defer c.Close()
	for refused := uint64(0); refused == 0; {
		if _, err := stranger.Write([]byte("not sealed")); err != nil {
			t.Fatal(err)
		}
		s, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		refused = s.Counts[`quipu_refused_packets_total{reason="unsealed"}`]
	}
}

// TestPeersAreToldWhereThePageIs: where a node listens at every address, that is a name of its own or the address that its peers
// reach it at.
func TestPeersAreToldWhereThePageIs(t *testing.T) {
	dirA, id := newNode(t, crdt.LogID{})
	a := run(t, node.Config{Dir: dirA})
	for _, hosts := range [][]string{nil, {"quipu.example"}} {
		dir, _ := newNode(t, id)
		b := run(t, node.Config{Dir: dir, Join: []string{a.Addr().String()}, HTTP: gateway.Config{Addr: "0.0.0.0:0", Plain: true, Hosts: hosts}})
		u, err := url.Parse(b.URL())
		if err != nil {
			t.Fatal(err)
		}
		want := "http://" + net.JoinHostPort(cmp.Or(strings.Join(hosts, ""), "127.0.0.1"), u.Port())
		c := connect(t, dirA)
		for told := ""; told != want; {
			members, err := c.Members(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range members {
				if m.Author == b.Author() {
					told = m.Page
				}
			}
			if told != "" && told != want {
				t.Fatalf("peers are told %q, expected %q", told, want)
			}
		}
		c.Close()
	}
}
