package gossip_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/wire"
)

// offers returns how many comparisons all nodes have begun, and frames how many bytes they sent for those and
// everything else on links.
func (c *cluster) offers() (offers, frames uint64) {
	for _, name := range c.names {
		counts := c.nodes[name].Status().Counts
		offers, frames = offers+counts.OffersSent, frames+counts.BytesSent
	}
	return offers, frames
}

// rested starts a cluster in which all have written and hold the same, and lets it rest for a while.
func (c *cluster) rested(t *testing.T, d time.Duration) {
	c.start()
	for _, name := range c.names {
		c.nodes[name].mem.append(t, 1)
	}
	c.converge(20*time.Second, uint64(len(c.names)))
	c.within(10*time.Second, "linked", func() bool { return c.linked(c.names...) })
	time.Sleep(d)
}

// On a link that rests one of the two asks every 4 s (16 s), each often enough for the clocks of the other, and no
// link falls silent for it. All else that a node sends is a ping a second and a table now and then.
func TestAClusterAtRestIsQuiet(t *testing.T) {
	for profile, rest := range map[gossip.Profile]time.Duration{gossip.LAN: 4 * time.Second, gossip.WAN: 16 * time.Second} {
		bubble(t, "a b c d e", func(t *testing.T, c *cluster) {
			for _, name := range c.names {
				c.nodes[name].cfg = func(cfg *gossip.Config) { cfg.Profile = profile }
			}
			c.rested(t, 30*time.Second)
			const minutes, links = 5, 10
			offers, frames := c.offers()
			sent, began := c.sent(), time.Now()
			for time.Since(began) < minutes*time.Minute {
				time.Sleep(10 * time.Second)
				for _, m := range c.nodes["a"].Members() {
					if !m.ClockKnown || m.Compared.IsZero() || time.Since(m.EqualAt) > 2*rest {
						t.Fatalf("%s: what is known of a linked member is old: %+v", profile, m)
					}
				}
			}
			offersNow, framesNow := c.offers()
			offers, frames, sent = offersNow-offers, framesNow-frames, c.sent()-sent
			t.Logf("%s: %d offers, %d bytes of frames, %d bytes in all", profile, offers, frames, sent)
			turns := uint64(links * minutes * time.Minute / rest)
			if offers < turns*3/4 || offers > turns*5/4 {
				t.Errorf("%s: %d offers in %d minutes on %d links, want about %d", profile, offers, minutes, links, turns)
			}
			const round = 41 + 17 + 9 // offer, time, same
			if frames > offers*round {
				t.Errorf("%s: %d bytes of frames for %d offers", profile, frames, offers)
			}
			if most := uint64(len(c.names) * minutes * 60 * 600); sent > most {
				t.Errorf("%s: %d bytes were sent, want at most %d", profile, sent, most)
			}
			for _, name := range c.names {
				if n := c.nodes[name].lines.has("link ended"); n > 0 {
					t.Errorf("%s: %d links of %s ended", profile, n, name)
				}
			}
		})
	}
}

// An op that its holder tells nobody of, by push, name or advert, is found by comparing: within the pace of quick
// offers and the time that push is given, however long the links have rested.
func TestADifferenceIsNoticedHoweverLongLinksHaveRested(t *testing.T) {
	const (
		quick    = time.Second * 5 / 4    // the longest pause between two quick offers: a second ± a quarter
		patience = 750 * time.Millisecond // what push is given
		most     = quick + patience + 250*time.Millisecond
	)
	bubble(t, "a b c d", func(t *testing.T, c *cluster) {
		c.rested(t, 0)
		for i := range 12 {
			time.Sleep([]time.Duration{2 * time.Second, time.Minute, 10 * time.Minute}[i%3])
			silent := newMemLog(testKey(40+i), testGenesis) // What a node has of others it does not push by itself.
			c.nodes[c.names[i%4]].mem.put(t, crdt.Run{Ops: []crdt.Op{silent.append(t, 1)}})
			took := c.within(20*time.Second, "all hold it", func() bool { return c.equal(c.names...) })
			if took > most {
				t.Errorf("it took %s, want at most %s", took, most)
			}
		}
	})
}

// A node whose peer asks all the time with the same root asks too, now and then: often enough to know the peer's clock.
func TestAPeerThatAlwaysAsksIsAskedToo(t *testing.T) {
	for _, test := range []struct {
		profile     gossip.Profile
		every       time.Duration
		least, most int
	}{{gossip.LAN, 500 * time.Millisecond, 3, 9}, {gossip.WAN, 5 * time.Second, 9, 18}} {
		bubble(t, "a", func(t *testing.T, c *cluster) {
			c.nodes["a"].cfg = func(cfg *gossip.Config) { cfg.Profile = test.profile }
			c.start()
			s := c.stranger(20, secret)
			defer s.close()
			conn := s.greet("a")
			var root crdt.Hash // Neither holds anything.
			asked, last, pause := 0, time.Now(), time.Duration(0)
			for round := range uint32(120) {
				s.send(conn, wire.Offer{Round: round + 1, Root: root})
				for answered := false; !answered; {
					switch m := s.next(conn).(type) {
					case wire.Offer:
						asked++
						pause, last = max(pause, time.Since(last)), time.Now()
						s.send(conn, wire.Same{Round: m.Round})
					case wire.Same:
						answered = m.Round == round+1
					}
				}
				time.Sleep(test.every)
			}
			if asked < test.least || asked > test.most || pause >= time.Minute {
				t.Errorf("%s: it asked %d times in %s, once not for %s", test.profile, asked, 120*test.every, pause)
			}
		})
	}
}

// A machine that was suspended finds out at once which links have survived that.
func TestAfterASuspensionAllLinksAreTried(t *testing.T) {
	bubble(t, "a b c d e", func(t *testing.T, c *cluster) {
		var slept atomic.Int64
		c.nodes["a"].cfg = func(cfg *gossip.Config) {
			cfg.Now = func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }
		}
		c.rested(t, time.Minute)
		before := c.nodes["a"].Status().Counts.OffersSent
		slept.Store(int64(20 * time.Second))
		// The loop looks at its clocks once a second, and a link that was just tried is tried again after up to 1.25 s.
		c.within(1500*time.Millisecond, "an offer on each of 4 links", func() bool {
			return c.nodes["a"].Status().Counts.OffersSent-before >= 4
		})
	})
}

// A process that dies is missed at once by those who are linked to it, and a machine that falls silent when its links
// have been silent for long enough, though a cluster at rest probes seldom.
func TestDeathsAreNoticedAtRest(t *testing.T) {
	for _, test := range []struct {
		name string
		die  func(c *cluster)
		most time.Duration
	}{
		{"process", func(c *cluster) { c.crash("e") }, 3 * time.Second},
		{"machine", func(c *cluster) { c.net.Partition([]string{"e"}, []string{"a", "b", "c", "d"}) }, 11 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, "a b c d e", func(t *testing.T, c *cluster) {
				c.rested(t, time.Minute)
				test.die(c)
				took := c.within(test.most, "all have noticed", func() bool {
					for _, name := range []string{"a", "b", "c", "d"} {
						if c.member(name, "e").State != gossip.Dead {
							return false
						}
					}
					return true
				})
				t.Logf("noticed after %s", took)
			})
		})
	}
}

// A place at which a member was joined is looked at seldom, and soon after that member has gone.
func TestASeedIsLookedAtWhenItsMemberGoes(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		c.nodes["a"].seed = nil
		c.start()
		seed := func() gossip.Seed { return c.nodes["b"].Seeds()[0] }
		c.within(10*time.Second, "joined", func() bool { return seed().Joined })
		tries := seed().Tries
		c.within(11*time.Second, "looked at again", func() bool { return seed().Tries > tries })
		if seed().Tries != tries+1 || !seed().Joined {
			t.Errorf("after %d tries that joined: %+v", tries, seed())
		}
		c.stop("a")
		c.within(2*time.Second, "nobody is there", func() bool { return !seed().Joined })
	})
}
