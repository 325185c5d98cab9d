package gossip_test

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/wire"
)

// A node that cannot store what peers send goes on comparing: it knows what it lacks, and the others know
// what it lacks and what it says of itself, until there is room again.
func TestStuckNodeSaysSoEverywhere(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		b := c.nodes["b"]
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		b.mem.setFail(&os.PathError{Op: "write", Path: "quipu.db", Err: syscall.ENOSPC})
		c.nodes["a"].mem.append(t, 1)
		c.within(10*time.Second, "b is stuck", func() bool { return b.Status().Full != nil })
		b.SetConditions([]gossip.Condition{wire.ConditionStuck})
		for range 499 {
			c.nodes["a"].mem.append(t, 1)
		}
		c.within(20*time.Second, "all of it is seen on both", func() bool {
			seen, lag := c.member("a", "b"), c.member("b", "a").Behind
			return lag == 500 && seen.Lacks == 500 && slices.Equal(seen.Conditions, []gossip.Condition{wire.ConditionStuck})
		})
		time.Sleep(5 * time.Minute) // of the bubble
		if lag, asks := c.member("b", "a").Behind, b.Status().Progress.Asks; lag != 500 || asks != 0 {
			t.Errorf("after a while b is %d behind, and asks for %d", lag, asks)
		}
		b.mem.setFail(nil)
		c.converge(30*time.Second, 500)
		b.SetConditions(nil)
		c.within(20*time.Second, "all is well again", func() bool {
			seen, by := c.member("a", "b"), c.member("b", "a")
			return by.Behind == 0 && seen.Lacks == 0 && !seen.Compared.IsZero() && len(seen.Conditions) == 0
		})
		if n := b.Status().Counts.Faults["not-delivered"]; n != 0 {
			t.Errorf("a was blamed %d times for what b dropped", n)
		}
	})
}

// setFail sets what Apply returns.
func (l *memLog) setFail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = err
}

// passing is an error that the log gets over by itself.
type passing struct{ error }

func (passing) Passes() bool { return true }

// A commit that has failed, and of which the log itself finds out what became, ends nothing, and nobody is
// blamed for the time that it takes.
func TestFailedCommitIsTriedAgain(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		b := c.nodes["b"]
		b.mem.setFail(passing{syscall.EIO})
		c.start()
		c.nodes["a"].mem.append(t, 1)
		time.Sleep(10 * time.Second)
		if s := b.Status(); s.Full != nil || b.mem.Feed(c.author("a")).Next() != 0 {
			t.Errorf("full %v", s.Full)
		}
		b.mem.setFail(nil)
		c.converge(20*time.Second, 1)
	})
}

// Conditions that were not agreed are an offence; those that are not known are kept.
func TestConditionsOfStrangers(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		c.start()
		s := c.stranger(20, secret)
		defer s.close()
		conn := s.dial("a")
		s.send(conn, wire.Hello{Version: wire.Version, Features: wire.FeatureConditions, Log: testGenesis.Log(), Name: "stranger"})
		s.send(conn, wire.Conditions{List: []gossip.Condition{wire.ConditionShut, 77}})
		c.within(10*time.Second, "shown", func() bool {
			all := c.nodes["a"].Members()
			return len(all) == 1 && slices.Equal(all[0].Conditions, []gossip.Condition{wire.ConditionShut, 77})
		})
		for range 10_000 {
			s.send(conn, wire.Conditions{})
		}
		c.within(10*time.Second, "replaced", func() bool { return len(c.nodes["a"].Members()[0].Conditions) == 0 })
		s.send(conn, wire.Conditions{List: []gossip.Condition{3, 2}})
		if bye := s.ends(conn); bye.Code != wire.CodeOffence {
			t.Errorf("conditions out of order: %v", bye)
		}
		other := c.stranger(21, secret)
		defer other.close()
		conn = other.greet("a")
		other.send(conn, wire.Conditions{})
		if bye := other.ends(conn); bye.Code != wire.CodeOffence {
			t.Errorf("conditions that were not agreed: %v", bye)
		}
	})
}
