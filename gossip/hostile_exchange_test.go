package gossip_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wire"
)

// addr returns where the stranger listens.
func (s *stranger) addr() string { return s.c.addr("stranger " + s.self.Short()) }

// host has the stranger take one stream and serve it by hand.
func (s *stranger) host(serve func(conn *transport.Conn)) {
	go func() {
		conn, err := s.port.Accept(context.Background(), transport.Sync)
		if err != nil {
			return
		}
		defer conn.NetConn().Close()
		conn.SetReadDeadline(time.Now().Add(time.Hour))
		if _, err := conn.Write(wire.Append(nil, wire.Hello{Version: wire.Version, Log: testGenesis.Log(), Name: "stranger"})); err == nil {
			serve(conn)
		}
	}()
}

// replies answers every offer with the given heads and drops everything else.
func (s *stranger) replies(conn *transport.Conn, heads crdt.Frontier) {
	for {
		m, _, err := wire.ReadFrame(conn, false)
		if err != nil {
			return
		}
		if offer, ok := m.(wire.Offer); ok {
			vector := wire.Vector{Round: offer.Round, Upto: lastAuthor, Heads: heads, Last: true}
			if _, err := conn.Write(wire.Append(nil, vector)); err != nil {
				return
			}
		}
	}
}

// A peer that keeps an exchange busy, with what is not new or not what is waited for, is given up soon.
func TestExchangeWithAPeerThatNeverEnds(t *testing.T) {
	for name, busy := range map[string]func(ours crdt.Author, ops []crdt.Op, i int) wire.Message{
		"a word and no more": func(crdt.Author, []crdt.Op, int) wire.Message { return wire.Same{Round: 1 << 30} },
		"asks for the same": func(ours crdt.Author, _ []crdt.Op, i int) wire.Message {
			return wire.Missing{Wants: []wire.Want{{Ask: uint32(i + 1), Want: crdt.Want{Author: ours}}}}
		},
		"sends the same": func(_ crdt.Author, ops []crdt.Op, _ int) wire.Message { return pushes(ops[0]) },
		"sends something new now and then": func(_ crdt.Author, ops []crdt.Op, i int) wire.Message {
			if i%100 > 0 {
				return wire.Same{Round: 1 << 30}
			}
			return pushes(ops[min(i/100, len(ops)-1)])
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, "d", func(t *testing.T, c *cluster) {
				c.dialOnly("d")
				c.nodes["d"].mem.append(t, 10)
				c.start()
				s := c.stranger(20, secret)
				defer s.close()
				_, ops := s.feed(10, 1)
				s.host(func(conn *transport.Conn) {
					go s.replies(conn, nil)
					for i := 0; ; i++ {
						if _, err := conn.Write(wire.Append(nil, busy(c.author("d"), ops, i))); err != nil {
							return
						}
						time.Sleep(300 * time.Millisecond)
					}
				})
				began := time.Now()
				_, err := c.nodes["d"].Exchange(t.Context(), s.addr())
				if err == nil || !strings.Contains(err.Error(), "nothing new has come") || time.Since(began) > 3*time.Minute {
					t.Errorf("after %s: %v", time.Since(began), err)
				}
			})
		})
	}
}

// A peer that is slow and goes on is not given up.
func TestExchangeWithASlowPeer(t *testing.T) {
	bubble(t, "d", func(t *testing.T, c *cluster) {
		c.dialOnly("d")
		c.start()
		s := c.stranger(20, secret)
		defer s.close()
		log, ops := s.feed(150, 1)
		s.host(func(conn *transport.Conn) {
			for {
				m, _, err := wire.ReadFrame(conn, false)
				if err != nil {
					return
				}
				var answer []wire.Message
				switch m := m.(type) {
				case wire.Offer:
					answer = append(answer, wire.Vector{Round: m.Round, Upto: lastAuthor, Heads: log.Frontier(), Last: true})
				case wire.Missing:
					for i := range ops {
						answer = append(answer, wire.Ops{Author: s.self, Ask: m.Wants[0].Ask, Run: crdt.Run{Ops: ops[i : i+1]}})
					}
					answer = append(answer, wire.Done{Ask: m.Wants[0].Ask, Author: s.self, Complete: true})
				}
				for _, m := range answer {
					if _, err := conn.Write(wire.Append(nil, m)); err != nil {
						return
					}
					if m.Kind() == wire.KindOps {
						time.Sleep(2 * time.Second)
					}
				}
			}
		})
		began := time.Now()
		x, err := c.nodes["d"].Exchange(t.Context(), s.addr())
		if err != nil || x.Received != 150 || time.Since(began) < 4*time.Minute {
			t.Errorf("after %s: %+v, %v", time.Since(began), x, err)
		}
	})
}
