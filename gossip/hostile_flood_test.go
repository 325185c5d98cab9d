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

// storm brings in a stranger that sends what next returns to a, n times, and reads and drops what comes
// back, while the others go on.
func (c *cluster) storm(n int, next func(i int) []wire.Message) {
	c.t.Helper()
	s := c.caller(0)
	defer s.close()
	conn := s.greet("a")
	defer conn.NetConn().Close()
	go io.Copy(io.Discard, conn)
	for i := range n {
		s.send(conn, next(i)...)
		if i%(n/4) == n/8 {
			c.goOn()
		}
	}
	c.goOn()
}

// TestStorms sends storms of every kind of message that asks or claims something. Each costs bounded
// memory and few asks, and the others go on.
func TestStorms(t *testing.T) {
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
	for name, test := range map[string]struct {
		n    int
		next func(c *cluster, i int) []wire.Message
	}{
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
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, "a b", func(t *testing.T, c *cluster) {
				for range 20 {
					c.write("a", 200)
				}
				c.start()
				c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") && c.equal("a", "b") })
				heapBound(t, 24<<20, func() {
					c.storm(test.n, func(i int) []wire.Message { return test.next(c, i) })
				})
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
			for _, vectors := range []int{300, 1} {
				round := s.until(conn, wire.KindOffer).(wire.Offer).Round
				for i := range vectors {
					claims := make(crdt.Frontier)
					for k := range 6 {
						claims[invented(6*i+k)] = heads
					}
					s.send(conn, wire.Nodes{Round: round, Nodes: []crdt.Node{node, node}}, wire.Vector{Round: round, Upto: lastAuthor, Heads: claims})
				}
				c.goOn()
				s.send(conn, wire.Vector{Round: round, Upto: lastAuthor, Last: true})
				time.Sleep(6 * time.Second)
			}
		})
		conn.NetConn().Close()
		c.goOn()
	})
}

// Runs without end that can never be placed, of one author and of very many, fill their bound and no
// more; what they push out is their own.
func TestEndlessPending(t *testing.T) {
	both(t, "a b", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		c.goOn()
		before := int64(0)
		if log := c.disk("a"); log != nil {
			before = log.Stats().Bytes
		}
		sent := uint64(0)
		heapBound(t, 64<<20, func() {
			s := c.caller(1)
			defer s.close()
			conn := s.greet("a")
			defer conn.NetConn().Close()
			go io.Copy(io.Discard, conn)
			payload := bytes.Repeat([]byte("x"), 200<<10)
			small := signed(t, s.key, crdt.Header{First: 100, Prev: crdt.OpID{1}, Clock: 1})
			for i := range 500 {
				h := crdt.Header{First: 100 + uint64(i), Prev: crdt.OpID{1, byte(i), byte(i >> 8)}, Clock: 1}
				big := signed(t, s.key, h, crdt.Event{Kind: "test", ContentType: "text/plain", Payload: payload})
				s.send(conn, pushes(big))
				for k := range 10 {
					s.send(conn, pushes(stray(t, small, invented(10*i+k))))
				}
				sent += 11
				if i%150 == 75 {
					c.goOn()
				}
			}
			c.within(10*time.Second, "all have come", func() bool { return c.nodes["a"].Status().Counts.Parked == sent })
			c.goOn()
		})
		if n := c.nodes["a"].log.Frontier(); len(n) != 2 {
			t.Errorf("%d feeds are held", len(n))
		}
		if log := c.disk("a"); log != nil && log.Stats().Bytes > before+1<<20 {
			t.Errorf("the file grew from %d to %d bytes", before, log.Stats().Bytes)
		}
		time.Sleep(time.Minute)
		c.goOn()
	})
}

// stray returns an op like another that says it is author's, and is not signed by it.
func stray(t testing.TB, like crdt.Op, author crdt.Author) crdt.Op {
	t.Helper()
	op, err := crdt.ParseOp(bytes.Replace(like.Bytes(), like.Author[:], author[:], 1))
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// A small op in a large frame counts for the frame, since it keeps its memory: while it waits, and while
// it is news.
func TestSmallOpsInLargeFrames(t *testing.T) {
	t.Run("waiting", func(t *testing.T) {
		bubble(t, "a b", func(t *testing.T, c *cluster) {
			c.largeFrames(200, crdt.Header{First: 100, Prev: crdt.OpID{1}, Clock: 1}, func(h crdt.Header, _ crdt.Op) crdt.Header {
				h.First++
				return h
			})
		})
	})
	t.Run("news", func(t *testing.T) { // A log in memory would keep the frames itself.
		diskBubble(t, "a b", func(t *testing.T, c *cluster) {
			c.largeFrames(200, crdt.Header{}, func(_ crdt.Header, op crdt.Op) crdt.Header { return after(op) })
		})
	})
}

// largeFrames brings in a stranger that sends n small ops to a, the first with header h, each in a frame
// that is filled up with an op of a version that is not known here. next returns the next header.
func (c *cluster) largeFrames(n int, h crdt.Header, next func(crdt.Header, crdt.Op) crdt.Header) {
	c.t.Helper()
	c.start()
	c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
	s := c.caller(1)
	defer s.close()
	conn := s.greet("a")
	defer conn.NetConn().Close()
	go io.Copy(io.Discard, conn)
	filler := crdt.Event{Kind: "test", ContentType: "text/plain", Payload: bytes.Repeat([]byte("x"), 900<<10)}
	large := signed(c.t, s.key, crdt.Header{}, filler)
	heapBound(c.t, 64<<20, func() {
		for range n {
			op := signed(c.t, s.key, h)
			frame := wire.Append(nil, wire.Ops{Author: s.self, Run: crdt.Run{Ops: []crdt.Op{op, large}}})
			frame[bytes.Index(frame, large.Bytes())+1] = 2 // a version that is not known here
			if _, err := conn.Write(frame); err != nil {
				c.t.Fatal(err)
			}
			h = next(h, op)
		}
		c.within(10*time.Second, "all have come", func() bool {
			counts := c.nodes["a"].Status().Counts
			return counts.Parked+counts.OpsTaken >= uint64(n)
		})
		c.goOn()
	})
	c.noted("a", "newer-version", uint64(n), "does not know", s.self.Short())
}

// While one peer fills what waits with runs that can never be placed, a node still gets what it lacks
// from others, and not much of it twice.
func TestBackfillBesideEndlessPending(t *testing.T) {
	bubble(t, "a b d", func(t *testing.T, c *cluster) {
		author := newMemLog(testKey(50), testGenesis)
		const ops = 1000
		for range ops {
			op := author.appendBig(t, 8<<10)
			for _, name := range []string{"b", "d"} {
				c.nodes[name].mem.put(t, crdt.Run{Ops: []crdt.Op{op}})
			}
		}
		for _, name := range []string{"b", "d"} {
			c.net.Host(name)
			c.net.SetBandwidth(name, "a", 1<<20)
		}
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked(c.names...) })
		s := c.caller(1)
		defer s.close()
		conn := s.greet("a")
		defer conn.NetConn().Close()
		go io.Copy(io.Discard, conn)
		like := signed(t, s.key, crdt.Header{First: 100, Prev: crdt.OpID{1}, Clock: 1})
		for i := 0; c.nodes["a"].log.Feed(author.Author()).Next() < ops; i++ {
			s.send(conn, pushes(stray(t, like, invented(i))))
			if i%2 == 0 {
				time.Sleep(time.Millisecond)
			}
			if i > 100_000 {
				t.Fatal("nothing is got any more")
			}
		}
		n := c.nodes["a"].Status().Counts
		if n.Parked < 4096 {
			t.Errorf("only %d runs were sent that cannot be placed", n.Parked)
		}
		if twice := n.Duplicates; twice > ops/20 {
			t.Errorf("%d of %d ops came twice", twice, ops)
		}
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
		m, err := membership.New(membership.Config{
			Key: s.key, Log: testGenesis.Log(), Advertise: netip.MustParseAddrPort(c.net.Host("stranger "+s.self.Short()).Addr().String() + port),
			Transport: s.port, Profile: membership.LAN, Root: func() crdt.Hash { return crdt.Hash{1} },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		run, pump := make(chan error, 1), make(chan struct{})
		go func() { defer close(pump); m.Pump(ctx) }()
		go func() { run <- m.Run(ctx) }()
		go func() { // It does not talk on links that a opens to it.
			for {
				conn, err := s.port.Accept(ctx, transport.Sync)
				if err != nil {
					return
				}
				conn.NetConn().Close()
			}
		}()
		if err := m.Join(ctx, c.author("a"), netip.MustParseAddrPort(c.addr("a"))); err != nil {
			t.Fatal(err)
		}
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
		cancel()
		if err := <-run; err != nil {
			t.Error(err)
		}
		s.port.Close()
		<-pump
		c.goOn()
	})
}
