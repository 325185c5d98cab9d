package gossip_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// Ops that can never be placed, and ops that hold more memory than they have bytes.

// Runs without end that can never be placed, of one author and of very many, fill their bound and no
// more; what they push out is their own. In system A the queue of waiting ops had no bound.
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
			c.within(10*time.Second, "all have come", func() bool { return c.nodes["a"].Status().Counts.PendingKept == sent })
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
			return counts.PendingKept+counts.OpsTaken >= uint64(n)
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
		if n.PendingKept < 6000 {
			t.Errorf("only %d runs were sent that cannot be placed", n.PendingKept)
		}
		asked := n.PayloadReceived - n.PushedReceived
		if ratio := float64(asked) / float64(n.PayloadTaken); ratio > 1.1 {
			t.Errorf("%.2f bytes of ops came for each that was new", ratio)
		}
	})
}
