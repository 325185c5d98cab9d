package gossip_test

import (
	"errors"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
)

func TestFiveNodesConverge(t *testing.T) {
	bubble(t, "a b c d e", func(t *testing.T, c *cluster) {
		for i, name := range c.names {
			for range i + 1 {
				c.nodes[name].mem.append(t, 2)
			}
		}
		c.start()
		c.converge(10*time.Second, 30)
		c.within(10*time.Second, "linked", func() bool { return c.linked(c.names...) })
		for _, name := range c.names { // The tree grows.
			c.nodes[name].mem.append(t, 1)
			c.within(5*time.Second, "converge", func() bool { return c.equal(c.names...) })
		}
		for range 20 {
			for _, name := range c.names {
				c.nodes[name].mem.append(t, 1)
			}
			time.Sleep(7 * time.Millisecond)
		}
		if took := c.converge(5*time.Second, 135); took > 100*time.Millisecond {
			t.Errorf("live push took %s, with links that take 5 ms", took)
		}
	})
}

func TestPartitionAndHeal(t *testing.T) {
	bubble(t, "a b c d e", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked(c.names...) })
		c.net.Partition([]string{"a", "b"}, []string{"c", "d", "e"})
		for _, name := range c.names {
			c.nodes[name].mem.append(t, 3)
		}
		c.converge(10*time.Second, 6, "a", "b")
		c.converge(10*time.Second, 9, "c", "d", "e")
		c.within(time.Minute, "the other side is dead and unlinked", func() bool {
			return c.linked("a", "b") && c.linked("c", "d", "e") && c.member("a", "e").State == gossip.Dead
		})
		c.net.Heal()
		c.converge(time.Minute, 15)
		c.within(time.Minute, "linked again", func() bool { return c.linked(c.names...) })
	})
}

func TestHealOfAShortPartitionNeedsNoNewLinks(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		c.net.Partition([]string{"a"}, []string{"b"})
		c.nodes["a"].mem.append(t, 1)
		time.Sleep(2 * time.Second)
		if c.equal("a", "b") {
			t.Fatal("something crossed the partition")
		}
		c.net.Heal()
		c.converge(time.Second, 1)
		if n := c.nodes["a"].lines.has("link ended"); n != 0 {
			t.Errorf("%d links ended", n)
		}
	})
}

func TestLossyNetwork(t *testing.T) {
	bubble(t, "a b c d", func(t *testing.T, c *cluster) {
		c.net.SetLoss(0.3)
		c.net.SetDuplication(0.2)
		c.net.SetDelay(time.Millisecond, 80*time.Millisecond)
		c.start()
		for range 30 {
			for _, name := range c.names {
				c.nodes[name].mem.append(t, 1)
			}
			time.Sleep(100 * time.Millisecond)
		}
		c.converge(time.Minute, 120)
	})
}

func TestCrashAndRestart(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked(c.names...) })
		c.nodes["b"].mem.append(t, 5)
		c.converge(5*time.Second, 5)
		c.crash("b")
		took := c.within(20*time.Second, "b is seen to be dead", func() bool {
			return c.member("a", "b").State == gossip.Dead && c.member("c", "b").State == gossip.Dead
		})
		t.Logf("the crash was noticed after %s", took)
		time.Sleep(2 * time.Second)
		c.nodes["b"].mem.append(t, 2) // The log is written to while its daemon is down.
		c.nodes["a"].mem.append(t, 1)
		c.start("b")
		c.converge(20*time.Second, 8)
		c.within(20*time.Second, "b is back", func() bool {
			return c.member("a", "b").State == gossip.Alive && c.linked(c.names...)
		})
		time.Sleep(2 * time.Second)
		for _, name := range []string{"a", "c"} {
			dead := c.nodes[name].lines.has("level=WARN", `msg="member is dead"`, "peer="+c.author("b").Short())
			back := c.nodes[name].lines.has("level=WARN", `msg="member is back"`, "peer="+c.author("b").Short())
			if dead != 1 || back != 1 {
				t.Errorf("%s warned %d times that b is dead, and %d times that it is back", name, dead, back)
			}
		}
	})
}

func TestRestartFromNothingGetsItsOwnFeedBack(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.start()
		c.nodes["b"].mem.append(t, 5)
		c.converge(20*time.Second, 5)
		c.crash("b")
		fresh := newMemLog(testKey(1), testGenesis)
		c.nodes["b"].mem, c.nodes["b"].log = fresh, fresh
		c.start("b")
		c.converge(30*time.Second, 5)
		if c.nodes["b"].Status().Counts.NotWritten == 0 {
			t.Error("the status does not say that our own entries came from a peer")
		}
	})
}

func TestCleanLeaveIsNoticedAtOnce(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked(c.names...) })
		began := time.Now()
		c.stop("c")
		if took := time.Since(began); took > time.Second {
			t.Errorf("leaving took %s", took)
		}
		c.within(time.Second, "c has left", func() bool {
			return c.member("a", "c").State == gossip.Left && c.member("b", "c").State == gossip.Left
		})
		time.Sleep(time.Minute)
		c.start("c")
		c.within(10*time.Second, "linked again", func() bool { return c.linked(c.names...) })
		if n := c.nodes["a"].lines.has("level=WARN", "member is"); n != 0 {
			t.Errorf("%d warnings about a member that said it leaves", n)
		}
	})
}

func TestAllWereDown(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.start()
		c.nodes["c"].mem.append(t, 1)
		c.converge(20*time.Second, 1)
		c.crash("a", "b", "c")
		c.nodes["b"].mem.append(t, 1)
		c.start()
		c.converge(20*time.Second, 2)
	})
}

func TestSeedThatComesUpLate(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.nodes["a"].seed = nil
		c.nodes["b"].mem.append(t, 1)
		c.start("b")
		time.Sleep(5 * time.Minute)
		c.start("a")
		c.converge(15*time.Second, 1) // the longest pause is 10 s
		if n := c.nodes["b"].lines.has("cannot join yet"); n != 1 {
			t.Errorf("the failure was logged %d times", n)
		}
		c.within(time.Second, "seed is joined", func() bool { return c.nodes["b"].Seeds()[0].Joined })
	})
}

// When two cannot reach each other, a third relays.
//
//	a ──── b ──── c      a and c are blocked, both ways
func TestRelay(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.net.Host("c") // It is named below before it is started.
		c.net.Block("a", "c")
		c.net.Block("c", "a")
		c.nodes["c"].seed = []string{c.addr("b")}
		c.start()
		c.within(20*time.Second, "linked", func() bool { return c.linked("a", "b") || c.member("b", "c").Linked })
		for range 10 {
			c.nodes["a"].mem.append(t, 1)
			c.nodes["c"].mem.append(t, 1)
			time.Sleep(300 * time.Millisecond)
		}
		c.converge(20*time.Second, 20)
		c.nodes["a"].mem.append(t, 1)
		if took := c.converge(20*time.Second, 21); took > 500*time.Millisecond {
			t.Errorf("the relay took %s", took)
		}
		if c.nodes["b"].Status().Counts.RunsPushed == 0 {
			t.Error("b relayed nothing")
		}
	})
}

func TestSlowPeerHoldsNobodyUp(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked(c.names...) })
		c.nodes["c"].mem.slow = 5 * time.Second
		var entries uint64
		for range 200 {
			began := time.Now()
			c.nodes["a"].mem.append(t, 100)
			entries += 100
			if took := time.Since(began); took > 0 {
				t.Fatalf("an append waited %s", took)
			}
			time.Sleep(20 * time.Millisecond)
		}
		c.converge(time.Second, entries, "a", "b")
		if c.equal("a", "c") {
			t.Fatal("c was not slow")
		}
		c.nodes["c"].mem.mu.Lock()
		c.nodes["c"].mem.slow = 0
		c.nodes["c"].mem.mu.Unlock()
		c.converge(30*time.Second, entries)
		if n := c.nodes["a"].lines.has("link ended"); n != 0 {
			t.Errorf("%d links of a ended", n)
		}
	})
}

func TestForkSpreadsToAll(t *testing.T) {
	bubble(t, "a b c d", func(t *testing.T, c *cluster) {
		first := c.nodes["d"].mem.append(t, 2)
		c.start("a", "b", "c")
		c.within(20*time.Second, "linked", func() bool { return c.linked("a", "b", "c") })
		// Two nodes get different continuations of d's feed, signed by d.
		for i, name := range []string{"a", "b"} {
			twin := newMemLog(testKey(3), testGenesis)
			twin.put(t, crdt.Run{Ops: []crdt.Op{first}})
			var ops []crdt.Op
			for range i + 2 {
				ops = append(ops, twin.append(t, i+1))
			}
			c.nodes[name].mem.put(t, crdt.Run{Ops: append([]crdt.Op{first}, ops...)})
		}
		c.within(20*time.Second, "both branches are everywhere", func() bool {
			return c.equal("a", "b", "c") && len(c.nodes["c"].log.Feed(c.author("d")).Heads()) == 2
		})
	})
}

// A node that holds more branches than another wants to take: the author is shut there, and the
// exchange goes quiet about it and on about the others.
func TestShutAuthorIsLeftOut(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.nodes["b"].mem.set.MaxBranches = 1
		first := c.nodes["c"].mem.append(t, 1)
		for i := range 3 {
			twin := newMemLog(testKey(2), testGenesis)
			twin.put(t, crdt.Run{Ops: []crdt.Op{first}})
			op := twin.append(t, i+1)
			c.nodes["a"].mem.put(t, crdt.Run{Ops: []crdt.Op{first, op}})
		}
		c.start("a", "b")
		c.within(20*time.Second, "c is shut at b", func() bool { return len(c.nodes["b"].log.Shut()) == 1 })
		c.nodes["a"].mem.append(t, 4)
		c.nodes["b"].mem.append(t, 4)
		c.within(20*time.Second, "roots are equal without c", func() bool {
			return time.Since(c.member("a", "b").EqualAt) < 3*time.Second && time.Since(c.member("b", "a").EqualAt) < 3*time.Second
		})
		asks := c.nodes["b"].Status().Counts.Asks
		time.Sleep(5 * time.Minute)
		if more := c.nodes["b"].Status().Counts.Asks - asks; more > 0 {
			t.Errorf("b asked %d times more", more)
		}
		if held, ok := errors.AsType[*gossip.HeldBackError](c.nodes["b"].WaitCaughtUp(t.Context())); !ok || held.Shut != 1 {
			t.Errorf("b takes no more of c, and waiting to have caught up ended with %v", held)
		}
	})
}

func TestGenesisComesWithTheHello(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.nodes["b"].mem.genesis = nil
		c.start()
		c.within(10*time.Second, "b knows the genesis", func() bool {
			_, known := c.nodes["b"].log.Genesis()
			return known
		})
	})
}

func TestEqualFrontiersCostTheSameHoweverMany(t *testing.T) {
	cost := func(authors int) uint64 {
		var bytes uint64
		bubble(t, "a b", func(t *testing.T, c *cluster) {
			for i := range authors {
				other := newMemLog(testKey(10+i), testGenesis)
				op := other.append(t, 1)
				c.nodes["a"].mem.put(t, crdt.Run{Ops: []crdt.Op{op}})
			}
			c.start()
			c.converge(20*time.Second, uint64(authors))
			time.Sleep(10 * time.Second)
			before := c.nodes["a"].Status().Counts.BytesSent
			time.Sleep(5 * time.Minute)
			bytes = c.nodes["a"].Status().Counts.BytesSent - before
		})
		return bytes
	}
	few, many := cost(1), cost(200)
	t.Logf("%d and %d bytes in 5 minutes", few, many)
	if few == 0 || many > few*5/4 {
		t.Errorf("5 idle minutes cost %d bytes with 1 author and %d with 200", few, many)
	}
}
