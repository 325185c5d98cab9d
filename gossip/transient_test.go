package gossip_test

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wire"
)

var _ gossip.Transients = (*eventlog.Log)(nil)

// ear is the one who broadcasts and listens at a node, in memory.
type ear struct {
	t   testing.TB
	key ed25519.PrivateKey

	mu    sync.Mutex
	send  func(crdt.Broadcast) int
	heard []crdt.Broadcast
	shut  crdt.Author
}

func (e *ear) Relay(send func(crdt.Broadcast) int) (stop func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.send = send
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.send = nil
	}
}

func (e *ear) Hear(b crdt.Broadcast) error {
	if b.Author == e.shut {
		return crdt.ErrShut
	}
	if err := b.Verify(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, b)
	return nil
}

// say broadcasts and returns how many peers it was handed to.
func (e *ear) say(subject string, size int) int {
	e.t.Helper()
	e.mu.Lock()
	send := e.send
	e.mu.Unlock()
	return send(transientOf(e.t, e.key, subject, time.Now(), size))
}

// subjects returns what was heard, sorted.
func (e *ear) subjects() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := []string{}
	for _, b := range e.heard {
		all = append(all, b.Subject)
	}
	slices.Sort(all)
	return all
}

// transientOf returns a transient event of the tests' log, broadcast at a time.
func transientOf(t testing.TB, key ed25519.PrivateKey, subject string, at time.Time, size int) crdt.Broadcast {
	t.Helper()
	e := crdt.Event{Kind: "k", Subject: subject, Time: at, ContentType: "a/b", Payload: make([]byte, size), Retention: crdt.Transient}
	b, err := crdt.SignBroadcast(key, crdt.Broadcast{Event: e, Log: testGenesis.Log(), Clock: crdt.ClockAt(at)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ears gives each of the named nodes one, before they start.
func (c *cluster) ears(names ...string) map[string]*ear {
	all := make(map[string]*ear)
	for _, name := range names {
		e := &ear{t: c.t, key: testKey(slices.Index(c.names, name))}
		all[name] = e
		c.nodes[name].cfg = func(cfg *gossip.Config) { cfg.Transients = e }
	}
	return all
}

// hears waits until each of the ears has heard exactly the given subjects, in any order, and then some.
func (c *cluster) hears(ears map[string]*ear, want map[string][]string) {
	c.t.Helper()
	got := func() map[string][]string {
		all := make(map[string][]string)
		for name := range want {
			all[name] = ears[name].subjects()
		}
		return all
	}
	c.within(5*time.Second, fmt.Sprintf("heard are %v", want), func() bool { return cmp.Equal(want, got()) })
	time.Sleep(2 * time.Second)
	if diff := cmp.Diff(want, got()); diff != "" {
		c.t.Errorf("heard (-want +got):\n%s", diff)
	}
}

// listener greets a node as one that takes transient events.
func (s *stranger) listener(name string) *transport.Conn {
	s.t.Helper()
	conn := s.dial(name)
	s.send(conn, wire.Hello{Version: wire.Version, Features: wire.FeatureTransient, Log: testGenesis.Log(), Name: "stranger"})
	if m, ok := s.next(conn).(wire.Hello); !ok || m.Features&wire.FeatureTransient == 0 {
		s.t.Fatalf("the node began with %v", m)
	}
	return conn
}

// A transient event is heard once at each peer that is linked, by choice, and is in no log.
func TestTransientReachesLinkedPeers(t *testing.T) {
	bubble(t, "a b c d", func(t *testing.T, c *cluster) {
		ears := c.ears("a", "b", "c") // d has chosen to take none
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b", "c", "d") })
		root := c.nodes["b"].log.Root()
		for i := range 3 {
			if n := ears["a"].say(fmt.Sprint(i), 100); n != 2 {
				t.Errorf("handed to %d peers", n)
			}
		}
		c.hears(ears, map[string][]string{"a": {}, "b": {"0", "1", "2"}, "c": {"0", "1", "2"}})
		if c.nodes["b"].log.Root() != root {
			t.Error("it is in the log")
		}
		a, b, d := c.nodes["a"].Status().Counts, c.nodes["b"].Status().Counts, c.nodes["d"].Status().Counts
		if a.TransientsSent != 6 || a.TransientsTaken != 0 || b.TransientsTaken != 3 || b.TransientsRelayed != 3 || b.TransientsRepeated != 3 || d.TransientsTaken != 0 {
			t.Errorf("a %+v\nb %+v\nd %+v", a, b, d)
		}
		for _, name := range c.names {
			c.blameless(name)
		}
	})
}

// The log itself takes the part of the ear: what is broadcast at one node is heard at another's log.
func TestTransientFromLogToPeer(t *testing.T) {
	diskBubble(t, "a b", func(t *testing.T, c *cluster) {
		ears := c.ears("b")
		log := c.disk("a")
		c.nodes["a"].cfg = func(cfg *gossip.Config) { cfg.Transients = log }
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		hearing := log.Listen(t.Context(), eventlog.Query{Limit: 2}, eventlog.ListenConfig{})
		reach, err := log.Broadcast(t.Context(), crdt.Event{Kind: "k", Subject: "of a", Retention: crdt.Transient}, eventlog.Peers)
		if err != nil || reach != (eventlog.Reach{Listeners: 1, Relayed: true, Peers: 1}) {
			t.Errorf("%+v, %v", reach, err)
		}
		c.hears(ears, map[string][]string{"b": {"of a"}})
		ears["b"].say("of b", 0)
		for h, err := range hearing {
			if err != nil || h.Subject != "of a" && h.Author != c.author("b") {
				t.Errorf("heard %+v, %v", h, err)
			}
		}
		c.stop("a")
		if reach, err := log.Broadcast(t.Context(), crdt.Event{Kind: "k", Retention: crdt.Transient}, eventlog.Peers); err != nil || reach.Relayed {
			t.Errorf("after gossip has stopped: %+v, %v", reach, err)
		}
	})
}

// An event goes two links far, from its author to a peer and from there to the peer's peers, and no
// further: a ─ b ─ c ─ d.
func TestTransientIsRelayedOneHop(t *testing.T) {
	bubble(t, "a b c d", func(t *testing.T, c *cluster) {
		ears := c.ears(c.names...)
		c.nodes["c"].seed, c.nodes["d"].seed = []string{c.addr("b")}, []string{c.addr("c")}
		c.addr("d") // Hosts are made as they are named.
		for _, pair := range [][2]string{{"a", "c"}, {"a", "d"}, {"b", "d"}} {
			c.net.Block(pair[0], pair[1])
			c.net.Block(pair[1], pair[0])
		}
		c.start()
		line := func() bool {
			return c.member("a", "b").Linked && c.member("b", "c").Linked && c.member("c", "d").Linked
		}
		c.within(20*time.Second, "a line", line)
		ears["a"].say("of a", 0)
		ears["c"].say("of c", 0)
		c.hears(ears, map[string][]string{"a": {"of c"}, "b": {"of a", "of c"}, "c": {"of a"}, "d": {"of c"}})
		for _, name := range c.names {
			c.blameless(name)
		}
	})
}

// An event that came round by another peer is sent on all the same when it comes from its author: only
// those whom the author reaches send it on.
func TestTransientThatCameRoundIsRelayed(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		ears := c.ears("a", "b")
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		author, other := c.caller(1), c.caller(2)
		defer author.close()
		defer other.close()
		direct, round := author.listener("a"), other.listener("a")
		m := wire.Transient{Hops: 1, Event: transientOf(t, author.key, "x", time.Now(), 0)}
		other.send(round, m)
		c.hears(ears, map[string][]string{"a": {"x"}, "b": {}})
		m.Hops = 0
		author.send(direct, m, m)
		c.hears(ears, map[string][]string{"a": {"x"}, "b": {"x"}})
		if got := other.until(round, wire.KindTransient).(wire.Transient); got.Hops != 1 || got.Event.Subject != "x" {
			t.Errorf("sent on as %+v", got)
		}
		direct.NetConn().Close()
		round.NetConn().Close()
		c.blameless("a")
	})
}

// A peer that has not named the feature is sent no transient event, which it would take for malformed.
func TestPeerWithoutTheFeatureIsSentNone(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		ears := c.ears("a", "b")
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		old := c.caller(1)
		defer old.close()
		conn := old.greet("a")
		defer conn.NetConn().Close()
		old.claim(conn, nil)
		if n := ears["a"].say("x", 0); n != 1 {
			t.Errorf("handed to %d peers", n)
		}
		for range 2 {
			if m := old.next(conn); m.Kind() != wire.KindOffer {
				t.Errorf("sent to one that has not asked for it: %s", m.Kind())
			}
			old.send(conn, wire.Same{})
		}
		c.hears(ears, map[string][]string{"b": {"x"}})
	})
}

// What waits for a slow peer is dropped, the oldest first, counted, and bounded; the ops that are written
// meanwhile reach it as if there were nothing else.
func TestTransientsDelayNoOps(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		ears := c.ears("a", "b")
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		c.net.SetBandwidth("a", "b", 256<<10)
		heapBound(t, 24<<20, func() {
			for range 8 {
				for range 30 {
					ears["a"].say("much", 64<<10)
				}
				c.goOn()
			}
		})
		n := c.nodes["a"].Status().Counts
		if n.TransientsDropped == 0 || n.TransientsSent == 0 || n.TransientsSent > 230 {
			t.Errorf("%d dropped, %d sent of 240", n.TransientsDropped, n.TransientsSent)
		}
		c.blameless("a")
		c.blameless("b")
	})
}
