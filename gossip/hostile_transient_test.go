package gossip_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/wire"
)

// Transient events that no honest peer sends end the link, are counted and logged, told to nobody and
// sent to nobody.
func TestHostileTransients(t *testing.T) {
	now := time.Now
	for name, test := range map[string]struct {
		reason gossip.Reason
		frame  func(t *testing.T, s, other *stranger) []byte
	}{
		"forged signature": {"signature", func(t *testing.T, s, other *stranger) []byte {
			frame := wire.Append(nil, wire.Transient{Event: transientOf(t, s.key, "x", now(), 0)})
			frame[len(frame)-1] ^= 1
			return frame
		}},
		"forged author": {"signature", func(t *testing.T, s, other *stranger) []byte {
			frame := wire.Append(nil, wire.Transient{Hops: 1, Event: transientOf(t, s.key, "x", now(), 0)})
			return bytes.Replace(frame, s.self[:], other.self[:], 1)
		}},
		"altered payload": {"signature", func(t *testing.T, s, other *stranger) []byte {
			frame := wire.Append(nil, wire.Transient{Hops: 1, Event: transientOf(t, other.key, "subject", now(), 0)})
			return bytes.Replace(frame, []byte("subject"), []byte("SUBJECT"), 1)
		}},
		"author of small order": {"key", func(t *testing.T, s, other *stranger) []byte {
			frame := wire.Append(nil, wire.Transient{Hops: 1, Event: transientOf(t, s.key, "x", now(), 0)})
			return bytes.Replace(frame, s.self[:], append([]byte{1}, make([]byte, 31)...), 1)
		}},
		"replay from another log": {"other-log", func(t *testing.T, s, other *stranger) []byte {
			e := crdt.Event{Kind: "k", Time: now(), Retention: crdt.Transient}
			b, err := crdt.SignBroadcast(s.key, crdt.Broadcast{Event: e, Log: crdt.LogID{7}, Clock: crdt.ClockAt(now())})
			if err != nil {
				t.Fatal(err)
			}
			return wire.Append(nil, wire.Transient{Event: b})
		}},
		"another's as if it were its own": {"hops", func(t *testing.T, s, other *stranger) []byte {
			return wire.Append(nil, wire.Transient{Event: transientOf(t, other.key, "x", now(), 0)})
		}},
		"two hops": {"malformed", func(t *testing.T, s, other *stranger) []byte {
			return wire.Append(nil, wire.Transient{Hops: 2, Event: transientOf(t, other.key, "x", now(), 0)})
		}},
		"no event": {"malformed", func(t *testing.T, s, other *stranger) []byte { return wire.Append(nil, wire.Transient{}) }},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, "a b", func(t *testing.T, c *cluster) {
				ears := c.ears("a", "b")
				c.start()
				c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
				s, other := c.caller(1), c.caller(2)
				defer s.close()
				defer other.close()
				conn := s.listener("a")
				if _, err := conn.Write(test.frame(t, s, other)); err != nil {
					t.Fatal(err)
				}
				if bye := s.ends(conn); bye.Code != wire.CodeOffence {
					t.Errorf("the node said %v", bye)
				}
				c.noted("a", test.reason, 1, "may not send", "reason="+string(test.reason), s.self.Short())
				c.goOn()
				c.hears(ears, map[string][]string{"a": {}, "b": {}})
			})
		})
	}
}

// A transient event on a link where it was not agreed is malformed, whichever of the two does without.
func TestTransientThatWasNotAgreed(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		ears := c.ears("a")
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		for i, name := range c.names { // a takes them and the peer does not; b takes none
			s := c.caller(i)
			conn := s.greet(name)
			s.send(conn, wire.Transient{Event: transientOf(t, s.key, "x", time.Now(), 0)})
			if bye := s.ends(conn); bye.Code != wire.CodeOffence {
				t.Errorf("%s said %v", name, bye)
			}
			s.close()
			c.noted(name, "malformed", 1, "may not send", "not agreed")
		}
		c.hears(ears, map[string][]string{"a": {}})
	})
}

// What is old, early or repeated, of a shut author or of a newer format, is told to nobody and counted;
// its sender may be honest, and keeps its link.
func TestTransientsThatAreDropped(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		ears := c.ears("a", "b")
		s, shut := c.caller(1), c.caller(2)
		defer s.close()
		defer shut.close()
		ears["a"].shut = shut.self
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		conn := s.listener("a")
		event := func(subject string, ahead time.Duration) wire.Transient {
			return wire.Transient{Event: transientOf(t, s.key, subject, time.Now().Add(ahead), 0)}
		}
		good := event("good", 0)
		s.send(conn, event("old", -61*time.Second), event("early", 61*time.Second), good, good)
		s.send(conn, wire.Transient{Hops: 1, Event: transientOf(t, shut.key, "shut", time.Now(), 0)})
		newer := wire.Append(nil, event("newer", 0))
		newer[7] = 2 // the version, after the frame's head, the hops and the array's header
		if _, err := conn.Write(newer); err != nil {
			t.Fatal(err)
		}
		s.send(conn, event("last", 0))
		c.hears(ears, map[string][]string{"a": {"good", "last"}, "b": {"good", "last"}})
		n := c.nodes["a"].Status().Counts
		if n.TransientsStale != 2 || n.TransientsRepeated != 1 || n.TransientsRefused != 2 || n.TransientsTaken != 2 {
			t.Errorf("%+v", n)
		}
		// Sent again after more than a minute, when it may be forgotten, it is old.
		time.Sleep(61 * time.Second)
		again := c.caller(3)
		defer again.close()
		again.send(again.listener("a"), wire.Transient{Hops: 1, Event: good.Event})
		c.hears(ears, map[string][]string{"a": {"good", "last"}, "b": {"good", "last"}})
		c.blameless("b")
	})
}

// A peer that sends events without end is heard up to its quota; the rest is counted, memory is bounded,
// and the others go on.
func TestTransientFlood(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		ears := c.ears("a", "b")
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		s := c.caller(1)
		defer s.close()
		conn := s.listener("a")
		defer conn.NetConn().Close()
		large := wire.Append(nil, wire.Transient{Event: transientOf(t, s.key, "large", time.Now(), 1<<20)})
		small := wire.Append(nil, wire.Transient{Event: transientOf(t, s.key, "small", time.Now(), 0)})
		heapBound(t, 24<<20, func() {
			for range 20 {
				conn.Write(large)
			}
			for range 3000 {
				conn.Write(small)
			}
			c.goOn()
		})
		n := c.nodes["a"].Status().Counts
		if n.TransientsLimited < 1000 || n.TransientsTaken != 2 && n.TransientsTaken != 1 {
			t.Errorf("%d past the quota, %d taken", n.TransientsLimited, n.TransientsTaken)
		}
		c.blameless("a")
		ears["b"].say("still heard", 0)
		c.within(5*time.Second, "a hears b", func() bool {
			all := ears["a"].subjects()
			return len(all) > 0 && all[len(all)-1] == "still heard"
		})
	})
}
