package node_test

import (
	"net"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node"
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
		refused = s.Counts["refused: unsealed"]
	}
}
