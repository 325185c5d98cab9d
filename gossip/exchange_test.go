package gossip_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
)

// dialOnly makes a node of the cluster one that takes no port and joins nobody.
func (c *cluster) dialOnly(name string) {
	c.nodes[name].cfg = func(cfg *gossip.Config) { cfg.DialOnly, cfg.Listen, cfg.Join = true, "", nil }
}

// A node that is never in the cluster gets in sync with it, both ways, and nobody can reach it.
func TestExchangeWithoutJoining(t *testing.T) {
	bubble(t, "a b c d", func(t *testing.T, c *cluster) {
		c.dialOnly("d")
		c.nodes["d"].mem.append(t, 7)
		c.nodes["a"].mem.append(t, 300)
		c.nodes["b"].mem.append(t, 20)
		c.start()
		c.within(20*time.Second, "a, b and c are equal", func() bool { return c.equal("a", "b", "c") })
		began := time.Now()
		x, err := c.nodes["d"].Exchange(t.Context(), c.addr("b"))
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the exchange took %s", took)
		}
		if x.Peer != c.author("b") || x.Name != "b" || x.Received != 320 || x.Sent != 7 {
			t.Errorf("exchanged %+v", x)
		}
		c.converge(5*time.Second, 327)
		for _, name := range []string{"a", "b", "c"} {
			if n := len(c.nodes[name].Members()); n != 2 {
				t.Errorf("%s knows %d members, want 2", name, n)
			}
		}
		if n := c.nodes["d"].Members(); len(n) != 0 {
			t.Errorf("the link is still there: %v", n)
		}
		c.nodes["d"].mem.append(t, 1)
		if x, err = c.nodes["d"].Exchange(t.Context(), c.addr("c")); err != nil || x.Sent != 1 || x.Received != 0 {
			t.Errorf("the second exchange: %+v, %v", x, err)
		}
	})
}

// While both sides go on writing, an exchange ends all the same: it is for what was there when it began.
func TestExchangeWhileBothSidesWrite(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.dialOnly("c")
		c.nodes["c"].mem.append(t, 5)
		c.nodes["a"].mem.append(t, 5)
		c.start()
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case <-stop:
					return
				case <-time.After(3 * time.Millisecond):
					c.nodes["a"].mem.append(t, 1)
					c.nodes["c"].mem.append(t, 1)
				}
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		x, err := c.nodes["c"].Exchange(ctx, c.addr("a"))
		close(stop)
		<-done
		if err != nil || x.Received < 5 || x.Sent < 5 {
			t.Errorf("%+v, %v", x, err)
		}
	})
}

func TestExchangeNamesWhyItFailed(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.dialOnly("b")
		c.start("b")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if x, err := c.nodes["b"].Exchange(ctx, c.addr("a")); err == nil {
			t.Errorf("exchanged with nobody: %+v", x)
		}
		if _, err := c.nodes["b"].Exchange(ctx, "no port"); err == nil {
			t.Error("an address without a port was taken")
		}
	})
}

func TestWaitCaughtUp(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		for range 100 {
			c.nodes["a"].mem.append(t, 100)
		}
		c.start("a", "b")
		c.within(20*time.Second, "a and b are equal", func() bool { return c.equal("a", "b") && c.linked("a", "b") })
		c.start("c")
		stop, done := make(chan struct{}), make(chan struct{})
		go func() { // Live traffic goes on.
			defer close(done)
			for {
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Millisecond):
					c.nodes["b"].mem.append(t, 1)
				}
			}
		}()
		began := time.Now()
		if err := c.nodes["c"].WaitCaughtUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := c.nodes["c"].log.Feed(c.author("a")).Next(); n != 10000 {
			t.Errorf("caught up with %d entries of 10,000", n)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
		close(stop)
		<-done
	})
}

// With nobody to catch up with, there is nothing to wait for; with somebody who does not answer there is.
func TestWaitCaughtUpAlone(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		c.start()
		if err := c.nodes["a"].WaitCaughtUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.start("b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.nodes["b"].WaitCaughtUp(ctx); err == nil {
			t.Error("caught up with nobody")
		}
	})
}

// Two nodes that hold different branches of one feed have both after an exchange, whichever is longer.
func TestExchangeOfBranches(t *testing.T) {
	for _, longer := range []string{"b", "d"} {
		t.Run(longer, func(t *testing.T) {
			bubble(t, "b d", func(t *testing.T, c *cluster) {
				c.dialOnly("d")
				author := newMemLog(testKey(imageKey), testGenesis)
				base := crdt.Run{Ops: []crdt.Op{author.append(t, 1), author.append(t, 1)}}
				for i, name := range []string{"b", "d"} {
					twin := newMemLog(testKey(imageKey), testGenesis)
					twin.put(t, base)
					run := base
					for range map[bool]int{true: 1500, false: 700}[name == longer] {
						run.Ops = append(run.Ops[:len(run.Ops):len(run.Ops)], twin.append(t, i+1))
					}
					c.nodes[name].mem.put(t, run)
				}
				c.start()
				x, err := c.nodes["d"].Exchange(t.Context(), c.addr("b"))
				if err != nil {
					t.Fatal(err)
				}
				if c.branches("b") != 2 || c.branches("d") != 2 || !c.equal("b", "d") {
					t.Errorf("%+v, and b has %d branches, d %d", x, c.branches("b"), c.branches("d"))
				}
			})
		})
	}
}

// A node without room for what comes ends an exchange and says why, instead of waiting for room.
func TestExchangeOnAFullDisk(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.dialOnly("b")
		c.nodes["a"].mem.append(t, 10)
		c.nodes["b"].mem.fail = &os.PathError{Op: "write", Path: "quipu.db", Err: syscall.ENOSPC}
		c.start()
		began := time.Now()
		_, err := c.nodes["b"].Exchange(t.Context(), c.addr("a"))
		if !errors.Is(err, syscall.ENOSPC) || time.Since(began) > 30*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		if c.nodes["b"].Status().Full == nil {
			t.Error("the status does not say that there is no room")
		}
		// The other side: it takes nothing.
		c.nodes["b"].mem.mu.Lock()
		c.nodes["b"].mem.fail = nil
		c.nodes["b"].mem.mu.Unlock()
		c.nodes["b"].mem.append(t, 10)
		c.nodes["a"].mem.mu.Lock()
		c.nodes["a"].mem.fail = &os.PathError{Op: "write", Path: "quipu.db", Err: syscall.ENOSPC}
		c.nodes["a"].mem.mu.Unlock()
		began = time.Now()
		if _, err := c.nodes["b"].Exchange(t.Context(), c.addr("a")); err == nil || time.Since(began) > 2*time.Minute {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}
