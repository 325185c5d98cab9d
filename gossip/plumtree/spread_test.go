package plumtree

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// eachSeed runs a story over networks of 60 nodes with about eight links each.
func eachSeed(t *testing.T, story func(*testing.T, *network)) {
	seeds := uint64(4)
	switch {
	case testing.Short():
		seeds = 2
	case os.Getenv("QUIPU_E2E") != "":
		seeds = 8
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { story(t, newNetwork(t, seed, 60, 3)) })
	}
}

// settle writes until the tree has settled.
func (n *network) settle() {
	n.t.Helper()
	n.settleAt(40, 20*time.Millisecond)
}

func (n *network) settleAt(entries int, pause time.Duration) {
	n.t.Helper()
	for range 10 {
		if n.round(entries, pause) == 1 {
			return
		}
	}
	n.t.Fatal("the tree does not settle")
}

func TestInAStableNetworkEachMessageReachesEachNodeOnce(t *testing.T) {
	eachSeed(t, func(t *testing.T, n *network) {
		n.settle()
		if copies := n.round(200, 3*time.Millisecond); copies != 1 {
			t.Errorf("each message was pushed %.3f times to each node", copies)
		}
	})
}

// A dozen runs and more are under way at any time, while the tree is made.
func TestTheTreeSettlesWhileManyWriteAtOnce(t *testing.T) {
	eachSeed(t, func(_ *testing.T, n *network) { n.settleAt(200, 3*time.Millisecond) })
}

func TestTheTreeIsRepairedAfterNodesDie(t *testing.T) {
	eachSeed(t, func(t *testing.T, n *network) {
		n.settle()
		for range 6 {
			n.kill(n.rand.IntN(len(n.nodes)))
		}
		n.reconnect()
		n.settle()
	})
}

// All eager links between two halves end at once; there are lazy ones left.
func TestACutThroughTheTreeHeals(t *testing.T) {
	eachSeed(t, func(t *testing.T, n *network) {
		n.settle()
		kept := 0
		for i := range 30 {
			for _, j := range n.nodes[i].peers() {
				switch {
				case j < 30:
				case n.nodes[i].tree.Eager(someone(j)) || n.nodes[j].tree.Eager(someone(i)):
					n.unlink(i, j)
				default:
					kept++
				}
			}
		}
		if kept == 0 {
			t.Skip("the two halves had no lazy link")
		}
		n.settle()
	})
}

// Two halves that were apart and have written meanwhile: what either missed, anti-entropy brings; what
// is written from then on, the tree.
func TestThePartsOfAPartitionGrowTogether(t *testing.T) {
	eachSeed(t, func(t *testing.T, n *network) {
		n.settle()
		var cut [][2]int
		for i := range 30 {
			for _, j := range n.nodes[i].peers() {
				if j >= 30 {
					cut = append(cut, [2]int{i, j})
					n.unlink(i, j)
				}
			}
		}
		for range 20 {
			n.broadcast(n.rand.IntN(60))
			n.run(20 * time.Millisecond)
		}
		n.run(time.Second)
		for _, l := range cut {
			n.link(l[0], l[1])
		}
		n.compare()
		n.settle()
	})
}

// reconnect closes the ring again over those that have died.
func (n *network) reconnect() {
	last := -1
	for i := range 2 * len(n.nodes) {
		if i %= len(n.nodes); n.nodes[i].dead {
			continue
		}
		if last >= 0 {
			n.link(last, i)
		}
		last = i
	}
}

// compare stands for anti-entropy: all nodes get what any of them has, by no link.
func (n *network) compare() {
	for _, from := range n.nodes {
		for author, seqs := range from.holds {
			for seq := range seqs {
				for i, to := range n.nodes {
					if to.holds[author] == nil {
						to.holds[author] = make(map[uint64]int)
					}
					to.holds[author][seq] = seqs[seq]
					n.arrived(i, author)
				}
			}
		}
	}
}
