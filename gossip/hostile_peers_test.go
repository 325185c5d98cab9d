package gossip_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wire"
)

// What the tests of hostile peers share: strangers by the hundred, a cluster whose first node has its
// log on disk, and ways to say that something was counted and logged, that the others go on, and that
// memory is bounded.

// both runs a test on a cluster with all logs in memory, and on one whose first node has its log on
// disk.
func both(t *testing.T, names string, test func(t *testing.T, c *cluster)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { bubble(t, names, test) })
	t.Run("disk", func(t *testing.T) { diskBubble(t, names, test) })
}

// diskBubble is bubble with the log of the first node on disk, which must verify in the end.
func diskBubble(t *testing.T, names string, test func(t *testing.T, c *cluster)) {
	t.Helper()
	boundBubble(t, names, eventlog.Config{Key: testKey(0)}, test)
}

// boundBubble is diskBubble with the configuration of that log.
func boundBubble(t *testing.T, names string, cfg eventlog.Config, test func(t *testing.T, c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, strings.Fields(names))
		first := c.nodes[c.names[0]]
		log, err := eventlog.Create(t.TempDir(), eventlog.Birth{Genesis: &testGenesis}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		first.log, first.mem = log, nil
		t.Cleanup(func() {
			eventlogtest.Verify(t, log)
			if err := log.Close(); err != nil {
				t.Error(err)
			}
		})
		t.Cleanup(c.close)
		test(t, c)
	})
}

// disk returns the log of a node if it is on disk, nil if it is in memory.
func (c *cluster) disk(name string) *eventlog.Log {
	log, _ := c.nodes[name].log.(*eventlog.Log)
	return log
}

// write appends n entries to a node's log, as one op or batch.
func (c *cluster) write(name string, n int) {
	c.t.Helper()
	if log := c.disk(name); log != nil {
		if _, err := log.AppendBatch(context.Background(), batch(n)); err != nil {
			c.t.Fatal(err)
		}
		return
	}
	c.nodes[name].mem.append(c.t, n)
}

// goOn checks that the named nodes, all when none is named, go on: what each of them writes is at all
// the others soon.
func (c *cluster) goOn(names ...string) {
	c.t.Helper()
	if len(names) == 0 {
		names = c.names
	}
	for _, from := range names {
		c.write(from, 1)
		next := c.nodes[from].log.Feed(c.author(from)).Next()
		c.within(3*time.Second, "the others have what "+from+" wrote", func() bool {
			return !slices.ContainsFunc(names, func(to string) bool {
				return c.nodes[to].log.Feed(c.author(from)).Next() != next
			})
		})
	}
}

// faults returns what a node has counted.
func (c *cluster) faults(name string) map[gossip.Reason]uint64 {
	return c.nodes[name].Status().Counts.Faults
}

// noted waits until a node has counted a fault of a reason n times, and checks that it has logged it
// with all of the given texts, and not more often than it counted.
func (c *cluster) noted(name string, reason gossip.Reason, n uint64, texts ...string) {
	c.t.Helper()
	c.within(40*time.Second, fmt.Sprintf("%s counted %s", name, reason), func() bool { return c.faults(name)[reason] >= n })
	if got := c.faults(name)[reason]; got != n {
		c.t.Errorf("%s counted %s %d times, want %d: %v", name, reason, got, n, c.faults(name))
	}
	if lines := c.nodes[name].lines.has(texts...); lines < 1 || uint64(lines) > n {
		c.t.Errorf("%s logged %q in %d lines, counted %d", name, texts, lines, n)
	}
}

// blameless checks that a node has held nothing against anybody. Greetings may break off: two nodes that
// dial each other at once need only one of the two streams.
func (c *cluster) blameless(name string) {
	c.t.Helper()
	for reason, n := range c.faults(name) {
		if reason != "hello-broken" && reason != "hello-bye" {
			c.t.Errorf("%s counts %s %d times", name, reason, n)
		}
	}
}

// caller brings in a stranger that can dial and not be dialled: there may be many.
func (c *cluster) caller(n int) *stranger {
	c.t.Helper()
	key := seedKey(sha256.Sum256(fmt.Append(nil, "caller ", n)))
	s := &stranger{t: c.t, c: c, key: key, self: crdt.AuthorOf(key), done: make(chan struct{})}
	var err error
	s.port, err = transport.NewDialer(transport.Config{Key: key, Secret: secret, Network: c.net.Host("callers")})
	if err != nil {
		c.t.Fatal(err)
	}
	s.stop = func() {
		s.port.Close()
		close(s.done)
	}
	return s
}

// signed returns an op of n entries, after h.
func signed(t testing.TB, key ed25519.PrivateKey, h crdt.Header, events ...crdt.Event) crdt.Op {
	t.Helper()
	h.Log = testGenesis.Log()
	if len(events) == 0 {
		events = []crdt.Event{{Kind: "test", Payload: []byte(`{}`)}}
	}
	op, err := crdt.NewOp(key, h, time.Now(), events...)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// after returns the header of an op that follows another.
func after(op crdt.Op) crdt.Header {
	return crdt.Header{First: op.Next(), Prev: op.ID, Clock: crdt.NextClock(time.Now(), op.Clock, 0), Floor: op.Floor}
}

// flipped returns an op with a bit of the byte at changed, and whether such bytes are an op at all.
func flipped(op crdt.Op, at int) (crdt.Op, bool) {
	b := bytes.Clone(op.Bytes())
	b[at] ^= 1
	bad, err := crdt.ParseOp(b)
	return bad, err == nil
}

// frameOf returns the frame of a run with a bit changed: in the op with index i, the byte at.
func frameOf(author crdt.Author, ops []crdt.Op, i, at int) []byte {
	frame := wire.Append(nil, wire.Ops{Author: author, Run: crdt.Run{Ops: ops}})
	frame[bytes.Index(frame, ops[i].Bytes())+at] ^= 1
	return frame
}

// pushes returns the message that pushes ops of one author.
func pushes(ops ...crdt.Op) wire.Ops {
	return wire.Ops{Author: ops[0].Author, Run: crdt.Run{Ops: ops}}
}

// heapBound checks that what is alive after work is no more than most bytes above what was before.
func heapBound(t testing.TB, most int64, work func()) {
	t.Helper()
	before := eventlogtest.HeapAlive()
	work()
	if heap := eventlogtest.HeapAlive(); heap > before+most {
		t.Errorf("the heap grew from %d to %d bytes, at most %d more are allowed", before, heap, most)
	}
}
