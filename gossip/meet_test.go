package gossip_test

import (
	"testing"
	"time"
)

// TestACopyIsMet starts a node and a copy of it, which know of each other from a third alone. The two link,
// whoever came first, and keep one stream.
func TestACopyIsMet(t *testing.T) {
	for _, order := range [][]string{{"a", "c", "copy"}, {"c", "copy", "a"}} {
		bubble(t, "a c copy", func(t *testing.T, c *cluster) {
			c.copies(1, "c", "a", "copy")
			for _, name := range order {
				c.start(name)
				time.Sleep(5 * time.Second)
			}
			both := func() bool { return c.member("a", "copy").Linked && c.member("copy", "a").Linked }
			c.within(time.Minute, "the copies are linked", both)
			_, dials := c.traffic()
			time.Sleep(time.Minute)
			if _, now := c.traffic(); now-dials > 40 || !both() {
				t.Errorf("%d dials in a minute, linked %t", now-dials, both())
			}
		})
	}
}
