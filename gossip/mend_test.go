package gossip_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip"
)

// mended is a cluster whose logs are on disk, and are damaged while they are not open.
type mended struct {
	*cluster
	dir  string
	logs map[string]*eventlog.Log
	rng  *rand.Rand
}

// newMended returns a cluster of which all hold the same entries, and that is down.
func newMended(t *testing.T, seed uint64, names ...string) *mended {
	m := &mended{cluster: newCluster(t, names), dir: t.TempDir(), logs: make(map[string]*eventlog.Log), rng: rand.New(rand.NewPCG(seed, 1))}
	for i, name := range names {
		m.logs[name] = eventlogtest.Create(t, filepath.Join(m.dir, name), eventlog.Config{Key: testKey(i)})
		m.nodes[name].log, m.nodes[name].mem = m.logs[name], nil
		for j := range 40 {
			if _, err := m.logs[name].AppendBatch(t.Context(), m.events(name, j)); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Cleanup(m.close)
	m.start()
	m.within(time.Minute, "converge", func() bool {
		return m.equal(names...) && m.logs[names[0]].Frontier().Entries() == m.logs[names[len(names)-1]].Frontier().Entries()
	})
	m.down()
	return m
}

// events returns the j-th batch of a node.
func (m *mended) events(name string, j int) []crdt.Event {
	events := make([]crdt.Event, 1+m.rng.IntN(3))
	for i := range events {
		events[i] = crdt.Event{
			Kind: "test", ContentType: "text/plain",
			Payload: fmt.Appendf(nil, "%s of %s.%s", text(name, j), name, bytes.Repeat([]byte("x"), m.rng.IntN(3000))),
		}
	}
	return events
}

// text stands in the payloads of a batch.
func text(name string, j int) string { return fmt.Sprintf("the batch %03d/%s", j, name) }

// down stops all and closes their logs.
func (m *mended) down() {
	m.t.Helper()
	m.stop(m.names...)
	for _, l := range m.logs {
		if err := l.Close(); err != nil {
			m.t.Fatal(err)
		}
	}
}

// spoil flips a bit of the j-th batch of whose in the file of name.
func (m *mended) spoil(name, whose string, j int) {
	m.t.Helper()
	path := filepath.Join(m.dir, name, "quipu.db")
	b, err := os.ReadFile(path)
	if err != nil {
		m.t.Fatal(err)
	}
	found := false
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], []byte(text(whose, j)))
		if i < 0 {
			break
		}
		found = true
		at += i
		b[at+m.rng.IntN(8)] ^= 1 << m.rng.IntN(8)
	}
	if !found {
		m.t.Fatalf("%q is not in the file", text(whose, j))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// up opens the logs again and verifies them, as an operator would, and runs the nodes.
func (m *mended) up(t *testing.T) (damaged map[string]int) {
	t.Helper()
	damaged = make(map[string]int)
	for i, name := range m.names {
		l := eventlogtest.Reopen(t, filepath.Join(m.dir, name), eventlog.Config{Key: testKey(i)})
		report, err := l.Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m.logs[name], damaged[name] = l, len(report.Problems)
		if m.nodes[name].log == nil {
			m.nodes[name].log = l
		} else if w, wrapped := m.nodes[name].log.(*altering); wrapped {
			w.Log = l
		} else if w, wrapped := m.nodes[name].log.(*narrow); wrapped {
			w.Log = l
		} else {
			m.nodes[name].log = l
		}
	}
	m.start()
	return damaged
}

// whole reports whether a node's log knows of nothing that it cannot read.
func (m *mended) whole(name string) bool {
	holes, err := m.logs[name].Damaged(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	return len(holes) == 0 && m.logs[name].Health().Damage == nil
}

// TestPeersGiveBackWhatIsDamaged: each node has other ops damaged, its own among them, while the heads of all are the
// same. Each asks the others, and in the end all logs verify. Of five seeds a run without QUIPU_E2E=1 takes two.
func TestPeersGiveBackWhatIsDamaged(t *testing.T) {
	seeds := rand.Perm(5)
	if os.Getenv("QUIPU_E2E") == "" || testing.Short() {
		seeds = seeds[:2]
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMended(t, uint64(seed), "a", "b", "c")
				for at, name := range m.names {
					for _, j := range m.rng.Perm(13)[:1+m.rng.IntN(12)] {
						m.spoil(name, m.names[m.rng.IntN(3)], 3*j+at) // no two have the same one damaged, nor the last
					}
				}
				for name, n := range m.up(t) {
					if n == 0 {
						t.Errorf("%s is not damaged", name)
					}
				}
				m.within(time.Minute, "mend", func() bool { return m.whole("a") && m.whole("b") && m.whole("c") })
				for name := range m.nodes {
					if forked := m.logs[name].Forked(); len(forked) > 0 || m.logs[name].Health().Mute != nil || len(m.logs[name].Shut()) > 0 {
						t.Errorf("%s: forked %v, %v", name, forked, m.logs[name].Health().Mute)
					}
				}
				m.down()
			})
		})
	}
}

// altering is the log of a node that alters what it sends of an author, and of which spans are hidden.
type altering struct {
	gossip.Log
	author crdt.Author
	hides  atomic.Bool
}

// PlanSpan finds nothing while that is hidden.
func (l *altering) PlanSpan(ctx context.Context, s crdt.Span) (crdt.Segment, bool, error) {
	if l.hides.Load() {
		return crdt.Segment{}, false, nil
	}
	return l.Log.PlanSpan(ctx, s)
}

// Read alters the last byte of each op.
func (l *altering) Read(ctx context.Context, seg *crdt.Segment, maxBytes int) (crdt.Run, error) {
	run, err := l.Log.Read(ctx, seg, maxBytes)
	if err != nil || seg.Author != l.author {
		return run, err
	}
	for i, op := range run.Ops {
		b := bytes.Clone(op.Bytes())
		b[len(b)-1] ^= 1
		if run.Ops[i], err = crdt.ParseOp(b); err != nil {
			return run, err
		}
	}
	return run, nil
}

// TestWhatIsGivenBackIsChecked: one peer offers other bytes for what is damaged. They replace nothing, and the other peer
// is asked.
func TestWhatIsGivenBackIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMended(t, 100, "a", "b", "c")
		for j := range 10 {
			m.spoil("a", "c", 3*j)
		}
		m.nodes["b"].log = &altering{author: crdt.AuthorOf(testKey(2))}
		m.up(t)
		m.stop("c")
		m.within(time.Minute, "refuse", func() bool { return len(m.nodes["a"].Status().Counts.Faults) > 0 })
		if m.whole("a") {
			t.Fatal("what was altered was taken")
		}
		m.start("c")
		m.within(5*time.Minute, "mend", func() bool { return m.whole("a") })
		m.down()
	})
}

// TestAnExchangeMends: a node that is no member asks the one that it dials, whose heads are the same.
func TestAnExchangeMends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMended(t, 200, "a", "b")
		m.spoil("a", "b", 7)
		m.spoil("a", "a", 20)
		m.dialOnly("a")
		m.up(t)
		if m.whole("a") {
			t.Fatal("nothing is damaged")
		}
		if _, err := m.nodes["a"].Exchange(t.Context(), m.addr("b")); err != nil || !m.whole("a") {
			t.Errorf("exchange: %v, whole: %t", err, m.whole("a"))
		}
		m.down()
	})
}

// TestMendAsksThoseToo that had nothing a moment ago: whoever has a node repair its log is told of it as it is now.
func TestMendAsksThoseToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMended(t, 300, "a", "b")
		m.spoil("a", "b", 7)
		b := new(altering)
		b.hides.Store(true)
		m.nodes["b"].log = b
		m.up(t)
		m.within(10*time.Second, "link", func() bool { return m.linked("a", "b") })
		if err := m.nodes["a"].Mend(t.Context()); err != nil || m.whole("a") {
			t.Fatalf("mend: %v, whole: %t", err, m.whole("a"))
		}
		b.hides.Store(false)
		if err := m.nodes["a"].Mend(t.Context()); err != nil || !m.whole("a") {
			t.Errorf("mend again: %v, whole: %t", err, m.whole("a"))
		}
		m.down()
	})
}

// narrow is the log of a node that tells of one hole at a time, and has nothing of the first entries of each feed for others.
type narrow struct {
	gossip.Log
	from  uint64
	at    atomic.Int64 // the hole that it tells of
	round atomic.Uint64
}

// PlanSpan finds what ends behind the first entries.
func (n *narrow) PlanSpan(ctx context.Context, s crdt.Span) (crdt.Segment, bool, error) {
	if s.Upto <= n.from {
		return crdt.Segment{}, false, nil
	}
	return n.Log.PlanSpan(ctx, s)
}

// Damaged returns the hole.
func (n *narrow) Damaged(ctx context.Context) ([]crdt.Span, error) {
	all, err := n.Log.Damaged(ctx)
	if len(all) > 0 {
		all = all[int(n.at.Load())%len(all):][:1]
	}
	return all, err
}

// DamagedFurther goes on to the next hole, if the one that was asked for is the one that it tells of.
func (n *narrow) DamagedFurther(asked []crdt.Span) uint64 {
	all, err := n.Log.Damaged(context.Background())
	at := int(n.at.Load())
	if asked == nil {
		n.at.Store(0)
	} else if err == nil && len(all) > 0 && slices.Equal(asked, all[at%len(all):][:1]) {
		if at++; at >= len(all) {
			at = 0
			n.round.Add(1)
		}
		n.at.Store(int64(at))
	}
	return n.round.Load()
}

// TestHolesBeyondThoseThatAreToldOf are asked for, too, once nobody has those: by a node on its own, by one that is to mend its
// log, and in an exchange.
func TestHolesBeyondThoseThatAreToldOf(t *testing.T) {
	for _, by := range []string{"itself", "mend", "exchange"} {
		t.Run(by, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testHolesBeyond(t, by) }) })
	}
}

func testHolesBeyond(t *testing.T, by string) {
	m := newMended(t, 500, "a", "b")
	spoiled := []int{3, 6, 9, 12, 30}
	for _, j := range spoiled {
		m.spoil("a", "b", j)
	}
	if by == "exchange" {
		m.dialOnly("a")
	}
	m.up(t)
	holes, err := m.logs["a"].Damaged(t.Context())
	if err != nil || len(holes) != len(spoiled) {
		t.Fatalf("the holes are %v: %v", holes, err)
	}
	m.down()
	m.nodes["a"].log, m.nodes["b"].log = &narrow{Log: m.logs["a"]}, &narrow{Log: m.logs["b"], from: holes[3].Upto}
	m.up(t)
	left := func() int {
		holes, err := m.logs["a"].Damaged(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(holes)
	}
	switch by {
	case "mend":
		m.within(10*time.Second, "link", func() bool { return m.linked("a", "b") })
		err = m.nodes["a"].Mend(t.Context())
	case "exchange":
		_, err = m.nodes["a"].Exchange(t.Context(), m.addr("b"))
	default:
		m.within(time.Minute, "have the last one back", func() bool { return left() < len(spoiled) })
	}
	if n := left(); err != nil || n != len(spoiled)-1 {
		t.Errorf("%d are left: %v", n, err)
	}
	m.down()
}

// holed is a log that cannot read the first entry of an author.
type holed struct {
	gossip.Log
	author crdt.Author
}

// Damaged returns the hole.
func (l holed) Damaged(context.Context) ([]crdt.Span, error) {
	return []crdt.Span{{Author: l.author, Head: crdt.Head{Next: 1, ID: crdt.OpID{1}}, Upto: 1}}, nil
}

// TestMendNeedsRoom: where there is none, it says so and does not wait for it.
func TestMendNeedsRoom(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		b := c.nodes["b"]
		b.log = holed{b.log, crdt.AuthorOf(testKey(0))}
		c.start()
		c.within(10*time.Second, "link", func() bool { return c.linked("a", "b") })
		b.mem.setFail(&os.PathError{Op: "write", Path: "quipu.db", Err: syscall.ENOSPC})
		c.nodes["a"].mem.append(t, 1)
		c.within(10*time.Second, "be full", func() bool { return b.Status().Full != nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := b.Mend(ctx); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("mend: %v", err)
		}
		b.mem.setFail(nil)
	})
}
