package gossip_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/gossip"
)

// manyNames returns n names of nodes.
func manyNames(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("n%02d", i)
	}
	return strings.Join(names, " ")
}

// counts adds up what the nodes of a cluster have counted.
func (c *cluster) counts() (sum gossip.Counts) {
	for _, name := range c.names {
		n := c.nodes[name].Status().Counts
		sum.PayloadReceived += n.PayloadReceived
		sum.PushedReceived += n.PushedReceived
		sum.PayloadTaken += n.PayloadTaken
		sum.Grafts += n.Grafts
		sum.Detaches += n.Detaches
		sum.Asks += n.Asks
		sum.Announced += n.Announced
		sum.BytesSent += n.BytesSent
	}
	return sum
}

// Each op reaches each node about once: the bytes of ops that arrive are not many more than those that
// are new. Among fifty nodes they are counted with QUIPU_E2E=1.
func TestEachOpArrivesAboutOnce(t *testing.T) {
	for _, test := range []struct {
		nodes, rounds int // until the tree stands some come twice: the rounds outweigh that
		most          float64
	}{{5, 600, 1.06}, {50, 200, 1.25}} {
		t.Run(fmt.Sprintf("%d nodes", test.nodes), func(t *testing.T) {
			if test.nodes > 10 && (os.Getenv("QUIPU_E2E") == "" || testing.Short()) {
				t.Skip("takes some seconds: run it with QUIPU_E2E=1")
			}
			bubble(t, manyNames(test.nodes), func(t *testing.T, c *cluster) {
				c.start()
				var entries uint64
				c.within(time.Minute, "everybody knows everybody", func() bool {
					for _, name := range c.names {
						if len(c.nodes[name].Members()) < test.nodes-1 {
							return false
						}
					}
					return true
				})
				for round := range test.rounds {
					c.nodes[c.names[round*7%test.nodes]].mem.append(t, 20)
					entries += 20
					time.Sleep(10 * time.Millisecond)
				}
				took := c.within(20*time.Second, "converge", func() bool {
					return c.equal(c.names...) && c.nodes[c.names[0]].log.Frontier().Entries() == entries
				})
				sum := c.counts()
				ratio := float64(sum.PayloadReceived) / float64(sum.PayloadTaken)
				t.Logf("%.3f bytes received for each that was new; the last was everywhere after %s; %d grafts, %d detaches, %d asks",
					ratio, took, sum.Grafts, sum.Detaches, sum.Asks)
				if ratio > test.most {
					t.Errorf("%.3f bytes of ops received for each that was new, at most %.2f are wanted", ratio, test.most)
				}
			})
		})
	}
}
