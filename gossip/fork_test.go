package gossip_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
)

// imageKey is the test key that all copies of a test have.
const imageKey = 200

// copies makes the named nodes of c copies of one node that had written n entries: their logs hold the
// same and are written with one key. All join the first node that is no copy.
func (c *cluster) copies(n int, seed string, names ...string) {
	c.t.Helper()
	image := newMemLog(testKey(imageKey), testGenesis)
	var run crdt.Run
	for range n {
		run.Ops = append(run.Ops, image.append(c.t, 1))
	}
	for _, name := range names {
		mem := newMemLog(testKey(imageKey), testGenesis)
		if n > 0 {
			mem.put(c.t, run)
		}
		node := c.nodes[name]
		node.mem, node.log, node.seed = mem, mem, []string{c.addr(seed)}
		node.cfg = func(cfg *gossip.Config) { cfg.Key = testKey(imageKey) }
	}
}

// branches returns how many branches of the copies' feed a node holds.
func (c *cluster) branches(name string) int {
	return len(c.nodes[name].log.Feed(crdt.AuthorOf(testKey(imageKey))).Heads())
}

// traffic returns the bytes that the named hosts have sent: packets and streams, greetings included.
func (c *cluster) traffic() (bytes, dials uint64) {
	for _, from := range c.names {
		for _, to := range c.names {
			t := c.net.Traffic(from, to)
			bytes += t.PacketBytes + t.StreamBytes
			dials += t.Dials
		}
	}
	return bytes, dials
}

// TestCopyIsFoundWithinOneExchange starts two copies of one node beside two others: as soon as one of
// the others has met both, everybody holds both branches, and the copies know.
func TestCopyIsFoundWithinOneExchange(t *testing.T) {
	bubble(t, "c d one two", func(t *testing.T, c *cluster) {
		c.copies(3, "c", "one", "two")
		one, two := c.nodes["one"], c.nodes["two"]
		one.mem.append(t, 2)
		two.mem.append(t, 1)
		c.start("c", "d", "one")
		c.within(10*time.Second, "c holds the branch of the first copy", func() bool { return c.equal("c", "d", "one") })
		c.start("two")
		took := c.within(30*time.Second, "both branches on both others and on the second copy", func() bool {
			return c.branches("c") == 2 && c.branches("d") == 2 && c.branches("two") == 2
		})
		t.Logf("both branches were everywhere but on the first copy after %s", took)
		took += c.within(time.Minute, "both branches on the first copy", func() bool { return c.branches("one") == 2 })
		t.Logf("and there after %s", took)
		c.converge(time.Second, 5+4)
		for _, name := range []string{"one", "two"} {
			if c.nodes[name].Status().Counts.NotWritten == 0 {
				t.Errorf("copy %s does not know of the other", name)
			}
		}
		for _, name := range []string{"c", "d"} {
			c.nodes[name].mem.append(t, 1)
		}
		c.converge(10*time.Second, 9+2, "c", "d")
	})
}

// TestCopyIsFoundWhileTheOtherGoesOnWriting has one copy write all the time: its feed always grows, and the
// branch of the other gets everywhere all the same.
func TestCopyIsFoundWhileTheOtherGoesOnWriting(t *testing.T) {
	bubble(t, "c d one two", func(t *testing.T, c *cluster) {
		c.copies(3, "c", "one", "two")
		c.nodes["one"].mem.append(t, 2)
		c.nodes["two"].mem.append(t, 1)
		c.start()
		c.within(30*time.Second, "both branches on the copy that writes", func() bool {
			if c.branches("one") == 1 {
				c.nodes["one"].mem.append(t, 1)
			}
			time.Sleep(20 * time.Millisecond)
			return c.branches("one") == 2
		})
	})
}

// TestGoldenImage starts one image many times: each copy writes once, alone, and then all meet three
// others. Every node ends with every branch; then it is quiet, while the others go on. There are
// forty of them with QUIPU_E2E=1, else eight.
func TestGoldenImage(t *testing.T) {
	copies := 40
	if os.Getenv("QUIPU_E2E") == "" || testing.Short() {
		copies = 8
	}
	synctest.Test(t, func(t *testing.T) {
		others := []string{"a", "b", "c"}
		var twins []string
		for i := range copies {
			twins = append(twins, fmt.Sprint("copy", i))
		}
		c := newCluster(t, slices.Concat(others, twins))
		t.Cleanup(c.close)
		c.copies(1, "a", twins...)
		for _, name := range twins {
			c.nodes[name].mem.append(t, 1)
			time.Sleep(time.Millisecond) // else two of them would write the same op
		}
		c.nodes["b"].mem.append(t, 1)
		c.start()
		took := c.within(30*time.Minute, "all branches on the others", func() bool {
			return !slices.ContainsFunc(others, func(name string) bool { return c.branches(name) < copies })
		})
		t.Logf("%d branches were on the others after %s", copies, took)
		took += c.within(30*time.Minute, "all branches on every copy", func() bool { return c.equal(c.names...) })
		t.Logf("%d branches were on every copy after %s", copies, took)
		c.converge(time.Second, uint64(2*copies)+1)
		for _, name := range twins {
			if c.nodes[name].Status().Counts.NotWritten == 0 {
				t.Errorf("%s does not know of the others", name)
			}
		}

		time.Sleep(time.Minute)
		bytes, dials := c.traffic()
		time.Sleep(time.Minute)
		now, dialled := c.traffic()
		perNode := (now - bytes) / uint64(len(c.names)) / 60
		t.Logf("idle: %d bytes a node and second, %d dials a minute among %d nodes", perNode, dialled-dials, len(c.names))
		if perNode > 8<<10 {
			t.Errorf("%d bytes a node and second with nothing to say", perNode)
		}
		for i, name := range others {
			c.nodes[name].mem.append(t, 1)
			c.converge(5*time.Second, uint64(2*copies)+uint64(i)+2, others...)
		}
		c.within(10*time.Minute, "the others' entries reach every copy", func() bool { return c.equal(c.names...) })
	})
}

// A node that holds the highest of many branches and lacks the lowest gets those too: what it holds does not
// hide what it lacks.
func TestLowestOfManyBranches(t *testing.T) {
	bubble(t, "v x", func(t *testing.T, c *cluster) {
		image := newMemLog(testKey(imageKey), testGenesis)
		base := image.append(t, 1)
		var branches []crdt.Run
		for range 14 {
			time.Sleep(time.Millisecond) // else two of them would write the same op
			twin := newMemLog(testKey(imageKey), testGenesis)
			twin.put(t, crdt.Run{Ops: []crdt.Op{base}})
			branches = append(branches, crdt.Run{Ops: []crdt.Op{base, twin.append(t, 1)}})
		}
		slices.SortFunc(branches, func(a, b crdt.Run) int { return b.Ops[1].Head().Compare(a.Ops[1].Head()) })
		for i, run := range branches {
			c.nodes["v"].mem.put(t, run)
			if i < 9 {
				c.nodes["x"].mem.put(t, run)
			}
		}
		c.start()
		c.within(20*time.Second, "all branches on x", func() bool { return c.branches("x") == len(branches) })
		if !c.equal("v", "x") {
			t.Error("the two differ")
		}
	})
}
