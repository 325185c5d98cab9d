package gossip_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
)

// TestAskOwnEnd asks where a feed ends while a peer holds more of it than can be stored here, and again once it
// has come; and with nobody to ask.
func TestAskOwnEnd(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		before := newMemLog(testKey(0), testGenesis)
		c.nodes["b"].mem.put(t, crdt.Run{Ops: []crdt.Op{before.append(t, 1), before.append(t, 1)}})
		c.nodes["a"].mem.setFail(&os.PathError{Op: "write", Path: "quipu.db", Err: syscall.ENOSPC})
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked(c.names...) })
		ask := func() (gossip.OwnEnd, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			return c.nodes["a"].AskOwnEnd(ctx, gossip.OwnEndQuestion{Alone: true})
		}
		if _, err := ask(); err == nil || !strings.Contains(err.Error(), "b (") || !strings.Contains(err.Error(), "holds entries of this node") {
			t.Errorf("while b holds more: %v", err)
		}
		c.nodes["a"].mem.setFail(nil)
		c.converge(20*time.Second, 2)
		end, err := ask()
		if err != nil || end.End.Next != 2 || len(end.Asked) != 1 || end.Asked[0] != c.author("b") || len(end.Missing) > 0 {
			t.Errorf("once it has come: %+v, %v", end, err)
		}
		c.crash("b")
		c.within(30*time.Second, "b is gone", func() bool { return !c.member("a", "b").Linked })
		end, err = ask()
		if !errors.Is(err, gossip.ErrNobodyAsked) || end.End.Next != 2 || len(end.Missing) != 1 || end.Missing[0].Author != c.author("b") {
			t.Errorf("with nobody linked: %+v, %v", end, err)
		}
	})
}

// asking is a call of AskOwnEnd that goes on.
type asking struct {
	c      *cluster
	name   string
	cancel context.CancelFunc
	done   chan struct{}
	end    gossip.OwnEnd // after done
	err    error         // likewise
}

// ask begins to ask where a node's feed ends.
func (c *cluster) ask(name string, q gossip.OwnEndQuestion) *asking {
	a := &asking{c: c, name: name, done: make(chan struct{})}
	var ctx context.Context
	ctx, a.cancel = context.WithCancel(context.Background())
	c.t.Cleanup(a.cancel)
	g := c.nodes[name].Gossip
	go func() {
		defer close(a.done)
		a.end, a.err = g.AskOwnEnd(ctx, q)
	}()
	return a
}

// over reports whether it has returned.
func (a *asking) over() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// ends waits until it has returned that the feed ends before next, and that these were asked.
func (a *asking) ends(d time.Duration, next uint64, asked ...string) {
	a.c.t.Helper()
	a.c.within(d, a.name+" knows where its feed ends", a.over)
	want := make(map[crdt.Author]bool)
	for _, name := range asked {
		want[a.c.author(name)] = true
	}
	got := make(map[crdt.Author]bool)
	for _, author := range a.end.Asked {
		got[author] = true
	}
	if a.err != nil || a.end.End.Next != next || fmt.Sprint(got) != fmt.Sprint(want) {
		a.c.t.Fatalf("%s: %+v, %v; want the end %d and %v asked", a.name, a.end, a.err, next, asked)
	}
}

// waits checks that it has not returned after d, and returns who is missing, in words.
func (a *asking) waits(d time.Duration) string {
	a.c.t.Helper()
	time.Sleep(d)
	if a.over() {
		a.c.t.Fatalf("%s: it has ended: %+v, %v", a.name, a.end, a.err)
	}
	var words []string
	for _, m := range a.c.nodes[a.name].OwnEndProgress().Missing {
		words = append(words, m.String())
	}
	return strings.Join(words, "; ")
}

// past gives the named nodes the first ops of what a wrote before it lost its log, in order, and returns all.
func (c *cluster) past(ops int, held map[string]int) []crdt.Op {
	c.t.Helper()
	before := newMemLog(testKey(0), testGenesis)
	var all []crdt.Op
	for range ops {
		all = append(all, before.append(c.t, 1))
	}
	for name, n := range held {
		c.nodes[name].mem.put(c.t, crdt.Run{Ops: all[:n]})
	}
	return all
}

// TestOwnEndWaitsForAll: a node that has lost its log asks a member that it has never met, of which the others know,
// and that alone holds the end of its feed.
func TestOwnEndWaitsForAll(t *testing.T) {
	bubble(t, "a b c d", func(t *testing.T, c *cluster) {
		c.past(7, map[string]int{"b": 2, "c": 5, "d": 7})
		seen := time.Now().Add(-48 * time.Hour)
		c.nodes["b"].cfg = func(cfg *gossip.Config) {
			cfg.Remembered = []gossip.Remembered{{Author: c.author("d"), Name: "delta", Seen: seen, Addrs: []string{c.addr("d")}}}
		}
		c.start("a", "b", "c")
		asked := c.ask("a", gossip.OwnEndQuestion{})
		c.within(20*time.Second, "all else has come", func() bool { return c.nodes["a"].mem.Feed(c.author("a")).Next() == 5 })
		words := asked.waits(30 * time.Second)
		if !strings.HasPrefix(words, "delta (") || !strings.Contains(words, c.author("b").Short()+" says") || strings.Contains(words, ";") {
			t.Errorf("missing: %s", words)
		}
		p := c.nodes["a"].OwnEndProgress()
		if off := p.Missing[0].Since.Sub(seen); off.Abs() > 2*time.Second {
			t.Errorf("it was last heard of %s after it was", off)
		}
		if p.Entries != 5 || p.End.Next != 5 || p.Claimed != 5 || len(p.From) == 0 || len(p.Asked) != 2 {
			t.Errorf("progress: %+v", p)
		}
		c.start("d")
		asked.ends(2*time.Minute, 7, "b", "c", "d")
		if c.nodes["a"].OwnEndProgress() != nil {
			t.Error("it shows progress when it is over")
		}
	})
}

// TestOwnEndWithout: an operator goes on without whoever is missing, by name or after a while.
func TestOwnEndWithout(t *testing.T) {
	bubble(t, "a b lost", func(t *testing.T, c *cluster) {
		c.nodes["a"].seed = []string{c.addr("b"), "192.0.2.1:1"}
		c.nodes["a"].cfg = func(cfg *gossip.Config) {
			cfg.Remembered = []gossip.Remembered{
				{Author: c.author("lost"), Name: "lost", Seen: time.Now().Add(-29 * 24 * time.Hour), Addrs: []string{c.addr("lost")}},
				{Author: crdt.AuthorOf(testKey(40)), Name: "forgotten", Seen: time.Now().Add(-31 * 24 * time.Hour), Addrs: []string{c.addr("lost")}},
			}
		}
		c.start("a", "b")
		words := c.ask("a", gossip.OwnEndQuestion{}).waits(time.Minute)
		if !strings.Contains(words, "lost (") || !strings.Contains(words, "192.0.2.1:1 has not answered yet: ") || strings.Contains(words, "forgotten") {
			t.Errorf("missing: %s", words)
		}
		lost := []crdt.Author{c.author("lost")}
		for what, q := range map[string]gossip.OwnEndQuestion{
			"by name":       {Without: lost, Places: []string{"192.0.2.1:1"}},
			"after a while": {After: time.Minute},
			"either":        {Without: lost, After: time.Minute},
		} {
			asked := c.ask("a", q)
			if q.After > 0 {
				asked.waits(50 * time.Second)
			}
			asked.ends(20*time.Second, 0, "b")
			if got := gossip.Authors(asked.end.Without); !slices.Equal(got, lost) || len(asked.end.Missing) > 0 ||
				!slices.Equal(gossip.Places(asked.end.Without), []string{"192.0.2.1:1"}) {
				t.Errorf("%s: without %v, missing %v", what, asked.end.Without, asked.end.Missing)
			}
		}
		c.ask("a", gossip.OwnEndQuestion{Without: lost}).waits(time.Minute)
		alone := c.ask("a", gossip.OwnEndQuestion{Alone: true})
		alone.ends(time.Minute, 0, "b")
		if len(alone.end.Missing) != 2 || len(alone.end.Without) > 0 {
			t.Errorf("alone: %+v", alone.end)
		}
	})
}

// TestOwnEndBesideAGhost: a member that a peer names, and says at any time that it has just heard of it, does not put off
// what was to be after a while.
func TestOwnEndBesideAGhost(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		ghost := crdt.AuthorOf(testKey(40))
		c.nodes["b"].cfg = func(cfg *gossip.Config) {
			cfg.Remembered = []gossip.Remembered{{Author: ghost, Name: "ghost", Seen: time.Now().Add(time.Hour), Addrs: []string{"192.0.2.1:1"}}}
		}
		c.start("a", "b")
		asked := c.ask("a", gossip.OwnEndQuestion{After: time.Minute})
		if words := asked.waits(50 * time.Second); !strings.Contains(words, "ghost (") {
			t.Errorf("missing: %s", words)
		}
		asked.ends(20*time.Second, 0, "b")
		if got := gossip.Authors(asked.end.Without); !slices.Equal(got, []crdt.Author{ghost}) {
			t.Errorf("without %v", got)
		}
	})
}

// TestOwnEndSoftly: one peer is enough, and what it brings ends the asking.
func TestOwnEndSoftly(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		all := c.past(5, map[string]int{"a": 3, "b": 3})
		c.nodes["a"].seed = []string{c.addr("b"), c.addr("c")}
		c.start("a", "b")
		asked := c.ask("a", gossip.OwnEndQuestion{Soft: true})
		asked.ends(5*time.Second, 3, "b")
		if len(asked.end.Missing) != 1 {
			t.Errorf("missing: %v", asked.end.Missing)
		}
		c.nodes["c"].mem.put(t, crdt.Run{Ops: all})
		again := c.ask("a", gossip.OwnEndQuestion{})
		again.waits(10 * time.Second)
		soft := c.ask("a", gossip.OwnEndQuestion{Soft: true})
		soft.ends(5*time.Second, 3, "b")
		c.nodes["b"].mem.put(t, crdt.Run{Ops: all})
		soft = c.ask("a", gossip.OwnEndQuestion{Soft: true})
		c.within(5*time.Second, "it has come", soft.over)
		if soft.err != nil || soft.end.End.Next != 5 {
			t.Errorf("what b holds: %+v, %v", soft.end, soft.err)
		}
	})
}

// TestOwnFeedInSpans: a long feed of our own comes from all who have it, none of it twice.
func TestOwnFeedInSpans(t *testing.T) {
	bubble(t, "a b c d", func(t *testing.T, c *cluster) {
		before := newMemLog(testKey(0), testGenesis)
		var run crdt.Run
		const ops = 1500
		for range ops {
			run.Ops = append(run.Ops, before.appendBig(t, 8<<10))
		}
		for _, name := range c.names[1:] {
			c.nodes[name].mem.put(t, run)
			c.net.SetBandwidth(c.net.Host(name).Name(), c.net.Host("a").Name(), 4<<20)
		}
		c.start()
		c.ask("a", gossip.OwnEndQuestion{}).ends(time.Minute, ops, "b", "c", "d")
		sum := 0
		for _, name := range c.names[1:] {
			n := c.nodes[name].mem.serves(c.author("a"))
			if sum += n; n < ops/10 {
				t.Errorf("%s sent %d ops of %d", name, n, ops)
			}
		}
		if sum > ops*6/5 {
			t.Errorf("%d ops were read to send %d", sum, ops)
		}
	})
}

// TestOwnEndOfManyMembers: those are asked, too, with whom a node is not linked where there are many.
func TestOwnEndOfManyMembers(t *testing.T) {
	names := "a b c d e f g h i j k l m n"
	bubble(t, names, func(t *testing.T, c *cluster) {
		c.past(9, map[string]int{"n": 9, "j": 4})
		c.net.SetDelay(120*time.Millisecond, 150*time.Millisecond)
		for _, name := range c.names[2:] {
			c.nodes[name].seed = []string{c.addr("b")}
		}
		c.start(c.names[1:]...)
		c.within(time.Minute, "all are members", func() bool {
			return !slices.ContainsFunc(c.names[1:], func(name string) bool { return len(c.nodes[name].Members()) != len(c.names)-2 })
		})
		c.start("a")
		c.ask("a", gossip.OwnEndQuestion{}).ends(2*time.Minute, 9, c.names[1:]...)
		c.within(time.Minute, "the links that were only to ask have gone", func() bool {
			linked := 0
			for _, m := range c.nodes["a"].Members() {
				if m.Linked {
					linked++
				}
			}
			return linked <= 20
		})
	})
}
