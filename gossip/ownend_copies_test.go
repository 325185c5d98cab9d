package gossip_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/gossip"
)

// TestOwnEndBesideACopy: whoever is linked with another process that has its key does not learn where its feed ends, and
// is told at which address that runs.
func TestOwnEndBesideACopy(t *testing.T) {
	bubble(t, "c one two", func(t *testing.T, c *cluster) {
		c.copies(3, "c", "one", "two")
		c.start("c", "one", "two")
		c.within(30*time.Second, "they are linked", func() bool { return c.member("one", "two").Linked && c.member("two", "one").Linked })
		one := c.ask("one", gossip.OwnEndQuestion{})
		two := c.ask("two", gossip.OwnEndQuestion{Alone: true})
		c.within(30*time.Second, "both know of each other", func() bool { return one.over() && two.over() })
		for _, a := range []*asking{one, two} {
			if !errors.Is(a.err, gossip.ErrCopyRuns) || !strings.Contains(a.err.Error(), "(at 10.0.0.") {
				t.Errorf("%s: %+v, %v", a.name, a.end, a.err)
			}
		}
	})
}

// TestTwoCopiesThatAskAtOnce: two copies that cannot reach each other, and ask at once, do not both end: a peer of both
// names the one to the other. When one is gone, the other ends.
func TestTwoCopiesThatAskAtOnce(t *testing.T) {
	for range 8 {
		bubble(t, "c d one two", func(t *testing.T, c *cluster) {
			c.copies(3, "c", "one", "two")
			for _, name := range c.names {
				c.net.Host(name)
			}
			c.net.Block("one", "two")
			c.start("c", "d")
			c.within(10*time.Second, "linked", func() bool { return c.linked("c", "d") })
			c.start("one", "two")
			one, two := c.ask("one", gossip.OwnEndQuestion{}), c.ask("two", gossip.OwnEndQuestion{})
			time.Sleep(time.Minute)
			if one.over() && two.over() {
				t.Fatalf("both have ended: %v and %v", one.end, two.end)
			}
			waiting, other := one, "two"
			if one.over() {
				waiting, other = two, "one"
			}
			if words := waiting.waits(0); !strings.Contains(words, "is another process with this node's key, as "+c.author("c").Short()) &&
				!strings.Contains(words, "is another process with this node's key, as "+c.author("d").Short()) {
				t.Errorf("missing: %s", words)
			}
			c.crash(other)
			waiting.ends(time.Minute, 3, "c", "d")
		})
	}
}

// TestOwnEndWhileTheOriginalWrites: a copy that cannot reach its original, and whose peer names nobody, sees entries
// come that were written meanwhile: somebody writes with its key.
func TestOwnEndWhileTheOriginalWrites(t *testing.T) {
	bubble(t, "c d copy original", func(t *testing.T, c *cluster) {
		c.copies(3, "c", "copy", "original")
		for _, name := range c.names {
			c.net.Host(name)
		}
		c.net.Block("copy", "original")
		c.net.Block("copy", "d")
		c.net.Block("original", "c") // which hears of it by d alone
		c.nodes["original"].seed = []string{c.addr("d")}
		c.start()
		asked := c.ask("copy", gossip.OwnEndQuestion{})
		asked.waits(20 * time.Second) // for d
		c.nodes["original"].mem.append(t, 1)
		c.within(20*time.Second, "the copy sees it", asked.over)
		if !errors.Is(asked.err, gossip.ErrCopyRuns) || !strings.Contains(asked.err.Error(), "c ("+c.author("c").Short()+") has got entry 3 from it") {
			t.Errorf("%+v, %v", asked.end, asked.err)
		}
		again := c.ask("copy", gossip.OwnEndQuestion{Soft: true})
		c.within(time.Second, "it knows that still", again.over)
		if !errors.Is(again.err, gossip.ErrCopyRuns) {
			t.Errorf("%+v, %v", again.end, again.err)
		}
		c.crash("original")
		time.Sleep(11 * time.Minute)
		c.ask("copy", gossip.OwnEndQuestion{Soft: true}).ends(10*time.Second, 4, "c")
	})
}
