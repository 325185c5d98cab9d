package gossip_test

import (
	"testing"
	"time"

	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/wire"
)

// offBy sets the wall clock of a node off by so much.
func (c *cluster) offBy(name string, off time.Duration) {
	c.nodes[name].cfg = func(cfg *gossip.Config) { cfg.Now = func() time.Time { return time.Now().Add(off) } }
}

// TestAWallClockThatDisagreesIsSeen runs three nodes that agree and one that is off. It alone learns that it is,
// and by how much; the others see it in their members.
func TestAWallClockThatDisagreesIsSeen(t *testing.T) {
	for _, off := range []time.Duration{-61 * time.Minute, 10 * 365 * 24 * time.Hour, -20 * 365 * 24 * time.Hour} {
		bubble(t, "a b c d", func(t *testing.T, c *cluster) {
			c.offBy("d", off)
			c.start()
			near := func(got, want time.Duration) bool { return (got - want).Abs() < time.Second }
			c.within(20*time.Second, "d knows", func() bool {
				clock := c.nodes["d"].ClockOff()
				return near(clock.Off, -off) && clock.Peers == 3 && clock.Known == 3
			})
			c.within(20*time.Second, "the others see it", func() bool {
				d, b := c.member("a", "d"), c.member("a", "b")
				return d.ClockKnown && near(d.Clock, off) && b.ClockKnown && near(b.Clock, 0)
			})
			for _, name := range []string{"a", "b", "c"} {
				if clock := c.nodes[name].Status().Clock; clock.Off != 0 {
					t.Errorf("%s, which is right, is told that it is off: %+v", name, clock)
				}
			}
		})
	}
}

// TestClocksWithinAMinuteAgree: nor do two of four make most.
func TestClocksWithinAMinuteAgree(t *testing.T) {
	bubble(t, "a b c d e", func(t *testing.T, c *cluster) {
		c.offBy("b", 59*time.Second)
		c.offBy("c", 90*time.Second)
		c.offBy("d", -2*time.Minute)
		c.start()
		c.within(20*time.Second, "all are measured", func() bool {
			for _, m := range c.nodes["a"].Members() {
				if !m.ClockKnown {
					return false
				}
			}
			return len(c.nodes["a"].Members()) == 4
		})
		if clock := c.nodes["a"].ClockOff(); clock.Off != 0 || clock.Peers != 2 {
			t.Errorf("two of four disagree: %+v", clock)
		}
		c.within(20*time.Second, "c disagrees with three of four", func() bool { return c.nodes["c"].ClockOff().Peers == 3 })
		c.crash("c")
		c.crash("d")
		c.nodes["c"].cfg, c.nodes["d"].cfg = nil, nil // the clocks are set right
		c.start("c", "d")
		c.within(3*time.Minute, "they agree", func() bool {
			return c.linked(c.names...) && c.member("c", "a").ClockKnown && c.nodes["c"].ClockOff().Off == 0
		})
	})
}

// TestTimesOfStrangers: one that was not agreed is an offence; one that nobody asked for says nothing.
func TestTimesOfStrangers(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		c.start()
		s := c.stranger(20, secret)
		defer s.close()
		conn := s.dial("a")
		s.send(conn, wire.Hello{Version: wire.Version, Features: wire.FeatureTime, Log: testGenesis.Log(), Name: "stranger"})
		for round := range uint32(10_000) {
			s.send(conn, wire.Time{Round: round + 1000, Millis: wire.MaxMillis - 1})
		}
		c.within(10*time.Second, "linked", func() bool { return len(c.nodes["a"].Members()) == 1 })
		if m := c.nodes["a"].Members()[0]; m.ClockKnown || c.nodes["a"].ClockOff().Known > 0 {
			t.Errorf("a time that nobody asked for counts: %+v", m)
		}
		c.within(10*time.Second, "a time counts", func() bool {
			for round := range uint32(20) { // one of them is the round under way
				s.send(conn, wire.Time{Round: round, Millis: wire.MaxMillis - 1})
			}
			return c.nodes["a"].ClockOff().Known == 1
		})
		if off := c.nodes["a"].ClockOff().Off; off > 101*365*24*time.Hour || off < 99*365*24*time.Hour {
			t.Errorf("year 6429 is ahead by %s", off)
		}
		s.send(conn, wire.Time{Millis: wire.MaxMillis})
		if bye := s.ends(conn); bye.Code != wire.CodeOffence {
			t.Errorf("a time past all clocks: %v", bye)
		}
		other := c.stranger(21, secret)
		defer other.close()
		conn = other.greet("a")
		other.send(conn, wire.Time{Round: 1, Millis: 1})
		if bye := other.ends(conn); bye.Code != wire.CodeOffence {
			t.Errorf("a time that was not agreed: %v", bye)
		}
	})
}
