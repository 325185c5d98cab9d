package gossip_test

import (
	"testing"
	"time"

	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/wire"
)

// Linked nodes know of each other which program they run, and nothing of one that says nothing or is gone.
func TestVersionsAreKnown(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		for name, version := range map[string]string{"a": "v1.2.3", "b": "v1.3.0\xff"} {
			c.nodes[name].cfg = func(cfg *gossip.Config) { cfg.Version = version }
		}
		c.start()
		c.within(10*time.Second, "they know", func() bool {
			return c.linked(c.names...) && c.member("b", "a").Version == "v1.2.3" && c.member("a", "b").Version == "v1.3.0?"
		})
		if v := c.member("a", "c").Version; v != "" {
			t.Errorf("one that has said nothing is said to be %q", v)
		}
		c.crash("b")
		c.within(time.Minute, "it is gone", func() bool { return !c.member("a", "b").Linked })
		if v := c.member("a", "b").Version; v != "" {
			t.Errorf("one that is gone is said to be %q", v)
		}
	})
}

// A version that was not agreed is an offence, and its last one counts; one that knows nothing of versions is told none.
func TestVersionsOfStrangers(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		c.nodes["a"].cfg = func(cfg *gossip.Config) { cfg.Version = "v1.2.3" }
		c.start()
		s := c.stranger(20, secret)
		defer s.close()
		conn := s.dial("a")
		s.send(conn, wire.Hello{Version: wire.Version, Features: wire.FeatureProgram, Log: testGenesis.Log(), Name: "stranger"})
		if m, ok := s.next(conn).(wire.Hello); !ok || m.Features&wire.FeatureProgram == 0 {
			t.Errorf("the greeting is %v", m)
		}
		if m := s.next(conn); m != (wire.Program{Version: "v1.2.3"}) {
			t.Errorf("the first word after it is %v", m)
		}
		for range 10_000 {
			s.send(conn, wire.Program{Version: "first"})
		}
		s.send(conn, wire.Program{Version: "last"})
		c.within(10*time.Second, "the last counts", func() bool {
			all := c.nodes["a"].Members()
			return len(all) == 1 && all[0].Version == "last"
		})
		other := c.stranger(21, secret)
		defer other.close()
		conn = other.greet("a")
		other.send(conn, wire.Program{Version: "v1"})
		for {
			switch m := other.next(conn).(type) {
			case wire.Program:
				t.Fatal("it is told a version")
			case wire.Bye:
				if m.Code != wire.CodeOffence {
					t.Errorf("a version that was not agreed: %v", m)
				}
				return
			}
		}
	})
}
