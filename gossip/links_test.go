package gossip_test

import (
	"testing"
	"time"
)

// TestLinks: each link is told once at each end, one of which has made it, with what went over it.
func TestLinks(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.start()
		c.within(20*time.Second, "link", func() bool { return c.linked(c.names...) })
		c.nodes["b"].mem.append(t, 5)
		c.converge(20*time.Second, 5)
		var dialled, received, sent uint64
		for _, name := range c.names {
			all := c.nodes[name].Links()
			if len(all) != 2 || all[0].Author.Compare(all[1].Author) >= 0 {
				t.Fatalf("%s has the links %v, want one to each of two others by author", name, all)
			}
			for _, l := range all {
				if l.Since.IsZero() || l.Heard.Before(l.Since) || !l.Addr.IsValid() || l.Name == "" {
					t.Errorf("%s: link %+v", name, l)
				}
				if l.Dialled {
					dialled++
				}
				received, sent = received+l.Received, sent+l.Sent
			}
		}
		if dialled != 3 || received != 10 || sent < received {
			t.Errorf("of 6 ends %d have made the link, want 3; %d entries were new at theirs, want 10, and %d were sent, want no fewer", dialled, received, sent)
		}
	})
}
