package gossip_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/find"
)

// A seed may be reached at another address than it announces: once it is a member, it is left alone.
func TestSeedAtAnotherAddress(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		// What a announces reaches nobody; its real address is known from the command line.
		c.nodes["a"].seed = nil
		c.nodes["a"].cfg = func(cfg *gossip.Config) { cfg.Advertise = "10.77.0.1:7946" }
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		before := c.net.Traffic("b", "a").Dials
		time.Sleep(10 * time.Second)
		if n := c.net.Traffic("b", "a").Dials - before; n > 30 {
			t.Errorf("b dialled a %d times in 10 s", n)
		}
		c.nodes["a"].mem.append(t, 1)
		c.converge(time.Second, 1)
	})
}

// A node that is its own seed finds that out and lets itself be.
func TestSeedIsTheNodeItself(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.nodes["a"].seed = []string{c.addr("a")}
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		time.Sleep(time.Minute)
		if n := c.net.Traffic("a", "a").Dials; n > 15 {
			t.Errorf("a dialled itself %d times in a minute", n)
		}
	})
}

// Addresses can be added while the node runs.
func TestJoinWhileRunning(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.nodes["a"].seed, c.nodes["b"].seed = nil, nil
		c.start()
		time.Sleep(10 * time.Second)
		if n := len(c.nodes["a"].Members()); n != 0 {
			t.Fatalf("%d members without a seed", n)
		}
		if err := c.nodes["b"].Join(c.addr("a")); err != nil {
			t.Fatal(err)
		}
		c.within(2*time.Second, "linked", func() bool { return c.linked("a", "b") })
	})
}

// A member that crashes is found by the others when it is back, though it knows nobody: its link ends before the
// membership takes it for dead.
func TestACrashedMemberIsFoundAgain(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.nodes["a"].seed = nil
		c.start()
		c.within(10*time.Second, "a member", func() bool { return c.member("a", "b").State == gossip.Alive })
		c.crash("b")
		time.Sleep(time.Minute)
		c.nodes["b"].seed = nil
		c.start("b")
		c.within(15*time.Second, "linked again", func() bool { return c.linked("a", "b") })
	})
}

// Members that were only heard of, not named on the command line, are found again after a partition
// in which each side has given the other up.
func TestLostMembersAreFoundAgain(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.nodes["a"].seed = nil
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b", "c") })
		c.stop("a") // the only seed
		c.net.Partition([]string{"b"}, []string{"c"})
		c.nodes["b"].mem.append(t, 1)
		time.Sleep(10 * time.Minute)
		c.net.Heal()
		c.converge(15*time.Second, 1, "b", "c")
		c.within(15*time.Second, "alive again", func() bool { return c.member("b", "c").State == gossip.Alive })
	})
}

// A higher author that the lower one cannot dial dials itself.
func TestOnlyOneWayOfDialling(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		lower, higher := "a", "b"
		if c.author("a").Compare(c.author("b")) > 0 {
			lower, higher = "b", "a"
		}
		c.nodes[lower].seed = []string{c.addr(higher)}
		c.nodes[higher].seed = nil
		// The lower one learns an address of the higher one where nobody answers.
		c.nodes[higher].cfg = func(cfg *gossip.Config) { cfg.Advertise = "10.77.0.1:7946" }
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		c.net.Cut("a", "b")
		c.within(15*time.Second, "linked again", func() bool { return c.linked("a", "b") })
	})
}

// Status and members can be asked for at any time.
func TestBeforeAndAfterRun(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		g, err := gossip.New(gossip.Config{Log: c.nodes["a"].log, Key: testKey(0), Secret: secret, Listen: port, Network: c.net.Host("a"), Advertise: c.addr("a")})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(g.Members()); n != 0 || g.Status().Self != c.author("a") {
			t.Errorf("%d members, status %+v", n, g.Status())
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		c.start("a")
		running := c.nodes["a"].Gossip
		c.stop("a")
		if n := len(running.Members()); n != 0 {
			t.Errorf("%d members after the end", n)
		}
	})
}

// zone is a DNS zone in memory: names with the addresses, or the targets, that they lead to.
type zone struct {
	mu sync.Mutex
	// The fields below are guarded by mu.

	addrs    map[string][]string
	services map[string][]*net.SRV
	asked    map[string]int
}

func newZone() *zone {
	return &zone{addrs: make(map[string][]string), services: make(map[string][]*net.SRV), asked: make(map[string]int)}
}

// set replaces the addresses of a name; without any, there is no such name.
func (z *zone) set(name string, addrs ...string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.addrs[name] = addrs
}

// questions returns how often the addresses of a name were asked for.
func (z *zone) questions(name string) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked[name]
}

func (z *zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked[host]++
	var ips []netip.Addr
	for _, a := range z.addrs[host] {
		ips = append(ips, netip.MustParseAddr(a))
	}
	if len(ips) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return ips, nil
}

func (z *zone) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if len(z.services[name]) == 0 {
		return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return name, z.services[name], nil
}

// seeds returns the seeds of a node as "ADDRESS SOURCE", and whether each is joined.
func (c *cluster) seeds(name string) map[string]bool {
	seeds := make(map[string]bool)
	for _, s := range c.nodes[name].Seeds() {
		seeds[fmt.Sprint(s.Addr, " ", s.Source)] = s.Joined
	}
	return seeds
}

// A name that leads to all nodes is followed as nodes come and go, as with a Kubernetes headless
// service.
func TestJoinByName(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		z := newZone()
		ip := func(name string) string { return c.net.Host(name).Addr().String() }
		z.set("quipu.svc", ip("a"), ip("b"))
		for _, n := range c.nodes {
			n.seed = []string{"dns+quipu.svc:7946"}
			n.cfg = func(cfg *gossip.Config) { cfg.Resolver = z }
		}
		c.start("a", "b")
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		c.within(10*time.Second, "joined by name", func() bool { return c.seeds("a")["dns+quipu.svc:7946 configured"] })

		z.set("quipu.svc", ip("a"), ip("b"), ip("c"))
		c.start("c")
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b", "c") })
		c.within(time.Minute, "c is a seed of a", func() bool { return c.seeds("a")[c.addr("c")+" dns"] })

		c.stop("c")
		z.set("quipu.svc", ip("a"), ip("b"))
		want := map[string]bool{"dns+quipu.svc:7946 configured": true, c.addr("a") + " dns": false, c.addr("b") + " dns": true}
		c.within(time.Minute, "c is no seed any more", func() bool { return cmp.Equal(c.seeds("a"), want) })

		before := z.questions("quipu.svc")
		time.Sleep(10 * time.Minute)
		if n := z.questions("quipu.svc") - before; n < 20 || n > 60 {
			t.Errorf("two nodes asked %d times in 10 minutes", n)
		}
	})
}

// SRV records give the ports.
func TestJoinByService(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		z := newZone()
		z.set("a.svc", c.net.Host("a").Addr().String())
		z.services["_quipu._tcp.svc"] = []*net.SRV{{Target: "a.svc.", Port: 7946}}
		c.nodes["a"].seed = nil
		c.nodes["b"].seed = []string{"dnssrv+_quipu._tcp.svc"}
		c.nodes["b"].cfg = func(cfg *gossip.Config) { cfg.Resolver = z }
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
	})
}

// A name that cannot be resolved is said to be so, once, and asked for again; what it led to before is
// still tried.
func TestNameWithoutAnswer(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		z := newZone()
		c.nodes["a"].seed = nil
		c.nodes["b"].seed = []string{"dns+quipu.svc:7946"}
		c.nodes["b"].cfg = func(cfg *gossip.Config) { cfg.Resolver = z }
		c.start()
		time.Sleep(time.Minute)
		err := c.nodes["b"].Seeds()[0].Err
		if dns, ok := errors.AsType[*net.DNSError](err); !ok || dns.Name != "quipu.svc" || !strings.Contains(err.Error(), "dns+quipu.svc:7946") {
			t.Fatalf("error %v", err)
		}
		if n := c.nodes["b"].lines.has("level=WARN", "dns+quipu.svc:7946"); n != 1 {
			t.Errorf("%d warnings in a minute", n)
		}
		z.set("quipu.svc", c.net.Host("a").Addr().String())
		c.within(15*time.Second, "linked", func() bool { return c.linked("a", "b") })
		z.set("quipu.svc")
		c.within(time.Minute, "the name fails", func() bool { return c.nodes["b"].Seeds()[0].Err != nil })
		if !c.seeds("b")[c.addr("a")+" dns"] {
			t.Errorf("seeds %v", c.seeds("b"))
		}
	})
}

// Nodes that were all down find each other by what they remember, without being told anything.
func TestJoinByMemory(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		for name, n := range c.nodes {
			var remembered []gossip.Remembered
			for _, other := range c.names {
				if other != name {
					remembered = append(remembered, gossip.Remembered{Author: c.author(other), Addrs: []string{c.addr(other)}})
				}
			}
			n.seed = nil
			n.cfg = func(cfg *gossip.Config) { cfg.Remembered = remembered }
		}
		c.start("a")
		time.Sleep(time.Hour) // The others are not there yet.
		for _, s := range c.nodes["a"].Seeds() {
			if s.Tries < 20 || s.Tries > 140 {
				t.Errorf("%s was tried %d times in an hour", s.Addr, s.Tries)
			}
		}
		c.start("b", "c")
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b", "c") })
		if n := c.nodes["a"].lines.has("level=WARN", "cannot join"); n != 0 {
			t.Errorf("%d warnings of addresses that nobody gave", n)
		}
	})
}

// Many addresses that nobody answers at do not hold up one that was given.
func TestDeadAddressesDoNotHoldUp(t *testing.T) {
	bubble(t, "a b dead", func(t *testing.T, c *cluster) {
		dead := c.net.Host("dead").Addr()
		c.net.Host("b")
		c.net.Block("b", "dead")
		c.nodes["a"].seed = nil
		c.nodes["b"].cfg = func(cfg *gossip.Config) {
			for port := range 200 {
				addr := netip.AddrPortFrom(dead, uint16(port+1))
				cfg.Remembered = append(cfg.Remembered, gossip.Remembered{Addrs: []string{addr.String()}})
			}
		}
		c.start("a", "b")
		c.within(3*time.Second, "linked", func() bool { return c.linked("a", "b") })
		started := slices.IndexFunc(c.nodes["b"].Seeds(), func(s gossip.Seed) bool { return s.Source == find.Remembered })
		if started != 1 {
			t.Errorf("the first remembered seed is number %d", started)
		}
	})
}

// An address that makes no sense is refused at once, by name.
func TestJoinNonsense(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		_, err := gossip.New(gossip.Config{
			Log: c.nodes["a"].log, Key: testKey(0), Secret: secret, Listen: port, Network: c.net.Host("a"), Join: []string{"ok:1", "nowhere"},
		})
		if err == nil || !strings.Contains(err.Error(), `config: Join: "nowhere": expected HOST:PORT`) {
			t.Errorf("error %v", err)
		}
		c.start()
		if err := c.nodes["a"].Join("ok:1", "dns+x"); err == nil || !strings.HasPrefix(err.Error(), `join "dns+x": expected`) || len(c.nodes["a"].Seeds()) != 0 {
			t.Errorf("error %v, seeds %v", err, c.nodes["a"].Seeds())
		}
	})
}
