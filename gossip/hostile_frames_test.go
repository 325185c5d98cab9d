package gossip_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wire"
)

// Frames and connections that are not what they should be: packed frames that lie, peers that read or
// write too slowly, connections without a peer.

// packedFrame returns a frame that says it holds a message of kind and size, with the given content
// compressed.
func packedFrame(kind wire.Kind, size int, content []byte) []byte {
	e, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	body := binary.BigEndian.AppendUint32([]byte{byte(kind)}, uint32(size))
	body = e.EncodeAll(content, body)
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	return append(append(frame, byte(wire.KindPacked)), body...)
}

// A packed frame within a packed frame, one that holds more than it says or more than its kind may have,
// and one that nobody agreed on, end the link, and cost no more memory than a frame may.
func TestHostilePackedFrames(t *testing.T) {
	bomb := make([]byte, 256<<20)
	for name, test := range map[string]struct {
		frame    []byte
		features wire.Features
	}{
		"nested":     {packedFrame(wire.KindPacked, 1000, packedFrame(wire.KindDetach, 0, nil)), wire.FeatureZstd},
		"oversized":  {packedFrame(wire.KindOps, len(bomb), bomb), wire.FeatureZstd},
		"bomb":       {packedFrame(wire.KindOps, 1<<20, bomb), wire.FeatureZstd},
		"small kind": {packedFrame(wire.KindOffer, 1<<20, bomb[:1<<20]), wire.FeatureZstd},
		"not agreed": {packedFrame(wire.KindShut, 4, make([]byte, 4)), 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, "a b", func(t *testing.T, c *cluster) {
				c.start()
				c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
				heapBound(t, 16<<20, func() {
					for i := range 10 {
						s := c.caller(i)
						conn := s.dial("a")
						s.send(conn, wire.Hello{Version: wire.Version, Features: test.features, Log: testGenesis.Log()})
						conn.Write(test.frame)
						for {
							m, _, err := wire.ReadFrame(conn, true)
							if err != nil {
								t.Fatalf("the node ended the stream without a word: %v", err)
							}
							if bye, ok := m.(wire.Bye); ok {
								if bye.Code != wire.CodeOffence {
									t.Errorf("the node said %v", bye)
								}
								break
							}
						}
						conn.NetConn().Close()
						s.close()
					}
				})
				c.noted("a", "malformed", 10, "may not send", "reason=malformed")
				c.goOn()
			})
		})
	}
}

// A peer that asks and does not read is given up after a while; nothing is queued for it meanwhile.
func TestSlowReader(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		for range 500 {
			c.nodes["a"].mem.appendBig(t, 64<<10)
		}
		c.start()
		c.within(20*time.Second, "equal", func() bool { return c.linked("a", "b") && c.equal("a", "b") })
		heapBound(t, 24<<20, func() {
			var conns []*transport.Conn
			for i := range 8 {
				s := c.caller(i)
				defer s.close()
				conn := s.greet("a")
				conns = append(conns, conn)
				for ask := range uint32(30) {
					s.send(conn, wire.Missing{Wants: []wire.Want{{Ask: ask + 1, Want: crdt.Want{Author: c.author("a")}}}})
				}
			}
			for range 25 {
				c.goOn()
				for _, conn := range conns {
					conn.Write(wire.Append(nil, wire.Same{})) // A sign of life, which answers nothing.
				}
				time.Sleep(time.Second)
			}
			c.noted("a", "stuck", uint64(len(conns)), "too slow", "reason=stuck")
		})
		c.within(time.Second, "a is linked to b alone", func() bool { return c.linked("a", "b") })
		c.goOn()
	})
}

// A peer that sends a frame byte by byte is given up when the frame is not there in time.
func TestSlowWriter(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		s := c.caller(1)
		defer s.close()
		conn := s.greet("a")
		began, ended := time.Now(), make(chan time.Duration, 1)
		go func() {
			io.Copy(io.Discard, conn)
			ended <- time.Since(began)
		}()
		for _, b := range wire.Append(nil, pushes(newMemLog(s.key, testGenesis).append(t, 1))) {
			if _, err := conn.Write([]byte{b}); err != nil || len(ended) > 0 {
				break
			}
			time.Sleep(time.Second)
		}
		if took := <-ended; took > 20*time.Second {
			t.Errorf("it was borne for %s", took)
		}
		c.noted("a", "silent", 1, "too slow", "reason=silent", s.self.Short())
		c.goOn()
	})
}

// Connections that stop half way, before TLS, after it, and in the hello, run out of time; a node that
// comes meanwhile is let in.
func TestHalfOpenConnections(t *testing.T) {
	bubble(t, "a b c", func(t *testing.T, c *cluster) {
		c.start("a", "b")
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		const each = 40
		for i := range each {
			raw, err := c.net.Host("raw").Dial(t.Context(), c.addr("a"))
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			silent, cut := c.caller(2*i), c.caller(2*i+1)
			defer silent.close()
			defer cut.close()
			defer silent.dial("a").NetConn().Close()
			conn := cut.dial("a")
			hello := wire.Append(nil, wire.Hello{Version: wire.Version, Log: testGenesis.Log()})
			conn.Write(hello[:len(hello)/2])
			defer conn.NetConn().Close()
		}
		c.start("c")
		c.within(5*time.Second, "c is let in", func() bool { return c.linked("a", "b", "c") })
		c.goOn()
		c.within(10*time.Second, "they have run out of time", func() bool {
			s := c.nodes["a"].Status()
			return s.Transport.Refused[transport.ReasonTimeout] == each && s.Transport.HalfOpen == 0 && s.Counts.Faults["hello-broken"] >= 2*each
		})
		if c.nodes["a"].lines.has("turned away") < each {
			t.Error("they were not logged")
		}
		c.goOn()
	})
}

// A thousand connections, of one peer and of many, take no more places than there are, and nobody's who
// was there before.
func TestThousandConnections(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		const many, places = 500, 100
		c.nodes["a"].cfg = func(cfg *gossip.Config) { cfg.MaxPeers = places }
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		heapBound(t, 64<<20, func() {
			one := c.caller(0)
			defer one.close()
			for i := range many {
				s := c.caller(i + 1)
				defer s.close()
				for _, conn := range []net.Conn{s.dial("a"), one.dial("a")} {
					conn.Write(wire.Append(nil, wire.Hello{Version: wire.Version, Log: testGenesis.Log(), Name: fmt.Sprint(i)}))
					go io.Copy(io.Discard, conn)
					defer conn.Close()
				}
			}
			linked := 0
			for _, m := range c.nodes["a"].Members() {
				if m.Linked {
					linked++
				}
			}
			s := c.nodes["a"].Status()
			if linked > places || s.Transport.Open > 2*places {
				t.Errorf("%d links, %d connections, at most %d links are allowed", linked, s.Transport.Open, places)
			}
			c.goOn()
		})
		if lines := bytes.Count([]byte(c.nodes["a"].lines.text.String()), []byte("\n")); lines > 3000 {
			t.Errorf("%d lines in the log", lines)
		}
		c.goOn()
	})
}
