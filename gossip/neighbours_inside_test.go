package gossip

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/membership"
	"github.com/quipulog/quipu/gossip/wire"
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

// doubter is a society that counts doubts.
type doubter struct {
	alone
	doubts int
}

func (d *doubter) Doubt() { d.doubts++ }

// The membership is told of a link that broke, and of none that one of the two has ended.
func TestABrokenLinkIsDoubted(t *testing.T) {
	for _, test := range []struct {
		why  error
		want int
	}{{io.ErrUnexpectedEOF, 1}, {errEnough, 0}, {&ByeError{Code: wire.CodeLeaving}, 0}} {
		d := new(doubter)
		n := newState(&Gossip{members: d, pace: paceOf(membership.LAN), logger: slog.New(slog.DiscardHandler)}).neighbours
		n.closed(&link{peer: crdt.Author{1}}, test.why, time.Now())
		if d.doubts != test.want {
			t.Errorf("%v: %d doubts, want %d", test.why, d.doubts, test.want)
		}
	}
}
