package gossip_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wire"
)

func TestOtherLogIsTurnedAwayByName(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		mem := newMemLog(testKey(2), crdt.Genesis{Random: [32]byte{2}})
		c.nodes["c"].mem, c.nodes["c"].log = mem, mem
		c.start()
		c.within(10*time.Second, "a and b are linked", func() bool { return c.linked("a", "b") })
		c.within(10*time.Second, "c knows why", func() bool {
			other, ok := errors.AsType[*gossip.OtherLogError](c.nodes["c"].Seeds()[0].Err)
			return ok && other.Ours == mem.id && other.Theirs == testGenesis.Log() && other.Peer == c.author("a")
		})
		time.Sleep(5 * time.Minute)
		if n := c.nodes["c"].lines.has("cannot join yet", "holds log "+testGenesis.Log().String()); n != 1 {
			t.Errorf("c logged it %d times", n)
		}
		if n := c.nodes["a"].lines.has("turned away", mem.id.String()); n < 1 || n > 6 {
			t.Errorf("a logged it %d times in 5 minutes", n)
		}
		if c.nodes["a"].Status().Counts.Faults["hello-other-log"] < 5 {
			t.Error("a did not count it")
		}
		c.nodes["a"].mem.append(t, 1)
		c.converge(time.Second, 1, "a", "b")
	})
}

func TestOtherVersionIsTurnedAwayByName(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		c.start()
		s := c.stranger(20, secret)
		defer s.close()
		conn := s.dial("a")
		s.send(conn, wire.Hello{Version: wire.Version + 1, Log: testGenesis.Log()})
		if bye := s.ends(conn); bye.Code != wire.CodeVersion {
			t.Errorf("the node said %v", bye)
		}
		if n := c.nodes["a"].lines.has("turned away", "version 2", "version 1"); n != 1 {
			t.Errorf("it was logged %d times", n)
		}
	})
}

func TestWrongSecretOnBothSides(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.nodes["c"].cfg = func(cfg *gossip.Config) { cfg.Secret = bytes.Repeat([]byte{8}, transport.SecretSize) }
		c.start()
		c.within(10*time.Second, "a and b are linked", func() bool { return c.linked("a", "b") })
		c.within(10*time.Second, "c knows why", func() bool {
			return errors.Is(c.nodes["c"].Seeds()[0].Err, transport.ErrSecret)
		})
		if c.nodes["a"].Status().Transport.Refused[transport.ReasonSecret] == 0 {
			t.Error("a did not count it")
		}
		if n := len(c.nodes["c"].Members()); n != 0 {
			t.Errorf("c has %d members", n)
		}
	})
}

// Whatever comes instead of a message ends that stream, is counted and named, and touches nothing
// else.
func TestBadFrames(t *testing.T) {
	frame := func(kind wire.Kind, body ...byte) []byte {
		return append([]byte{0, 0, byte(len(body) >> 8), byte(len(body)), byte(kind)}, body...)
	}
	for name, bad := range map[string][]byte{
		"garbage":           bytes.Repeat([]byte{0xa5}, 100),
		"oversize":          {0xff, 0xff, 0xff, 0xff, byte(wire.KindOps)},
		"oversize offer":    frame(wire.KindOffer, make([]byte, 37)...),
		"unknown kind":      frame(99),
		"kind 0":            frame(0),
		"short offer":       frame(wire.KindOffer, 1, 2, 3),
		"ops of nothing":    frame(wire.KindOps, make([]byte, 42)...),
		"ops that are none": frame(wire.KindOps, append(make([]byte, 41), 1, 0, 0, 0, 1, 0xc0)...),
		"second hello":      wire.Append(nil, wire.Hello{Version: wire.Version, Log: testGenesis.Log()}),
		"unsorted shut":     wire.Append(nil, wire.Shut{Authors: []crdt.Author{{2}, {1}}}),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, "a b", func(t *testing.T, c *cluster) {
				c.start()
				c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
				s := c.stranger(20, secret)
				defer s.close()
				conn := s.greet("a")
				conn.Write(bad)
				if bye := s.ends(conn); bye.Code != wire.CodeOffence {
					t.Errorf("the node said %v", bye)
				}
				if n := c.nodes["a"].Status().Counts.Faults["malformed"]; n != 1 {
					t.Errorf("counted %d times", n)
				}
				if n := c.nodes["a"].lines.has("may not send", "malformed", s.self.Short()); n != 1 {
					t.Errorf("logged %d times", n)
				}
				c.nodes["a"].mem.append(t, 1)
				c.converge(time.Second, 1)
			})
		})
	}
}

// An offender that comes back at once is kept out, longer each time, and let in again later.
func TestOffenderIsKeptOutForAWhile(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		c.start()
		s := c.stranger(20, secret)
		defer s.close()
		conn := s.greet("a")
		conn.Write([]byte{0, 0, 0, 0, 99})
		s.ends(conn)
		if bye := s.ends(s.greet("a")); bye.Code != wire.CodeOffence {
			t.Errorf("the node said %v", bye)
		}
		time.Sleep(20 * time.Second)
		s.until(s.greet("a"), wire.KindOffer)
	})
}

// Runs that break a rule: what is the sender's fault ends its link, what is the author's does not.
func TestBadRuns(t *testing.T) {
	flip := func(op crdt.Op, at int) crdt.Op {
		b := bytes.Clone(op.Bytes())
		b[len(b)+at] ^= 1
		bad, err := crdt.ParseOp(b)
		if err != nil {
			panic(err)
		}
		return bad
	}
	for _, test := range []struct {
		name   string
		ops    func(ops []crdt.Op) []crdt.Op
		reason gossip.Reason
		ends   bool
		held   uint64 // entries of the stranger's feed that are taken all the same
	}{
		{"body", func(ops []crdt.Op) []crdt.Op { return []crdt.Op{flip(ops[0], -2)} }, "body", true, 0},
		{"signature", func(ops []crdt.Op) []crdt.Op {
			return []crdt.Op{ops[0], flip(ops[1], -len(ops[1].Bytes())+len(ops[1].Signed.Bytes())-1)}
		}, "signature", true, 1},
		{"chain", func(ops []crdt.Op) []crdt.Op { return []crdt.Op{ops[0], ops[2]} }, "run", true, 1},
		{"left out", func(ops []crdt.Op) []crdt.Op { return ops[2:] }, "", false, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, "a", func(t *testing.T, c *cluster) {
				c.start()
				s := c.stranger(20, secret)
				defer s.close()
				_, ops := s.feed(3, 1)
				conn := s.greet("a")
				s.send(conn, wire.Ops{Author: s.self, Run: crdt.Run{Ops: test.ops(ops)}})
				if test.ends {
					if bye := s.ends(conn); bye.Code != wire.CodeOffence {
						t.Errorf("the node said %v", bye)
					}
				} else {
					for asked := false; !asked; { // It asks for the rest.
						k := s.next(conn).Kind()
						asked = k == wire.KindMissing || k == wire.KindSpans
					}
				}
				if n := c.nodes["a"].Status().Counts.Faults[test.reason]; test.reason != "" && n != 1 {
					t.Errorf("%s counted %d times: %v", test.reason, n, c.nodes["a"].Status().Counts.Faults)
				}
				if n := c.nodes["a"].log.Feed(s.self).Next(); n != test.held {
					t.Errorf("%d entries are held, want %d", n, test.held)
				}
			})
		})
	}
}

// An author that breaks the laws in its own name is not held against the peer that relays it.
func TestAuthorsOffenceIsNotTheRelays(t *testing.T) {
	bubble(t, "a", func(t *testing.T, c *cluster) {
		c.start()
		author, s := c.stranger(21, secret), c.stranger(20, secret)
		defer author.close()
		defer s.close()
		_, ops := author.feed(1, 1)
		h := crdt.Header{Log: testGenesis.Log(), First: 1, Prev: ops[0].ID, Clock: ops[0].Clock} // The clock stands still.
		bad, err := crdt.NewOp(author.key, h, time.Now(), crdt.Event{Kind: "test"})
		if err != nil {
			t.Fatal(err)
		}
		conn := s.greet("a")
		s.send(conn, wire.Ops{Author: author.self, Run: crdt.Run{Ops: ops}}, wire.Ops{Author: author.self, Run: crdt.Run{Ops: []crdt.Op{bad}}})
		c.within(time.Second, "counted", func() bool { return c.nodes["a"].Status().Counts.Faults["author"] == 1 })
		s.until(conn, wire.KindOffer)
		s.until(conn, wire.KindOffer)
		if n := c.nodes["a"].log.Feed(author.self).Next(); n != 1 {
			t.Errorf("%d entries are held", n)
		}
	})
}

// A peer that offers what it does not deliver is asked once, then somebody else is; its claim does not
// count as lag for long.
func TestPeerThatOffersAndDoesNotDeliver(t *testing.T) {
	for _, answer := range []string{"silence", "nothing"} {
		t.Run(answer, func(t *testing.T) {
			bubble(t, "a", func(t *testing.T, c *cluster) {
				c.start()
				author, liar, honest := c.stranger(20, secret), c.stranger(21, secret), c.stranger(22, secret)
				defer author.close()
				defer liar.close()
				defer honest.close()
				log, ops := author.feed(3, 1)

				conn := liar.greet("a")
				liar.claim(conn, log.Frontier())
				missing := liar.until(conn, wire.KindMissing).(wire.Missing)
				if len(missing.Wants) != 1 || missing.Wants[0].Author != author.self {
					t.Fatalf("asked for %v", missing)
				}
				if n := c.nodes["a"].Members()[0].Behind; n != 0 {
					t.Errorf("a mere claim counts for %d entries of lag", n)
				}
				if answer == "nothing" {
					liar.send(conn, wire.Done{Ask: missing.Wants[0].Ask, Author: author.self, Complete: true})
				}
				c.within(10*time.Second, "given up", func() bool { return c.nodes["a"].Status().Counts.Faults["not-delivered"] == 1 })
				if n := c.nodes["a"].Members()[0].Behind; n != 0 {
					t.Errorf("behind %d after giving up", n)
				}
				liar.claim(conn, log.Frontier())
				liar.until(conn, wire.KindOffer)
				if n := c.nodes["a"].Status().Counts.Asks; n != 1 {
					t.Errorf("asked %d times", n)
				}

				other := honest.greet("a")
				honest.claim(other, log.Frontier())
				ask := honest.until(other, wire.KindMissing).(wire.Missing).Wants[0].Ask
				honest.send(other, wire.Ops{Author: author.self, Ask: ask, Run: crdt.Run{Ops: ops}}, wire.Done{Ask: ask, Author: author.self, Complete: true})
				c.within(time.Second, "delivered", func() bool { return c.nodes["a"].log.Feed(author.self).Next() == 3 })
			})
		})
	}
}

// A peer that asks for everything, again and again, gets each answer once at a time, and one that
// does not read is not waited for.
func TestGreedyPeer(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		for range 50 {
			c.nodes["a"].mem.append(t, 1000)
		}
		c.start()
		s := c.stranger(20, secret)
		defer s.close()
		conn := s.greet("a")
		want := func(a crdt.Author, ask uint32) wire.Want { return wire.Want{Ask: ask, Want: crdt.Want{Author: a}} }
		var wants []wire.Want
		for i := range uint32(60) {
			wants = append(wants, want(crdt.AuthorOf(testKey(100+int(i))), i+1))
		}
		for i := range uint32(20) {
			s.send(conn, wire.Missing{Wants: wants}, wire.Missing{Wants: []wire.Want{want(c.author("a"), 100+i)}})
		}
		c.nodes["a"].mem.append(t, 1)
		c.converge(10*time.Second, 50001)
		io.CopyN(io.Discard, conn, 1<<20)
		conn.Close()
	})
}

// A storm of offers of another root costs the others nothing: what waits to be answered is the last.
func TestOfferStorm(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.nodes["a"].mem.append(t, 1)
		c.start()
		s := c.stranger(20, secret)
		defer s.close()
		conn := s.greet("a")
		go io.Copy(io.Discard, conn)
		for range 2000 {
			s.send(conn, wire.Offer{Round: 1, Root: crdt.Hash{1}})
			time.Sleep(time.Millisecond)
		}
		if n := c.nodes["a"].Status().Counts.VectorsSent; n > 2100 {
			t.Errorf("%d answers to 2,000 offers", n)
		}
		c.nodes["a"].mem.append(t, 1)
		c.converge(10*time.Second, 2)
		conn.Close()
	})
}

// A full disk is no reason to stop: it passes.
func TestFullDisk(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		b := c.nodes["b"]
		b.mem.fail = &os.PathError{Op: "write", Path: "quipu.db", Err: syscall.ENOSPC}
		c.start()
		c.nodes["a"].mem.append(t, 1)
		time.Sleep(time.Minute)
		c.nodes["a"].mem.append(t, 1)
		if full := b.Status().Full; full == nil || time.Since(full.Since) < 30*time.Second || !errors.Is(full.Err, syscall.ENOSPC) {
			t.Errorf("after a minute without room the status says %+v", full)
		}
		b.mem.mu.Lock()
		b.mem.fail = nil
		b.mem.mu.Unlock()
		c.converge(20*time.Second, 2)
	})
}

// Packets and membership streams of nonsense, from outside and from inside, change nothing.
func TestNonsenseForTheMembership(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		s := c.stranger(20, secret)
		defer s.close()
		fate := rand.New(rand.NewPCG(1, 2))
		for i := range 500 {
			b := make([]byte, 1+fate.IntN(1400))
			for k := range b {
				b[k] = byte(fate.Uint32())
			}
			b[0] = byte(i) // every kind of message that memberlist knows
			if err := s.port.WritePacket(b, netip.MustParseAddrPort(c.addr("a"))); err != nil {
				t.Fatal(err)
			}
			if i%10 == 0 {
				conn, err := s.port.Dial(t.Context(), c.addr("a"), transport.Member, c.author("a"))
				if err != nil {
					t.Fatal(err)
				}
				conn.Write(b)
				conn.Close()
			}
		}
		time.Sleep(time.Second)
		if n := len(c.nodes["a"].Members()); n != 1 || !c.linked("a", "b") {
			t.Errorf("a has %d members", n)
		}
		c.nodes["a"].mem.append(t, 1)
		c.converge(time.Second, 1)
	})
}

func TestOwnFaultEndsRun(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		disk := errors.New("the disk is broken")
		c.nodes["b"].mem.fail = disk
		c.start()
		c.nodes["a"].mem.append(t, 1)
		b := c.nodes["b"]
		select {
		case <-b.done:
		case <-time.After(time.Minute):
			t.Fatal("b goes on")
		}
		if !errors.Is(b.err, disk) {
			t.Errorf("b ended with %v", b.err)
		}
		b.Gossip = nil
	})
}
