package gossip

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"runtime"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip/answer"
	"github.com/quipulog/quipu/gossip/news"
	"github.com/quipulog/quipu/gossip/pending"
	"github.com/quipulog/quipu/gossip/wire"
)

// Every queue counts what it keeps alive, not what of that is in use: filled with the smallest items, and
// with many of them in one frame, it takes no more memory than twice its bound.
func TestQueuesCountWhatTheyRetain(t *testing.T) {
	for _, test := range []struct {
		name  string
		bound int
		fill  func(t *testing.T) any
	}{
		{"news of our own", news.MaxBytes, fillNewsByTap},
		{"news of peers", news.MaxBytes, fillNewsByPeers},
		{"runs in flight", maxInFlight, fillApplier},
		{"runs that are pending", pending.MaxBytes, fillPending},
		{"wants that are not answered", answer.MaxWants * (64*40 + 256), fillWants},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := eventlogtest.HeapAlive()
			full := test.fill(t)
			if grown := eventlogtest.HeapAlive() - before; grown > 2*int64(test.bound)+1<<20 {
				t.Errorf("it keeps %d bytes alive where its bound is %d", grown, test.bound)
			}
			runtime.KeepAlive(full)
		})
	}
}

// roomyLog is a log of our own feed whose every run has room for much more, as one that is read from a file
// does.
type roomyLog struct {
	Log
	ops   []crdt.Op
	held  int
	reads int
	stop  func() // called when all are held and have been read
}

func (l *roomyLog) Author() crdt.Author { return l.ops[0].Author }

func (l *roomyLog) Feed(a crdt.Author) crdt.Feed {
	if a != l.Author() || l.held == 0 {
		return crdt.Feed{Author: a}
	}
	return crdt.Feed{Author: a, Branches: []crdt.Branch{{Start: l.ops[0].Key(), Rooted: true, Head: l.ops[l.held-1].Head()}}}
}

// Changed grows the feed by an op, at once.
func (l *roomyLog) Changed() <-chan struct{} {
	if l.held++; l.held > len(l.ops) {
		l.held = len(l.ops)
		l.stop()
	}
	changed := make(chan struct{})
	close(changed)
	return changed
}

func (l *roomyLog) Read(_ context.Context, seg *crdt.Segment, _ int) (crdt.Run, error) {
	op, err := crdt.ParseOp(append(make([]byte, 0, 80<<10), l.ops[l.held-1].Bytes()...))
	seg.After = op.Head()
	l.reads++
	return crdt.Run{Ops: append(make([]crdt.Op, 0, 8), op)}, err
}

func fillNewsByTap(t *testing.T) any {
	log := &roomyLog{ops: chain(t, crdt.LogID{1}, 2000)}
	ring := news.NewRing()
	ctx, stop := context.WithCancel(t.Context())
	log.stop = stop
	tap := news.Tap{Log: log, Ring: ring, Failed: func(err error) { t.Error(err) }}
	tap.Run(ctx)
	if log.reads != len(log.ops) {
		t.Fatalf("%d of %d runs were read", log.reads, len(log.ops))
	}
	return ring
}

// manySmall returns the frame of a run with many ops that are as small as they can be.
func manySmall(t *testing.T) []byte {
	t.Helper()
	ops := make([]crdt.Op, 1000)
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	op, err := crdt.NewOp(key, crdt.Header{Log: crdt.LogID{1}, Clock: 1, Retention: crdt.Trimmable}, time.Now(), crdt.Event{Kind: "k", Retention: crdt.Trimmable})
	if err != nil {
		t.Fatal(err)
	}
	for i := range ops {
		ops[i] = op.Trim()
	}
	return wire.Append(nil, wire.Ops{Author: op.Author, Run: crdt.Run{Ops: ops}})
}

// flooded returns an applier that nobody runs, with what links have brought it, one frame after the other.
func flooded(t *testing.T, frame []byte) *applier {
	t.Helper()
	log := setLog{set: crdt.NewSet(crdt.LogID{1})}
	p := newApplier(log, newNewcomers(DefaultNewAuthors))
	g := &Gossip{log: log, applier: p}
	for len(p.queue) < cap(p.queue) {
		l := &link{credit: make(chan struct{}, maxUnapplied)}
		m, size, err := wire.ReadFrame(bytes.NewReader(frame), false)
		if err != nil {
			t.Fatal(err)
		}
		need := int64(size.Plain + len(m.(wire.Ops).Run.Ops)*crdt.OpMemory)
		if !p.budget.TryAcquire(need) {
			break // it would wait for room
		}
		p.budget.Release(need)
		r := &reader{g: g, l: l}
		if err := r.take(t.Context(), m, size.Plain); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (l setLog) ID() crdt.LogID { return l.set.Log() }

func fillApplier(t *testing.T) any { return flooded(t, manySmall(t)) }

func fillNewsByPeers(t *testing.T) any {
	r, frame := news.NewRing(), manySmall(t)
	for range 3 {
		p := flooded(t, frame)
		for len(p.queue) > 0 {
			a := <-p.queue
			r.Put(news.Item{Author: a.run.Author(), Head: a.head(), Run: crdt.Run{Ops: a.run.Ops[999:]}, Size: a.size})
		}
	}
	return r
}

func fillPending(t *testing.T) any {
	p, frame := new(pending.Runs[arrival, *link]), manySmall(t)
	for range 3 {
		from := flooded(t, frame)
		for len(from.queue) > 0 {
			p.Keep(<-from.queue, time.Now())
		}
	}
	return p
}

func fillWants(*testing.T) any {
	out := newOutbox()
	for n := range answer.MaxWants {
		wants := make([]wire.Want, wire.MaxWants)
		for i := range wants {
			wants[i] = wire.Want{Ask: uint32(i + 1), Want: crdt.Want{Locator: crdt.Locator{Back: make([]crdt.Key, crdt.MaxLocator)}}}
		}
		out.answer(answer.Feeds(wants))
		out.put(func(b *letters) { // the others are answered, and make room for the next message
			clear(b.wants[n+1:])
			b.wants = b.wants[:n+1]
		})
	}
	return out
}
