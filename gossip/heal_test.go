package gossip_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// A long feed is fetched from several peers at once, about the same from each, and nothing twice.
func TestBackfillFromSeveralPeers(t *testing.T) {
	bubble(t, "a b c d", func(t *testing.T, c *cluster) {
		author := newMemLog(testKey(50), testGenesis)
		const ops = 2000
		for range ops {
			op := author.appendBig(t, 4<<10)
			for _, name := range []string{"a", "b", "c"} {
				c.nodes[name].mem.put(t, crdt.Run{Ops: []crdt.Op{op}})
			}
		}
		c.start("a", "b", "c")
		c.within(20*time.Second, "linked", func() bool { return c.linked("a", "b", "c") })
		c.net.Host("d")
		for _, name := range []string{"a", "b", "c"} {
			c.net.SetBandwidth(name, "d", 1<<20)
		}
		c.start("d")
		if took := c.converge(time.Minute, ops); took > 6*time.Second {
			t.Errorf("8 MB over three links of 1 MiB/s took %s", took)
		}
		n := c.nodes["d"].Status().Counts
		if ratio := float64(n.PayloadReceived) / float64(n.PayloadTaken); ratio > 1.01 {
			t.Errorf("%.3f bytes received for each that was new", ratio)
		}
		for _, name := range []string{"a", "b", "c"} {
			if served := c.nodes[name].mem.serves(author.Author()); served < ops/10 || served > ops*3/4 {
				t.Errorf("%s sent %d ops of %d", name, served, ops)
			}
		}
	})
}

// A link that breaks in the middle of a backfill costs nothing that had come.
func TestBackfillResumesAfterACut(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		const ops = 2000
		for range ops {
			c.nodes["a"].mem.appendBig(t, 4<<10)
		}
		c.net.Host("b")
		c.net.SetBandwidth("a", "b", 1<<20)
		c.start()
		for cut := range 3 {
			c.within(time.Minute, "some has come", func() bool {
				return c.nodes["b"].log.Feed(c.author("a")).Next() > uint64(400*(cut+1))
			})
			c.net.Cut("a", "b")
		}
		c.converge(2*time.Minute, ops)
		n := c.nodes["b"].Status().Counts
		if ratio := float64(n.PayloadReceived) / float64(n.PayloadTaken); ratio > 1.1 {
			t.Errorf("%.3f bytes received for each that was new", ratio)
		}
	})
}

// With d of n authors differing, a comparison costs O(d log n), not O(n).
func TestComparisonCostsWhatDiffers(t *testing.T) {
	const authors = 2000
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		for i := range authors {
			var seed [32]byte
			binary.BigEndian.PutUint32(seed[:], uint32(i))
			op := newMemLog(seedKey(seed), testGenesis).append(t, 1)
			for _, name := range c.names {
				c.nodes[name].mem.put(t, crdt.Run{Ops: []crdt.Op{op}})
			}
		}
		late := newMemLog(testKey(60), testGenesis)
		c.nodes["a"].mem.put(t, crdt.Run{Ops: []crdt.Op{late.append(t, 1)}})
		c.start()
		c.converge(20*time.Second, authors+1)
		sent := c.nodes["a"].Status().Counts
		if whole := uint64(authors * 72); sent.BytesSent > whole/5 {
			t.Errorf("one of %d authors differed: %d bytes were sent; the whole frontier has %d", authors, sent.BytesSent, whole)
		}
		if sent.VectorsSent == 0 || sent.VectorsSent > 40 {
			t.Errorf("%d vectors", sent.VectorsSent)
		}
		fmt.Fprintln(t.Output(), sent.BytesSent, "bytes,", sent.ProbesSent, "probes")
	})
}

// A peer that takes nothing for a while costs nobody else anything: the news goes by it, and it asks for
// the rest when it is back.
func TestStuckPeerIsMovedToBackfill(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked(c.names...) })
		c.net.Block("a", "c")
		c.net.Block("b", "c")
		var entries uint64
		for range 1000 { // 16 MB, more than is kept for pushing
			c.nodes["a"].mem.appendBig(t, 16<<10)
			entries++
			time.Sleep(time.Millisecond)
		}
		c.converge(time.Second, entries, "a", "b")
		c.net.Heal()
		c.converge(time.Minute, entries)
		if c.member("a", "c").Overruns+c.member("b", "c").Overruns == 0 && c.nodes["a"].lines.has("link ended") == 0 {
			t.Error("nothing says that c was too slow")
		}
	})
}

// A node that comes late gets the old entries over slow links while new ones are written: still nothing
// comes twice to speak of.
func TestBackfillBesideLiveTraffic(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		const ops = 1000
		for range ops {
			c.nodes["a"].mem.appendBig(t, 4<<10)
		}
		c.start("a", "b")
		c.converge(20*time.Second, ops, "a", "b")
		c.net.Host("c")
		for _, name := range []string{"a", "b"} {
			c.net.SetBandwidth(name, "c", 256<<10)
		}
		c.start("c")
		for range 150 {
			c.nodes["a"].mem.append(t, 1)
			c.nodes["b"].mem.append(t, 1)
			time.Sleep(100 * time.Millisecond)
		}
		c.converge(time.Minute, ops+300)
		n := c.nodes["c"].Status().Counts
		ratio := float64(n.PayloadReceived) / float64(n.PayloadTaken)
		t.Logf("%.3f bytes received for each that was new: %+v", ratio, n)
		if ratio > 1.05 {
			t.Errorf("%.3f bytes received for each that was new", ratio)
		}
	})
}
