package gossip_test

import (
	"testing"
	"time"

	"github.com/quipulog/quipu/gossip"
)

// A seed may be reached at another address than it announces: once it is a member, it is left alone.
func TestSeedAtAnotherAddress(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		// What a announces reaches nobody; its real address is known from the command line.
		c.nodes["a"].seed = nil
		c.nodes["a"].cfg = func(cfg *gossip.Config) { cfg.Advertise = "10.77.0.1:7946" }
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		before := c.net.Traffic("b", "a").Dials
		time.Sleep(10 * time.Second)
		if n := c.net.Traffic("b", "a").Dials - before; n > 30 {
			t.Errorf("b dialled a %d times in 10 s", n)
		}
		c.nodes["a"].mem.append(t, 1)
		c.converge(time.Second, 1)
	})
}

// A node that is its own seed finds that out and lets itself be.
func TestSeedIsTheNodeItself(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.nodes["a"].seed = []string{c.addr("a")}
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		time.Sleep(time.Minute)
		if n := c.net.Traffic("a", "a").Dials; n > 15 {
			t.Errorf("a dialled itself %d times in a minute", n)
		}
	})
}

// Addresses can be added while the node runs.
func TestJoinWhileRunning(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.nodes["a"].seed, c.nodes["b"].seed = nil, nil
		c.start()
		time.Sleep(10 * time.Second)
		if n := len(c.nodes["a"].Members()); n != 0 {
			t.Fatalf("%d members without a seed", n)
		}
		if err := c.nodes["b"].Join(c.addr("a")); err != nil {
			t.Fatal(err)
		}
		c.within(2*time.Second, "linked", func() bool { return c.linked("a", "b") })
	})
}

// Members that were only heard of, not named on the command line, are found again after a partition
// in which each side has given the other up.
func TestLostMembersAreFoundAgain(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.nodes["a"].seed = nil
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b", "c") })
		c.stop("a") // the only seed
		c.net.Partition([]string{"b"}, []string{"c"})
		c.nodes["b"].mem.append(t, 1)
		time.Sleep(10 * time.Minute)
		c.net.Heal()
		c.converge(15*time.Second, 1, "b", "c")
		c.within(15*time.Second, "alive again", func() bool { return c.member("b", "c").State == gossip.Alive })
	})
}

// A higher author that the lower one cannot dial dials itself.
func TestOnlyOneWayOfDialling(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		lower, higher := "a", "b"
		if c.author("a").Compare(c.author("b")) > 0 {
			lower, higher = "b", "a"
		}
		c.nodes[lower].seed = []string{c.addr(higher)}
		c.nodes[higher].seed = nil
		// The lower one learns an address of the higher one where nobody answers.
		c.nodes[higher].cfg = func(cfg *gossip.Config) { cfg.Advertise = "10.77.0.1:7946" }
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		c.net.Cut("a", "b")
		c.within(15*time.Second, "linked again", func() bool { return c.linked("a", "b") })
	})
}

// Status and members can be asked for at any time.
func TestBeforeAndAfterRun(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		g, err := gossip.New(gossip.Config{Log: c.nodes["a"].log, Key: testKey(0), Secret: secret, Listen: port, Network: c.net.Host("a"), Advertise: c.addr("a")})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(g.Members()); n != 0 || g.Status().Self != c.author("a") {
			t.Errorf("%d members, status %+v", n, g.Status())
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		c.start("a")
		running := c.nodes["a"].Gossip
		c.stop("a")
		if n := len(running.Members()); n != 0 {
			t.Errorf("%d members after the end", n)
		}
	})
}
