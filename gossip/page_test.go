package gossip_test

import (
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/wire"
)

// A node says where it is asked over HTTP, once on a link and to a peer that takes it; what a peer says of itself is shown, and
// is an offence where it was not agreed.
func TestPagesOfPeers(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		for name, url := range map[string]string{"a": "http://a.example:8080", "b": "http://" + strings.Repeat("b", wire.MaxText)} {
			c.nodes[name].cfg = func(cfg *gossip.Config) { cfg.Page = func() string { return url } }
		}
		c.start()
		c.within(10*time.Second, "shown", func() bool {
			all := c.nodes["b"].Members()
			return len(all) == 1 && all[0].Page == "http://a.example:8080"
		})
		if all := c.nodes["a"].Members(); all[0].Page != "" {
			t.Errorf("a page that no message takes was told: %q", all[0].Page)
		}
		s := c.stranger(20, secret)
		defer s.close()
		conn := s.dial("a")
		s.send(conn, wire.Hello{Version: wire.Version, Features: wire.FeaturePage, Log: testGenesis.Log(), Name: "stranger"})
		for range 10_000 {
			s.send(conn, wire.Page{URL: "javascript:alert(1)"})
		}
		c.within(10*time.Second, "shown as it was said", func() bool {
			for _, m := range c.nodes["a"].Members() {
				if m.Page == "javascript:alert(1)" {
					return true
				}
			}
			return false
		})
		other := c.stranger(21, secret)
		defer other.close()
		conn = other.greet("a")
		other.send(conn, wire.Page{})
		if bye := other.ends(conn); bye.Code != wire.CodeOffence {
			t.Errorf("a page that was not agreed: %v", bye)
		}
	})
}
