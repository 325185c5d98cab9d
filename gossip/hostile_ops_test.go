package gossip_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// Ops that are not what they say.

// An op in somebody else's name is the offence of whoever sends it; in our own name, too: it says nothing
// about a second writer. In system A the signer need not have been the author named inside.
func TestForgedAuthor(t *testing.T) {
	for _, victim := range []string{"a", "b", "nobody"} {
		t.Run(victim, func(t *testing.T) {
			both(t, "a b", func(t *testing.T, c *cluster) {
				c.start()
				c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
				c.goOn()
				forger := c.caller(1)
				defer forger.close()
				author := crdt.AuthorOf(testKey(99))
				if victim != "nobody" {
					author = c.author(victim)
				}
				before := c.nodes["a"].log.Feed(author)
				var h crdt.Header
				if !before.IsZero() {
					b := before.Branches[0]
					h = crdt.Header{First: b.Head.Next, Prev: b.Head.ID, Clock: crdt.NextClock(time.Now(), b.Clock, 0)}
				}
				forged, err := crdt.ParseOp(bytes.Replace(signed(t, forger.key, h).Bytes(), forger.self[:], author[:], 1))
				if err != nil {
					t.Fatal(err)
				}
				conn := forger.greet("a")
				forger.send(conn, pushes(forged))
				if bye := forger.ends(conn); bye.Code != wire.CodeOffence {
					t.Errorf("the node said %v", bye)
				}
				c.noted("a", "signature", 1, "may not send", "reason=signature", forger.self.Short())
				if next := c.nodes["a"].log.Feed(author).Next(); next != before.Next() {
					t.Errorf("the feed goes to %d, before to %d", next, before.Next())
				}
				if s := c.nodes["a"].Status(); s.Counts.NotWritten > 0 {
					t.Error("a forged op passes for a second writer")
				}
				c.goOn()
			})
		})
	}
}

// A relay that changes one bit anywhere in an op, inside a run or at its end, is found out: nothing of
// it is held, and it is never taken for the author's doing.
func TestAlteredBytes(t *testing.T) {
	both(t, "a b", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		author := newMemLog(testKey(99), testGenesis)
		ops := []crdt.Op{author.append(t, 1), author.append(t, 1), author.append(t, 1)}
		tried, step := 0, 1
		if c.disk("a") != nil || testing.Short() {
			step = 5
		}
		for _, i := range []int{1, 2} {
			for at := 0; at < ops[i].Size(); at += step {
				tried++
				relay := c.caller(tried)
				conn := relay.greet("a")
				conn.Write(frameOf(author.Author(), ops, i, at))
				c.within(5*time.Second, fmt.Sprintf("byte %d of op %d is found", at, i), func() bool {
					n := 0
					for _, count := range c.faults("a") {
						n += int(count)
					}
					return n == tried
				})
				conn.NetConn().Close()
				relay.close()
			}
		}
		faults := c.faults("a")
		t.Logf("%d bytes: %v", tried, faults)
		if faults["author"]+faults["refused"] > 0 {
			t.Errorf("what a relay did is held against the author: %v", faults)
		}
		for _, reason := range []string{"malformed", "run", "body", "signature", "other-log"} {
			if c.nodes["a"].lines.has("may not send", "reason="+reason) == 0 {
				t.Errorf("%s was not logged", reason)
			}
		}
		if next := c.nodes["a"].log.Feed(author.Author()).Next(); next > ops[1].Next() {
			t.Errorf("%d entries are held", next)
		}
		honest := c.caller(0)
		defer honest.close()
		honest.send(honest.greet("a"), pushes(ops...))
		c.within(2*time.Second, "the true ops are everywhere", func() bool {
			return c.equal("a", "b") && slices.Equal(c.nodes["a"].log.Feed(author.Author()).Heads(), author.Feed(author.Author()).Heads())
		})
		c.goOn()
	})
}

// Ops of another log, by an author who writes both, end the link; so does a leave of another.
func TestReplayFromAnotherLog(t *testing.T) {
	both(t, "a b", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		other := newMemLog(testKey(1), crdt.Genesis{Random: [32]byte{2}}) // b's key
		s := c.caller(1)
		defer s.close()
		conn := s.greet("a")
		s.send(conn, pushes(other.append(t, 3)))
		if bye := s.ends(conn); bye.Code != wire.CodeOffence {
			t.Errorf("the node said %v", bye)
		}
		c.noted("a", "other-log", 1, "may not send", "reason=other-log", other.id.String())

		op := signed(t, s.key, crdt.Header{})
		second := c.caller(2)
		defer second.close()
		conn = second.greet("a")
		second.send(conn, wire.Ops{Author: c.author("b"), Run: crdt.Run{Leave: other.append(t, 1).Signed, Ops: []crdt.Op{newMemLog(testKey(1), testGenesis).append(t, 1)}}})
		if bye := second.ends(conn); bye.Code != wire.CodeOffence {
			t.Errorf("the node said %v", bye)
		}
		c.noted("a", "run", 1, "may not send", "reason=run", "leave")
		if c.nodes["a"].log.Feed(op.Author).Next()+c.nodes["a"].log.Feed(c.author("b")).Next() != 0 {
			t.Error("something is held")
		}
		c.goOn()
	})
}

// An author that leaves seqs out breaks the laws; nothing after them is taken, whoever brings it.
func TestJumpInSeq(t *testing.T) {
	both(t, "a b", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		author := testKey(99)
		first := signed(t, author, crdt.Header{})
		h := after(first)
		h.First = 10
		jump := signed(t, author, h)
		s := c.caller(1)
		defer s.close()
		conn := s.greet("a")
		s.send(conn, pushes(first, jump))
		c.noted("a", "author", 1, "run refused", "reason=author", first.Author.Short(), "ends at 1")
		s.send(conn, pushes(jump))
		c.within(time.Second, "it waits", func() bool { return c.nodes["a"].Status().Counts.PendingKept == 1 })
		s.until(conn, wire.KindOffer)
		time.Sleep(2 * time.Minute)
		if next := c.nodes["a"].log.Feed(first.Author).Next(); next != 1 {
			t.Errorf("the feed goes to %d", next)
		}
		c.goOn()
	})
}

// An op in the midst of a run whose signature is bad, and which a later op names, is its author's
// doing: it is kept and spread, and the log's check counts it.
func TestInteriorOpWithBadSignature(t *testing.T) {
	both(t, "a b", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		author := testKey(99)
		first := signed(t, author, crdt.Header{})
		second := signed(t, author, after(first))
		bad, ok := flipped(second, len(second.Signed.Bytes())-1)
		if !ok || bad.Verify() == nil {
			t.Fatal("the signature is not bad")
		}
		last := signed(t, author, after(bad))
		relay := c.caller(1)
		defer relay.close()
		conn := relay.greet("a")
		relay.send(conn, pushes(first, bad, last))
		c.within(2*time.Second, "all of it is everywhere", func() bool {
			return c.equal("a", "b") && slices.Equal(c.nodes["b"].log.Feed(first.Author).Heads(), []crdt.Head{last.Head()})
		})
		relay.until(conn, wire.KindOffer)
		relay.until(conn, wire.KindOffer)
		for _, name := range c.names {
			c.blameless(name)
		}
		if log := c.disk("a"); log != nil {
			report, err := log.Verify(t.Context())
			if err != nil || !report.OK() || report.Offences != 1 {
				t.Errorf("the log's check says %s, %v", &report, err)
			}
		}
		c.goOn()
	})
}

// A relay that leaves out the body of an op that may be trimmed some day is not believed: this node has
// not trimmed it. It is asked of another. An op that may not be trimmed cannot be without its body.
func TestStrippedBody(t *testing.T) {
	both(t, "a b", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		author := testKey(99)
		op := signed(t, author, crdt.Header{}, crdt.Event{Kind: "test", Retention: crdt.Trimmable, Payload: []byte(`{"body":1}`)})
		heads := crdt.Frontier{op.Author: {op.Head()}}
		stripper, honest := c.caller(1), c.caller(2)
		defer stripper.close()
		defer honest.close()
		conn := stripper.greet("a")
		stripper.claim(conn, heads)
		want := stripper.until(conn, wire.KindMissing).(wire.Missing).Wants[0]
		stripper.send(conn, wire.Ops{Author: op.Author, Ask: want.Ask, Run: crdt.Run{Ops: []crdt.Op{op.Trim()}}}, wire.Done{Ask: want.Ask, Author: op.Author, Complete: true})
		c.noted("a", "stripped", 1, "without its body", stripper.self.Short(), op.Author.Short())
		stripper.until(conn, wire.KindOffer)
		if !c.nodes["a"].log.Feed(op.Author).IsZero() {
			t.Error("the op is held without its body")
		}
		other := honest.greet("a")
		honest.claim(other, heads)
		want = honest.until(other, wire.KindMissing).(wire.Missing).Wants[0]
		honest.send(other, wire.Ops{Author: op.Author, Ask: want.Ask, Run: crdt.Run{Ops: []crdt.Op{op}}}, wire.Done{Ask: want.Ask, Author: op.Author, Complete: true})
		c.within(2*time.Second, "the whole op is everywhere", func() bool {
			return c.nodes["a"].log.Feed(op.Author).Next() == 1 && c.equal("a", "b")
		})

		kept := signed(t, author, after(op))
		frame := wire.Append(nil, pushes(kept))
		header := len(kept.Signed.Bytes())
		body := kept.Size() - header
		frame = frame[:len(frame)-body]
		binary.BigEndian.PutUint32(frame, uint32(len(frame)-5)) // the size of the frame's body
		binary.BigEndian.PutUint32(frame[len(frame)-header-4:], uint32(header))
		conn.Write(frame)
		stripper.ends(conn)
		c.noted("a", "malformed", 1, "may not send", "without its body")
		c.goOn()
	})
}

// A peer that says there is more of our own feed than we know, and does not show it, changes nothing.
func TestUnprovenHeadOfOurOwn(t *testing.T) {
	for name, head := range map[string]func(crdt.Head) crdt.Head{
		"beyond": func(h crdt.Head) crdt.Head { return crdt.Head{Next: h.Next + 5, ID: crdt.OpID{1}} },
		"beside": func(h crdt.Head) crdt.Head { return crdt.Head{Next: h.Next, ID: crdt.OpID{1}} },
		"far":    func(crdt.Head) crdt.Head { return crdt.Head{Next: crdt.MaxSeq - 1, ID: crdt.OpID{1}} },
	} {
		t.Run(name, func(t *testing.T) {
			both(t, "a b", func(t *testing.T, c *cluster) {
				c.start()
				c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
				c.goOn()
				own := head(c.nodes["a"].log.Feed(c.author("a")).Heads()[0])
				s := c.caller(1)
				defer s.close()
				conn := s.dial("a")
				s.send(conn, wire.Hello{Version: wire.Version, Log: testGenesis.Log(), Held: []crdt.Head{own}})
				s.claim(conn, crdt.Frontier{c.author("a"): {own}})
				s.send(conn, wire.IHave{Haves: []wire.Have{{Author: c.author("a"), Head: own}}})
				c.noted("a", "not-delivered", 1, "did not deliver", s.self.Short())
				if st := c.nodes["a"].Status(); st.Counts.NotWritten > 0 || st.Progress.Entries > 0 {
					t.Errorf("a claim counts: runs of its own %d, behind by %d", st.Counts.NotWritten, st.Progress.Entries)
				}
				c.goOn()
			})
		})
	}
}

// What lies below an author's leave is not taken again, however often it is sent.
func TestReplayedPrunedOps(t *testing.T) {
	both(t, "a b", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		author := testKey(99)
		var ops []crdt.Op
		h := crdt.Header{}
		for range 9 {
			ops = append(ops, signed(t, author, h))
			h = after(ops[len(ops)-1])
		}
		h.Floor = 8
		leave := signed(t, author, h)
		old, kept := ops[:8], append(ops[8:], leave)
		s := c.caller(1)
		defer s.close()
		conn := s.greet("a")
		s.send(conn, wire.Ops{Author: leave.Author, Run: crdt.Run{Leave: leave.Signed, Ops: kept}})
		holds := func(name string) bool {
			f := c.nodes[name].log.Feed(leave.Author)
			return f.First() == 8 && f.Next() == 10
		}
		c.within(2*time.Second, "it begins at the leave", func() bool { return holds("a") && holds("b") })
		var size int64
		const times = 200
		for range times {
			if log := c.disk("a"); log != nil && size == 0 {
				size = log.Stats().Bytes
			}
			s.send(conn, pushes(old...), pushes(old[5]))
		}
		c.within(20*time.Second, "all are seen to be old", func() bool { return c.nodes["a"].Status().Counts.Duplicates == times*9 })
		if n := c.nodes["a"].Status().Counts; n.OpsTaken != uint64(len(kept)) || !holds("a") || !holds("b") {
			t.Errorf("ops below the leave were taken: %d of %d", n.OpsTaken, len(kept))
		}
		if log := c.disk("a"); log != nil && log.Stats().Bytes > size {
			t.Errorf("the file grew from %d to %d bytes", size, log.Stats().Bytes)
		}
		c.blameless("a")
		c.goOn()
	})
}

// Clocks far in the future are kept and passed on, and move nobody's.
func TestClocksFarAhead(t *testing.T) {
	both(t, "a b", func(t *testing.T, c *cluster) {
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked("a", "b") })
		s := c.caller(1)
		defer s.close()
		conn := s.greet("a")
		ahead := []crdt.Clock{crdt.ClockAt(time.Now().Add(2 * crdt.MaxAhead)), crdt.ClockAt(time.Now().AddDate(100, 0, 0)), crdt.MaxClock - 1}
		for i, clock := range ahead {
			s.send(conn, pushes(signed(t, testKey(90+i), crdt.Header{Clock: clock})))
		}
		c.within(2*time.Second, "they are everywhere", func() bool {
			return len(c.nodes["a"].log.Frontier()) == len(ahead) && c.equal("a", "b")
		})
		c.goOn()
		for _, name := range c.names {
			own := c.nodes[name].log.Feed(c.author(name)).Branches[0].Clock
			if d := time.Until(own.Time()); d > time.Second {
				t.Errorf("%s writes %s ahead", name, d)
			}
		}
		if log := c.disk("a"); log != nil && log.Stats().Ahead != len(ahead) {
			t.Errorf("%d feeds are counted as ahead, want %d", log.Stats().Ahead, len(ahead))
		}
		c.blameless("a")
		c.goOn()
	})
}
