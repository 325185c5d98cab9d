package gossip

import (
	"slices"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/standing"
	"github.com/quipulog/quipu/gossip/wire"
)

// What a peer holds durably is known by what it says on its own link: by comparing, by the heads that it announces and
// by the ops that it sends. So a receipt needs no message. But a comparison comes once a second, and somebody may wait:
//
//	writer                              peer
//	│ Ops     its own feed up to 12       │
//	├────────────────────────────────────▶│
//	│ Await   12                          │  only while somebody waits
//	├────────────────────────────────────▶│  … stores, syncs
//	│ IHave   the writer's feed up to 12  │
//	│◀────────────────────────────────────┤
//
// One Await is open on a link at a time as far as its reader is concerned, and one IHave answers for all that has been
// stored by then: a busy link carries no frame an op for it.

// Standing is where a peer stands with a feed.
type Standing = standing.Standing

// Keeps is what a node says that it does not forget.
type Keeps = standing.Keeps

// Standings returns where each other node that counts stands with a feed, each author once: the members that this node
// has heard of in the last 30 days, in an earlier run too, and the guests.
func (g *Gossip) Standings(feed crdt.Author) []Standing {
	// Another process with our key is no other node.
	all := slices.DeleteFunc(g.standings.Of(feed), func(s Standing) bool { return s.Author == g.self })
	at := make(map[crdt.Author]int, len(all))
	for i, s := range all {
		at[s.Author] = i
	}
	for k := range g.acquainted(time.Now()) {
		i, known := at[k.Author]
		if !known {
			i, all = len(all), append(all, Standing{Author: k.Author})
		}
		all[i].Member = true
	}
	return all
}

// StandingsChanged returns a channel that is closed when a standing changes.
func (g *Gossip) StandingsChanged() <-chan struct{} { return g.standings.Changed() }

// AwaitReceipts asks the linked peers to tell when they hold this node's own feed as far as it goes now.
func (g *Gossip) AwaitReceipts() {
	if !g.loop.running() || g.hurried.Swap(true) {
		return
	}
	g.loop.do(func(s *state) {
		g.hurried.Store(false)
		for _, p := range s.links {
			if p.both(wire.FeatureReceipts) {
				p.out.await()
			}
		}
	})
}

// stands takes note of what the comparison that has come to its end shows of what the peer holds.
func (r *reader) stands(equal bool) {
	l, c, now := r.l, &r.comparison, time.Now()
	if equal {
		if o := l.offered.Load(); o != nil {
			l.stoodEqual(*o, c.since, now)
		}
		return
	}
	l.process.Compared(standing.Comparison{
		Since: c.since, Mark: c.basis.mark, Whole: c.Whole(), Differ: c.found.behind, Ahead: c.found.lacking, Left: c.basis.left,
		Held: func(a crdt.Author, h crdt.Head) bool { return holds(r.g.log.Feed(a), []crdt.Head{h}) },
	}, now)
}

// stoodEqual takes note that the peer was seen to hold the same.
func (l *link) stoodEqual(b basis, since uint64, now time.Time) {
	l.process.Compared(standing.Comparison{
		Since: since, Mark: b.mark, Whole: true, Left: b.left,
		Held: func(crdt.Author, crdt.Head) bool { return true },
	}, now)
}

// said takes note of the heads that the peer announces.
func (r *reader) said(haves []wire.Have) {
	now := time.Now()
	for _, h := range haves {
		r.l.process.Said(h.Author, h.Head, len(r.g.log.Feed(h.Author).Branches), now)
	}
}

// showed takes note that who sent a run holds what has been placed of it.
func (s *spread) showed(a arrival, f fate, now time.Time) {
	if placed := f.Duplicates + f.Ops; placed > 0 && placed <= len(a.run.Ops) {
		author := a.run.Author()
		a.link.process.Said(author, a.run.Ops[placed-1].Head(), len(s.g.log.Feed(author).Branches), now)
	}
}

// receipt takes in what the peer keeps, and what it waits for.
func (r *reader) receipt(m wire.Message) {
	l := r.l
	switch m := m.(type) {
	case wire.Keeps:
		age := time.Duration(min(m.Age, uint64(maxKept/time.Millisecond))) * time.Millisecond
		l.process.Keeps(Keeps{Bodies: m.Bodies, Forgotten: m.Forgotten, Age: age, Entries: m.Entries})
	case wire.Await:
		l.awaited.until(m.Head.Next)
		l.confirms(r.g.log.Feed(l.peer))
	}
}

// maxKept bounds the age below which somebody is said to drop no bodies.
const maxKept = 100 * 365 * 24 * time.Hour

// confirms tells the peer up to where its own feed is held here, if it waits for less.
func (l *link) confirms(feed crdt.Feed) {
	if l.awaited.reached(feed.Next()) {
		l.out.confirm()
	}
}

// receipts returns what says and asks who holds what.
func (w *writer) receipts(box letters) (messages []wire.Message) {
	if !w.l.both(wire.FeatureReceipts) {
		return nil
	}
	if box.await && !w.l.roots.hasShut(w.g.self) {
		if head, ok := highest(w.g.log.Feed(w.g.self)); ok {
			messages = append(messages, wire.Await{Head: head})
		}
	}
	if box.confirm {
		if head, ok := highest(w.g.log.Feed(w.l.peer)); ok {
			messages = append(messages, wire.IHave{Haves: []wire.Have{{Author: w.l.peer, Head: head}}})
		}
	}
	return messages
}

// highest returns the highest head of a feed, and whether it has one.
func highest(f crdt.Feed) (head crdt.Head, ok bool) {
	if heads := f.Heads(); len(heads) > 0 {
		return heads[len(heads)-1], true
	}
	return head, false
}

// awaited is up to where a peer waits for us to hold its own feed. Whoever waits for more before it was told waits
// for the first of it, so one that goes on asking is told all the same.
type awaited struct {
	mu sync.Mutex // guards what follows

	first, last uint64 // 0 while it waits for nothing
}

// until takes note that it waits for next.
func (a *awaited) until(next uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = max(a.last, next)
	if a.first == 0 || next < a.first {
		a.first = next
	}
}

// reached reports whether it waits for next or less, which it is told then.
func (a *awaited) reached(next uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.first == 0 || next < a.first {
		return false
	}
	if a.first = a.last; next >= a.last {
		a.first, a.last = 0, 0
	}
	return true
}
