package gossip

import (
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/membership"
)

// crowd is a society of members that are said to be alive.
type crowd struct {
	alone
	members []membership.Member
}

func (c crowd) Members() []membership.Member { return c.members }

// Members that nobody reaches, such as those that an insider has made up, keep no place among the
// neighbours: where few others are left, this node is linked to all of these.
func TestGhostsAreNoNeighbours(t *testing.T) {
	now := time.Now()
	var c crowd
	for i := range byte(30) {
		c.members = append(c.members, membership.Member{Author: crdt.Author{1 + i}, Alive: true})
	}
	n := newState(&Gossip{members: c, pace: paceOf(membership.LAN)}).neighbours
	for _, m := range c.members[4:] {
		n.failed(m.Author, now)
	}
	n.choose(now)
	for i, m := range c.members {
		if n.wanted[m.Author] != (i < 4) {
			t.Errorf("member %d is wanted: %v", i, n.wanted[m.Author])
		}
	}
	n.choose(now.Add(time.Hour)) // they may be tried again: two on the ring, three at random
	if n := len(n.wanted); n != 5 {
		t.Errorf("of %d members, %d are wanted", len(c.members), n)
	}
}
