package gossip_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/wire"
)

// madeUp returns the first op of the n-th author that somebody has made up.
func madeUp(t testing.TB, n int) crdt.Op {
	key := seedKey(sha256.Sum256(fmt.Append(nil, "made up ", n)))
	return signed(t, key, crdt.Header{Log: testGenesis.Log(), Clock: crdt.ClockAt(time.Now())}, crdt.Event{Kind: "k"})
}

// heldOf returns how many authors a node holds something of.
func (c *cluster) heldOf(name string) int { return len(c.nodes[name].log.Frontier()) }

// A peer that makes up authors gets in as many as one peer may bring in a minute; the rest is counted, and
// costs nothing. Its own feed and the others go on.
func TestManyNewAuthorsOfAPeer(t *testing.T) {
	both(t, "a b", func(t *testing.T, c *cluster) {
		const most, sent = 50, 1000
		c.nodes["a"].cfg = func(cfg *gossip.Config) { cfg.MaxNewAuthors = most }
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		s := c.caller(1)
		defer s.close()
		conn := s.greet("a")
		_, own := s.feed(2, 1)
		s.send(conn, pushes(own[0]))
		c.within(5*time.Second, "the peer's own feed is taken", func() bool { return c.nodes["a"].log.Feed(s.self).Next() == 1 })
		for i := range sent {
			s.send(conn, pushes(madeUp(t, i)))
		}
		c.within(30*time.Second, "all were looked at", func() bool {
			return int(c.faults("a")["new-authors"])+c.heldOf("a") >= sent
		})
		if n := c.heldOf("a"); n < most || n > 2*most {
			t.Errorf("%d authors are held, want about %d", n, most)
		}
		if n := c.nodes["a"].lines.has("run refused", "new-authors"); n < 1 || n > 2 {
			t.Errorf("it was logged %d times", n)
		}
		s.send(conn, pushes(own[1]))
		c.within(5*time.Second, "the peer's own feed goes on", func() bool { return c.nodes["a"].log.Feed(s.self).Next() == 2 })
		s.until(conn, wire.KindOffer)
		c.goOn()
	})
}

// A newcomer gets the feeds of many authors of one peer at the pace that it allows, without blaming anybody.
func TestManyAuthorsOfAnHonestPeer(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		const most, there = 100, 250
		c.nodes["a"].cfg = func(cfg *gossip.Config) { cfg.MaxNewAuthors = most }
		for i := range there {
			c.nodes["b"].mem.put(t, crdt.Run{Ops: []crdt.Op{madeUp(t, i)}})
		}
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		time.Sleep(30 * time.Second)
		if n := c.heldOf("a"); n < most || n > 2*most {
			t.Errorf("%d authors after half a minute, want about %d", n, most*3/2)
		}
		c.within(10*time.Minute, "all have come", func() bool { return c.heldOf("a") >= there })
		if n := c.faults("a")["not-delivered"]; n > 0 {
			t.Errorf("b is said not to deliver %d times", n)
		}
		c.goOn()
	})
}

// Authors beyond the number that a log keeps are turned away, and so is what an author wants beyond its
// share of the disk. The peer's other authors, and the other peers, go on.
func TestAuthorsBeyondTheBoundsOfTheLog(t *testing.T) {
	bounds := eventlog.Config{Key: testKey(0), MaxAuthors: 20, MaxAuthorBytes: 64 << 10}
	boundBubble(t, "a b", bounds, func(t *testing.T, c *cluster) {
		log := c.disk("a")
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		c.goOn()
		s := c.caller(1)
		defer s.close()
		conn := s.greet("a")
		_, huge := s.feed(400, 1)
		before := eventlogtest.HeapAlive()
		for i := range 2000 {
			s.send(conn, pushes(madeUp(t, i)))
			if i < len(huge) {
				s.send(conn, pushes(huge[i]))
			}
		}
		c.within(30*time.Second, "the huge author is shut", func() bool { return log.ShutReasons()[s.self] == eventlog.ShutShare })
		c.within(30*time.Second, "all were looked at", func() bool { return log.Stats().Shut > 1900 })
		if n := log.Stats(); n.Authors != 20 || n.Others > 300<<10 {
			t.Errorf("%+v", n)
		}
		if n := c.nodes["a"].lines.has("run refused", "too many authors"); n < 1 || n > 2 {
			t.Errorf("it was logged %d times that there are too many authors", n)
		}
		if heap := eventlogtest.HeapAlive(); heap > before+8<<20 {
			t.Errorf("the heap grew from %d to %d bytes", before, heap)
		}
		c.goOn()
	})
}
