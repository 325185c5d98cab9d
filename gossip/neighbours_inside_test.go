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
	s := newState(&Gossip{members: c, pace: paceOf(membership.LAN)})
	for _, m := range c.members[4:] {
		s.failed(m.Author, now)
	}
	s.chooseNeighbours(now)
	for i, m := range c.members {
		if s.wanted[m.Author] != (i < 4) {
			t.Errorf("member %d is wanted: %v", i, s.wanted[m.Author])
		}
	}
	s.chooseNeighbours(now.Add(time.Hour)) // they may be tried again: two on the ring, three at random
	if n := len(s.wanted); n != 5 {
		t.Errorf("of %d members, %d are wanted", len(c.members), n)
	}
}
