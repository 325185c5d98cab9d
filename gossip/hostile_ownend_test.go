package gossip_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wire"
)

// Peers that lie to a node that asks where its feed ends: by heads that they do not deliver, by members that do not
// exist, by ops out of their order, and by silence.

// answers greets a node with features and then answers each message as reply says, until the stream ends, or until
// it is called back.
func (s *stranger) answers(name string, features wire.Features, reply func(wire.Message) []wire.Message, held ...crdt.Head) (conn *transport.Conn) {
	s.t.Helper()
	conn = s.dial(name)
	s.send(conn, wire.Hello{Version: wire.Version, Features: features, Log: testGenesis.Log(), Name: "stranger", Held: held})
	go func() {
		for {
			m, _, err := wire.ReadFrame(conn, false)
			if err != nil {
				return
			}
			for _, m := range reply(m) {
				if _, err := conn.Write(wire.Append(nil, m)); err != nil {
					return
				}
			}
		}
	}()
	s.t.Cleanup(func() { conn.NetConn().Close() })
	return conn
}

// holdsOnly replies to offers like a node that holds nothing but heads, and delivers nothing.
func holdsOnly(heads crdt.Frontier) func(wire.Message) []wire.Message {
	return func(m wire.Message) []wire.Message {
		switch m := m.(type) {
		case wire.Offer:
			return []wire.Message{wire.Vector{Round: m.Round, Upto: lastAuthor, Heads: heads, Last: true}}
		case wire.Who:
			return []wire.Message{wire.Members{Round: m.Round}}
		}
		return nil
	}
}

// TestOwnEndThatIsOnlyClaimed: a peer that claims more of our feed and delivers nothing is asked twice, and then holds
// up nobody: it is named. What others hold comes meanwhile.
func TestOwnEndThatIsOnlyClaimed(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.past(4, map[string]int{"b": 4})
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		s := c.caller(1)
		defer s.close()
		asks := 0
		forged := crdt.Head{Next: 900, ID: crdt.OpID{9}}
		lie := holdsOnly(crdt.Frontier{c.author("a"): {forged}})
		s.answers("a", wire.FeatureWho, func(m wire.Message) []wire.Message {
			switch m.(type) {
			case wire.Missing, wire.Spans:
				asks++
			}
			return lie(m)
		})
		asked := c.ask("a", gossip.OwnEndQuestion{})
		c.within(2*time.Minute, "a knows where its feed ends", asked.over)
		if asked.err != nil || asked.end.End.Next != 4 || len(asked.end.Missing) > 0 || len(asked.end.Asked) != 2 {
			t.Fatalf("%+v, %v", asked.end, asked.err)
		}
		want := []gossip.Claim{{Author: s.self, Name: "stranger", Next: 900}}
		if !slices.Equal(asked.end.Unproven, want) {
			t.Errorf("unproven: %v", asked.end.Unproven)
		}
		if asks < 2 {
			t.Errorf("it was asked %d times", asks)
		}
	})
}

// TestOwnEndAmongMadeUpMembers: members that a peer makes up are shown, up to a bound and with who named them, and are
// waited for only while the peer, which is no member itself, is there. A list that is cut off, or was not asked for,
// does nothing.
func TestOwnEndAmongMadeUpMembers(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		s := c.caller(1)
		defer s.close()
		var made []wire.Known
		for i := range wire.MaxMembers {
			made = append(made, wire.Known{Author: crdt.Author{byte(i >> 8), byte(i), 3}, Name: "made up", Ago: uint32(i)})
		}
		nothing := holdsOnly(crdt.Frontier{})
		conn := s.answers("a", wire.FeatureWho, func(m wire.Message) []wire.Message {
			if who, ok := m.(wire.Who); ok {
				return []wire.Message{wire.Members{Round: who.Round, List: made}, wire.Members{Round: who.Round}, wire.Members{}, wire.Members{Round: who.Round + 7}}
			}
			return nothing(m)
		})
		asked := c.ask("a", gossip.OwnEndQuestion{})
		heapBound(t, 16<<20, func() { asked.waits(10 * time.Second) })
		p := c.nodes["a"].OwnEndProgress()
		if len(p.Missing) != 256 || len(p.Asked) != 2 || !slices.Contains(p.Asked, c.author("b")) {
			t.Fatalf("%d missing, asked %v", len(p.Missing), p.Asked)
		}
		for _, m := range p.Missing {
			if !slices.Equal(m.By, []crdt.Author{s.self}) || m.Name != "made up" || time.Since(m.Since) > 10*time.Minute {
				t.Fatalf("missing: %+v", m)
			}
		}
		conn.NetConn().Close()
		asked.ends(30*time.Second, 0, "b")
	})
}

// TestOwnEndOutOfOrder: an op of ours that comes without those before it shows that our feed goes on, so the asking
// does not end by itself; one that is forged shows nothing.
func TestOwnEndOutOfOrder(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		all := c.past(6, map[string]int{"a": 2, "b": 2})
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		s := c.caller(1)
		defer s.close()
		conn := s.answers("a", wire.FeatureWho, holdsOnly(crdt.Frontier{}))
		raw := slices.Clone(all[5].Bytes())
		raw[len(all[5].Signed.Bytes())-1] ^= 1
		forged, err := crdt.ParseOp(raw)
		if err != nil {
			t.Fatal(err)
		}
		asked := c.ask("a", gossip.OwnEndQuestion{})
		s.send(conn, wire.Ops{Author: c.author("a"), Run: crdt.Run{Ops: []crdt.Op{forged}}})
		c.within(30*time.Second, "a knows where its feed ends", asked.over)
		if asked.err != nil || len(asked.end.Asked) != 2 {
			t.Errorf("after a forged one: %+v, %v", asked.end, asked.err)
		}
		asked = c.ask("a", gossip.OwnEndQuestion{})
		s.send(conn, wire.Ops{Author: c.author("a"), Run: crdt.Run{Ops: all[5:]}})
		const shown = " has shown entry 5 of this node, and not those before it"
		if words := asked.waits(2 * time.Minute); words != "stranger ("+s.self.Short()+")"+shown {
			t.Errorf("missing: %s", words)
		}
		asked.cancel()
		c.within(time.Second, "it gives up", asked.over)
		if asked.err == nil || !strings.Contains(asked.err.Error(), shown) {
			t.Errorf("error: %v", asked.err)
		}
	})
}

// TestOwnEndOfASilentPeer: one that never answers is missing, whatever it says of itself, and an operator goes on
// without it. One that does not know the question for members knows of nobody.
func TestOwnEndOfASilentPeer(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		silent, old := c.caller(1), c.caller(2)
		defer silent.close()
		defer old.close()
		c.nodes["a"].cfg = func(cfg *gossip.Config) {
			cfg.Remembered = []gossip.Remembered{{Author: silent.self, Seen: time.Now()}, {Author: old.self, Seen: time.Now()}}
		}
		c.start()
		old.answers("a", 0, holdsOnly(crdt.Frontier{}))
		silent.answers("a", wire.FeatureWho, func(m wire.Message) []wire.Message {
			if offer, ok := m.(wire.Offer); ok { // of a comparison that never ends
				return []wire.Message{wire.Nodes{Round: offer.Round, Nodes: []crdt.Node{{Count: 1 << 20, Children: [16]crdt.Print{{1}}}}, Last: true}}
			}
			return nil
		})
		words := c.ask("a", gossip.OwnEndQuestion{}).waits(time.Minute)
		if !strings.Contains(words, silent.self.Short()+" has not answered yet") || strings.Contains(words, ";") {
			t.Errorf("missing: %s", words)
		}
		asked := c.ask("a", gossip.OwnEndQuestion{Without: []crdt.Author{silent.self}})
		c.within(30*time.Second, "a goes on without it", asked.over)
		if asked.err != nil || len(asked.end.Asked) != 2 || len(asked.end.Without) != 1 || len(asked.end.Missing) > 0 {
			t.Errorf("%+v, %v", asked.end, asked.err)
		}
	})
}

// TestOwnEndFromWhoHasShutUs: a peer that takes no more of our feed leaves it out of comparisons, and is asked for what it
// says in its greeting that it holds; where that is nothing new, that is its answer.
func TestOwnEndFromWhoHasShutUs(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		all := c.past(4, map[string]int{"a": 2})
		more, same := c.caller(1), c.caller(2)
		defer more.close()
		defer same.close()
		c.nodes["a"].cfg = func(cfg *gossip.Config) {
			cfg.Remembered = []gossip.Remembered{{Author: more.self, Seen: time.Now()}, {Author: same.self, Seen: time.Now()}}
		}
		c.start()
		nothing := holdsOnly(crdt.Frontier{})
		reply := func(m wire.Message) []wire.Message {
			if missing, ok := m.(wire.Missing); ok {
				ask := missing.Wants[0].Ask
				return []wire.Message{
					wire.Ops{Author: c.author("a"), Ask: ask, Run: crdt.Run{Ops: all[2:]}}, wire.Done{Ask: ask, Author: c.author("a"), Complete: true, Next: 4},
				}
			}
			return nothing(m)
		}
		same.send(same.answers("a", wire.FeatureWho, nothing, all[1].Head()), wire.Shut{Authors: []crdt.Author{c.author("a")}})
		asked := c.ask("a", gossip.OwnEndQuestion{})
		asked.waits(time.Minute)
		if p := c.nodes["a"].OwnEndProgress(); len(p.Asked) != 1 || p.Asked[0] != same.self {
			t.Errorf("asked: %v", p.Asked)
		}
		more.send(more.answers("a", wire.FeatureWho, reply, all[3].Head()), wire.Shut{Authors: []crdt.Author{c.author("a")}})
		c.within(time.Minute, "it has come", asked.over)
		if asked.err != nil || asked.end.End.Next != 4 || len(asked.end.Asked) != 2 || len(asked.end.Unproven) > 0 {
			t.Errorf("%+v, %v", asked.end, asked.err)
		}
	})
}

// TestWhoThatWasNotAgreed: the question for members, and an answer, end a link on which that was not agreed.
func TestWhoThatWasNotAgreed(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		c.start()
		for i, m := range []wire.Message{wire.Who{Round: 1}, wire.Members{Round: 1}} {
			s := c.caller(i)
			conn := s.greet("a")
			s.send(conn, m)
			if bye := s.ends(conn); bye.Code != wire.CodeOffence {
				t.Errorf("%s: %v", m.Kind(), bye)
			}
			s.close()
		}
	})
}

// TestWhoIsKnown: a node names the members that it has heard of, in order, in this run and in earlier ones, and neither
// itself, the asker, guests, nor whom others name. However often it is asked, it answers the last question.
func TestWhoIsKnown(t *testing.T) {
	bubble(t, "a b c d", func(t *testing.T, c *cluster) {
		c.nodes["a"].cfg = func(cfg *gossip.Config) {
			cfg.Remembered = []gossip.Remembered{
				{Author: crdt.AuthorOf(testKey(41)), Name: strings.Repeat("ä", 40) + "\xff", Seen: time.Now().Add(-time.Minute)},
				{Author: c.author("d"), Name: "delta", Seen: time.Now().Add(-time.Hour)},
				{Author: crdt.AuthorOf(testKey(40)), Name: "forgotten", Seen: time.Now().Add(-31 * 24 * time.Hour)},
			}
		}
		c.start("a", "b", "c")
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b", "c") })
		c.crash("c")
		c.within(30*time.Second, "c is seen to be dead", func() bool { return c.member("a", "c").State == gossip.Dead })
		time.Sleep(5 * time.Second)
		guest, s := c.caller(1), c.caller(2)
		defer guest.close()
		defer s.close()
		guest.greet("a")
		conn := s.dial("a")
		s.send(conn, wire.Hello{Version: wire.Version, Features: wire.FeatureWho, Log: testGenesis.Log(), Name: "stranger"})
		const questions = 2_000
		for round := range uint32(questions) {
			s.send(conn, wire.Who{Round: round + 1})
		}
		var last wire.Members
		for answers := 0; last.Round < questions; answers++ {
			last = s.until(conn, wire.KindMembers).(wire.Members)
			if answers > questions {
				t.Fatal("more answers than questions")
			}
		}
		got := make(map[string]uint32)
		for _, k := range last.List {
			got[k.Name] = k.Ago
		}
		if len(got) != 4 || got[strings.Repeat("ä", 32)] < 60 || got["b"] > 10 || got["c"] < 5 || got["c"] > 60 || got["delta"] < 3600 || got["delta"] > 3700 {
			t.Errorf("known: %v", last.List)
		}
	})
}
