package gossip_test

import (
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wire"
)

// stands returns where one node says that another stands with a feed; known is false where it does not know of it.
func (c *cluster) stands(at, peer string, feed crdt.Author) (s gossip.Standing, known bool) {
	for _, s := range c.nodes[at].Standings(feed) {
		if s.Author == c.author(peer) {
			return s, true
		}
	}
	return s, false
}

// has reports whether one node says that another has named a head of its feed.
func (c *cluster) has(at, peer string, h crdt.Head) bool {
	s, _ := c.stands(at, peer, c.author(at))
	return slices.Contains(s.Heads, h)
}

// While somebody waits, peers tell when they hold what has just been written, the lazy ones too; else the next
// comparison tells.
func TestReceiptsComeAtOnceWhileSomebodyWaits(t *testing.T) {
	bubble(t, "a b c d e", func(t *testing.T, c *cluster) {
		c.rested(t, time.Minute)
		for _, haste := range []bool{true, false, true} {
			op := c.nodes["a"].mem.append(t, 1)
			if haste {
				c.nodes["a"].AwaitReceipts()
			}
			took := c.within(5*time.Second, "all are known to have it", func() bool {
				return !slices.ContainsFunc(c.names[1:], func(name string) bool { return !c.has("a", name, op.Head()) })
			})
			if most := 100 * time.Millisecond; haste && took > most { // a few trips of at most 5 ms each way
				t.Errorf("it took %s, want at most %s", took, most)
			}
			time.Sleep(10 * time.Second)
		}
	})
}

// One that went and came back with less stands lower: not before it has spoken, and then by what it says.
func TestWhoComesBackWithLessStandsLower(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.rested(t, 10*time.Second)
		older := newMemLog(testKey(1), testGenesis) // b's own feed and the beginning of a's
		first := c.nodes["a"].mem.append(t, 1)
		c.within(10*time.Second, "b has it", func() bool { return c.has("a", "b", first.Head()) })
		for _, name := range []string{"a", "b"} {
			feed := c.nodes["b"].mem.Feed(c.author(name))
			run, err := c.nodes["b"].mem.Read(t.Context(), &crdt.Segment{Author: c.author(name), Start: feed.Branches[0].Start, To: feed.Branches[0].Head}, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			older.put(t, run)
		}
		last := c.nodes["a"].mem.append(t, 1)
		c.within(10*time.Second, "b has all", func() bool { return c.has("a", "b", last.Head()) })
		c.crash("b")
		if s, _ := c.stands("a", "b", c.author("a")); !slices.Contains(s.Heads, last.Head()) || !s.Member {
			t.Errorf("after its death it is not known any more what it had: %+v", s)
		}
		c.nodes["a"].mem.fail, c.nodes["b"].log, c.nodes["b"].mem = nil, older, older
		older.slow = time.Hour // it takes in nothing
		c.start("b")
		lowered := func() bool {
			s, _ := c.stands("a", "b", c.author("a"))
			if !s.Linked {
				return false
			}
			if slices.Contains(s.Heads, last.Head()) || s.Below > 0 {
				t.Fatalf("it stands as the process before it: %+v", s)
			}
			return slices.Contains(s.Heads, first.Head()) && s.Told > 0
		}
		c.within(time.Minute, "it is known what b has now", lowered)
		c.crash("b")
	})
}

// A peer that awaits nothing is sent nothing for what it pushes. One that awaits each op while its ops are slow to be
// stored is told a few times, and the last time of all.
func TestABusyLinkCarriesNoFrameAnOp(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		c.start()
		s := c.stranger(20, secret)
		defer s.close()
		conn := s.dial("a")
		s.send(conn, wire.Hello{Version: wire.Version, Log: testGenesis.Log(), Features: wire.FeatureReceipts})
		_, ops := s.feed(200, 1)
		push := func(op crdt.Op) { s.send(conn, wire.Ops{Author: s.self, Run: crdt.Run{Ops: []crdt.Op{op}}}) }
		haves := 0
		read := func(over func(wire.Message) bool) {
			for {
				m := s.next(conn)
				if _, have := m.(wire.IHave); have {
					haves++
				}
				if over(m) {
					return
				}
			}
		}
		for _, op := range ops[:100] {
			push(op)
		}
		c.within(10*time.Second, "it is stored", func() bool { return c.nodes["a"].mem.Feed(s.self).Next() == 100 })
		s.send(conn, wire.Offer{Round: 1})
		read(func(m wire.Message) bool { return m.Kind() == wire.KindVector })
		if haves > 0 {
			t.Fatalf("%d frames for one that awaits nothing", haves)
		}
		c.nodes["a"].mem.mu.Lock()
		c.nodes["a"].mem.slow = time.Second
		c.nodes["a"].mem.mu.Unlock()
		go func() {
			for _, op := range ops[100:] {
				push(op)
				s.send(conn, wire.Await{Head: op.Head()})
			}
		}()
		read(func(m wire.Message) bool {
			h, have := m.(wire.IHave)
			return have && h.Haves[0] == wire.Have{Author: s.self, Head: ops[199].Head()}
		})
		if haves < 1 || haves > 30 { // 8 runs are read ahead of what is stored
			t.Errorf("%d frames for 100 ops, want fewer than for every third", haves)
		}
	})
}

// What a peer says of what it keeps, and of whom it takes no more, is known; what is announced by others than it is not
// what it holds.
func TestWhatAStrangerSays(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.rested(t, time.Second)
		s := c.stranger(20, secret)
		defer s.close()
		conn := s.dial("a")
		s.send(conn, wire.Hello{Version: wire.Version, Log: testGenesis.Log(), Features: wire.FeatureReceipts})
		other := crdt.Head{Next: 77, ID: crdt.OpID{7}}
		s.send(conn, wire.Keeps{Age: 5000, Entries: 6}, wire.Shut{Authors: []crdt.Author{c.author("b")}},
			wire.IHave{Haves: []wire.Have{{Author: c.author("a"), Head: other}}})
		of := func(feed string) (found gossip.Standing) {
			for _, st := range c.nodes["a"].Standings(c.author(feed)) {
				if st.Author == s.self {
					found = st
				}
			}
			return found
		}
		c.within(time.Second, "it is heard", func() bool { return slices.Contains(of("a").Heads, other) })
		at := of("b")
		if at.Member || !at.Linked || !at.Shut || at.Keeps == nil || *at.Keeps != (gossip.Keeps{Age: 5 * time.Second, Entries: 6}) || len(at.Heads) > 0 {
			t.Errorf("%+v", at)
		}
		if own := of("a"); own.Shut || own.Below > 0 {
			t.Errorf("of a: %+v", own)
		}
		if s, _ := c.stands("a", "b", c.author("a")); slices.Contains(s.Heads, other) {
			t.Errorf("what one has said is known of another: %+v", s)
		}
		conn.Close()
		c.within(time.Minute, "it is gone", func() bool { return !of("a").Linked })
	})
}

// Frames of receipts that were not agreed are an offence.
func TestReceiptsThatWereNotAgreed(t *testing.T) {
	for _, m := range []wire.Message{wire.Keeps{}, wire.Await{Head: crdt.Head{Next: 1, ID: crdt.OpID{1}}}} {
		bubble(t, "a", func(t *testing.T, c *cluster) {
			c.start()
			s := c.stranger(20, secret)
			defer s.close()
			var conn *transport.Conn = s.greet("a")
			s.send(conn, m)
			if bye := s.ends(conn); bye.Code != wire.CodeOffence {
				t.Errorf("%s: %v", m.Kind(), bye)
			}
		})
	}
}
