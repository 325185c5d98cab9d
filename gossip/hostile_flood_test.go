package gossip_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/membership"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wire"
)

// Peers that send more than anybody can use: claims, questions, and ops that cannot be placed.

// invented returns the n-th author that nobody knows.
func invented(n int) crdt.Author { return crdt.Author(sha256.Sum256(fmt.Append(nil, "invented ", n))) }

// endure brings in a stranger that sends a storm to a, and reads and drops what comes back, while the
// others go on.
func (c *cluster) endure(s storm) {
	c.t.Helper()
	peer := c.caller(0)
	defer peer.close()
	conn := peer.greet("a")
	defer conn.NetConn().Close()
	peer.claim(conn, nil) // Whoever has compared is asked for what it announces.
	go io.Copy(io.Discard, conn)
	if testing.Short() {
		s.n /= 5
	}
	for i := range s.n {
		peer.send(conn, s.next(c, i)...)
		if i%(s.n/4) == s.n/8 {
			c.goOn()
		}
	}
	c.goOn()
}

// storm is what a peer sends without end: n times what next returns.
type storm struct {
	n    int
	next func(c *cluster, i int) []wire.Message
}

// storms returns one of every kind of message that asks or claims something.
func storms() map[string]storm {
	fate := rand.New(rand.NewPCG(1, 1))
	haves := func(n int, next func() uint64) wire.IHave {
		m := wire.IHave{}
		for range wire.MaxHaves {
			m.Haves = append(m.Haves, wire.Have{Author: invented(fate.IntN(n)), Head: crdt.Head{Next: next(), ID: crdt.OpID{1}}})
		}
		slices.SortFunc(m.Haves, func(x, y wire.Have) int { return x.Author.Compare(y.Author) })
		m.Haves = slices.CompactFunc(m.Haves, func(x, y wire.Have) bool { return x.Author == y.Author })
		return m
	}
	near := func() uint64 { return 1 + fate.Uint64N(900) }
	far := func() uint64 { return 1 << 40 }
	return map[string]storm{
		"ihave near": {200, func(*cluster, int) []wire.Message { return []wire.Message{haves(100_000, near)} }},
		"ihave far":  {200, func(*cluster, int) []wire.Message { return []wire.Message{haves(100_000, far)} }},
		"graft and detach": {4000, func(c *cluster, i int) []wire.Message {
			want := wire.Want{Ask: uint32(i + 1), Want: crdt.Want{Author: c.author("a")}}
			return []wire.Message{wire.Graft{Wants: []wire.Want{want}}, wire.Detach{}}
		}},
		"probe": {4000, func(*cluster, int) []wire.Message {
			return []wire.Message{wire.Probe{Round: 1, Probes: []crdt.Probe{{Heads: true}}}}
		}},
		"missing": {400, func(c *cluster, i int) []wire.Message {
			var m wire.Missing
			for k := range wire.MaxWants {
				m.Wants = append(m.Wants, wire.Want{Ask: uint32(i*wire.MaxWants + k + 1), Want: crdt.Want{Author: []crdt.Author{c.author("a"), invented(k)}[k%2]}})
			}
			return []wire.Message{m}
		}},
		"spans": {400, func(c *cluster, i int) []wire.Message {
			var m wire.Spans
			head := c.nodes["a"].log.Feed(c.author("a")).Heads()[0]
			for k := range wire.MaxWants {
				span := crdt.Span{Author: c.author("a"), Head: head, From: uint64(k), Upto: 1 << 40}
				m.Wants = append(m.Wants, wire.SpanWant{Ask: uint32(i*wire.MaxWants + k + 1), Span: span, MaxBytes: 1<<32 - 1})
			}
			return []wire.Message{m}
		}},
		"done": {4000, func(c *cluster, i int) []wire.Message {
			return []wire.Message{wire.Done{Ask: uint32(i + 1), Author: c.author("b"), Complete: i%2 == 0, Next: uint64(i)}}
		}},
		"shut and offer": {200, func(*cluster, int) []wire.Message {
			m := wire.Shut{}
			for range wire.MaxShut / 8 {
				m.Authors = append(m.Authors, invented(fate.IntN(1<<20)))
			}
			slices.SortFunc(m.Authors, crdt.Author.Compare)
			m.Authors = slices.Compact(m.Authors)
			return []wire.Message{m, wire.Offer{Round: 1, Root: crdt.Hash{1}}}
		}},
	}
}

// Each storm costs bounded memory and few asks, and the others go on.
func TestStorms(t *testing.T) {
	for name, test := range storms() {
		t.Run(name, func(t *testing.T) {
			bubble(t, "a b", func(t *testing.T, c *cluster) {
				for range 20 {
					c.write("a", 200)
				}
				c.start()
				c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") && c.equal("a", "b") })
				heapBound(t, 24<<20, func() { c.endure(test) })
				n := c.nodes["a"].Status().Counts
				if n.Asks > 1000 || n.Grafts > 20_000 || n.VectorsSent > uint64(test.n)+100 {
					t.Errorf("%d asks, %d grafts, %d vectors", n.Asks, n.Grafts, n.VectorsSent)
				}
				if lines := bytes.Count([]byte(c.nodes["a"].lines.text.String()), []byte("\n")); lines > 100 {
					t.Errorf("%d lines in the log", lines)
				}
				c.goOn()
			})
		})
	}
}

// A peer that announces much more than one message may ask for is asked in messages that it can read.
func TestGraftOfManyAuthors(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		c.start()
		s := c.caller(1)
		defer s.close()
		conn := s.greet("a")
		s.claim(conn, nil)
		m := wire.IHave{}
		for i := range 5 * wire.MaxWants {
			m.Haves = append(m.Haves, wire.Have{Author: invented(i), Head: crdt.Head{Next: 1, ID: crdt.OpID{1}}})
		}
		slices.SortFunc(m.Haves, func(x, y wire.Have) int { return x.Author.Compare(y.Author) })
		s.send(conn, m)
		asked := make(map[crdt.Author]bool)
		for len(asked) < len(m.Haves) {
			var wants []wire.Want
			switch m := s.next(conn).(type) {
			case wire.Graft:
				wants = m.Wants
			case wire.Missing:
				wants = m.Wants
			}
			for _, w := range wants {
				asked[w.Author] = true
			}
		}
	})
}

// An answer to an offer that never ends, of nodes that differ everywhere and of heads without number,
// costs bounded memory.
func TestEndlessComparison(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.write("a", 1)
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		s := c.caller(1)
		defer s.close()
		conn := s.greet("a")
		node := crdt.Node{Count: 1 << 30}
		for i := range node.Children {
			node.Children[i] = crdt.Print{byte(i + 1)}
		}
		heads := make([]crdt.Head, wire.MaxHeads)
		for i := range heads {
			heads[i] = crdt.Head{Next: uint64(i + 1), ID: crdt.OpID{1}}
		}
		heapBound(t, 24<<20, func() {
			for round := uint32(0); round < 2; {
				round = s.until(conn, wire.KindOffer).(wire.Offer).Round
				for i := range 300 {
					claims := make(crdt.Frontier)
					for k := range 6 {
						claims[invented(6*i+k)] = heads
					}
					s.send(conn, wire.Nodes{Round: round, Nodes: []crdt.Node{node, node}}, wire.Vector{Round: round, Upto: lastAuthor, Heads: claims})
				}
				c.goOn()
				s.send(conn, wire.Vector{Round: round, Upto: lastAuthor, Last: true})
			}
			time.Sleep(500 * time.Millisecond) // What was found is kept until the next round ends.
		})
		conn.NetConn().Close()
		c.goOn()
	})
}

// Adverts of heads that do not exist, of very many authors, make the node compare more often, within
// bounds, and nothing else.
func TestAdvertStormOfAMember(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		s := c.stranger(20, secret)
		defer s.close()
		m, leave := s.join("a")
		before := c.nodes["a"].Status().Counts.OffersSent
		began := time.Now()
		heapBound(t, 24<<20, func() {
			for i := range 400 {
				for k := range 256 {
					m.Advertise(invented(256*i+k), []crdt.Head{{Next: 1 + uint64(i), ID: crdt.OpID{1}}})
				}
				time.Sleep(20 * time.Millisecond)
				if i%100 == 50 {
					c.goOn()
				}
			}
		})
		n := c.nodes["a"].Status().Counts
		offers, most := n.OffersSent-before, uint64(time.Since(began)/(100*time.Millisecond))
		t.Logf("%d offers in %s", offers, time.Since(began))
		if offers < 10 || offers > most {
			t.Errorf("%d offers to one link in %s, want at most %d, and some for the adverts", offers, time.Since(began), most)
		}
		if n.Asks > 0 || n.Grafts > 0 {
			t.Errorf("%d asks, %d grafts", n.Asks, n.Grafts)
		}
		c.blameless("a")
		leave()
		c.goOn()
	})
}

// join makes the stranger a member that node name knows, which answers on no link that is opened to it.
// The caller has it leave.
func (s *stranger) join(name string) (m *membership.Membership, leave func()) {
	s.t.Helper()
	addr := netip.MustParseAddrPort(s.c.net.Host("stranger "+s.self.Short()).Addr().String() + port)
	m, err := membership.New(membership.Config{
		Key: s.key, Log: testGenesis.Log(), Advertise: addr, Transport: s.port,
		Profile: membership.LAN, Root: func() crdt.Hash { return crdt.Hash{1} },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var pumps sync.WaitGroup
	run := make(chan error, 1)
	pumps.Go(func() { m.Pump(ctx) })
	pumps.Go(func() {
		for {
			conn, err := s.port.Accept(ctx, transport.Sync)
			if err != nil {
				return
			}
			conn.NetConn().Close()
		}
	})
	go func() { run <- m.Run(ctx) }()
	if err := m.Join(ctx, s.c.author(name), netip.MustParseAddrPort(s.c.addr(name))); err != nil {
		s.t.Fatal(err)
	}
	return m, func() {
		cancel()
		if err := <-run; err != nil {
			s.t.Error(err)
		}
		s.port.Close()
		pumps.Wait()
	}
}
