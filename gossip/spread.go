package gossip

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backfill"
	"github.com/quipulog/quipu/gossip/backoff"
	"github.com/quipulog/quipu/gossip/membership"
	"github.com/quipulog/quipu/gossip/mending"
	"github.com/quipulog/quipu/gossip/pending"
	"github.com/quipulog/quipu/gossip/plumtree"
	"github.com/quipulog/quipu/gossip/wire"
)

// spread is the policy of how ops get around: the tree along which news is pushed, and whom to ask for
// what did not come that way. Everything it goes by is a hint; what a peer claims and does not deliver
// costs one ask and is forgotten.
//
//	a peer pushes, announces, grafts, detaches ─▶ tree     ─▶ who is eager, who is grafted
//	a comparison shows what a peer has         ─▶ schedule ─▶ asks
//	an advert names heads that do not come     ─▶ hints    ─▶ compare with all soon
type spread struct {
	g *Gossip
	*linked
	tree       *plumtree.Tree
	schedule   *backfill.Schedule
	mending    *mending.Schedule
	further    backoff.Pause // before holes are asked for once more that were, with all others, in vain
	round      uint64        // how often the log had told of all by then
	hints      map[crdt.Author]hint
	starved    map[crdt.Author]Starved
	advertised crdt.Head // of our own feed
	root       crdt.Hash // of the log when it was last seen to move
	grafts     uint32    // asks that went with grafts, ever
}

// askCounts is what the loop has asked of peers.
type askCounts struct {
	grafts, detaches atomic.Uint64
	asks             atomic.Uint64 // by the schedule
}

// hint is an advert of what is not held here.
type hint struct {
	heads []crdt.Head
	at    time.Time
}

const (
	// maxHints bounds the authors of whom hints are kept.
	maxHints = 1024
	// graftBit marks the asks that go with a graft. Their answers are news, to be pushed on.
	graftBit = 1 << 31
	// farBehind is how many entries may be announced beyond what is held for them to be grafted. More
	// is a matter of backfill.
	farBehind = backfill.Big
)

func newSpread(g *Gossip, links *linked) *spread {
	p := g.pace
	return &spread{
		g:      g,
		linked: links,
		tree:   plumtree.New(plumtree.Config{IHaveTimeout: p.ihave, GraftTimeout: p.graft}),
		schedule: backfill.New(backfill.Config{
			PerPeer: maxAsks, Pending: pending.MaxBytes * 3 / 8, Patience: p.patience, Deliver: p.deliver, Avoid: p.avoid,
			Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		}),
		mending: mending.New(p.deliver, p.avoid),
		hints:   make(map[crdt.Author]hint),
		starved: make(map[crdt.Author]Starved),
	}
}

// opened takes in a new link.
func (s *spread) opened(l *link) {
	s.schedule.Comparing(l.id)
	s.further = backoff.Pause{}
	s.tree.Up(l.id)
	l.eager.Store(s.tree.Eager(l.id))
}

// closed takes out a link, with what was asked of it.
func (s *spread) closed(l *link) {
	s.tree.Down(l.id)
	s.schedule.Gone(l.id, time.Now())
	s.mending.Gone(l.id)
}

// tick does what is due.
func (s *spread) tick(now time.Time) {
	for _, i := range s.schedule.Expire(now, s.waitsForUs) {
		s.idle(i, now)
	}
	if s.mending.Busy() {
		s.mending.Expire(now, s.waitsForUs)
		s.askForHoles(now)
	}
	s.expireHints(now)
	s.stirMoved(now) // What is shut may have changed.
	s.compareDue(now)
	s.act(s.tree.Tick(now), now)
	s.plan(now)
}

// busy reports whether something is lacking, or may be.
func (s *spread) busy() bool {
	return len(s.hints) > 0 || !s.schedule.Quiet() || s.tree.Missing() > 0 || s.mending.Busy()
}

// waitsForUs reports whether runs of a peer wait to be applied: then it is not the peer that is slow.
func (s *spread) waitsForUs(peer crdt.Author) bool {
	p := s.links[peer]
	return p != nil && len(p.credit) > 0
}

// announced takes in what a peer says it has and is not held here. What is near is the tree's business,
// what is far that of backfill.
func (s *spread) announced(l *link, haves []wire.Have) {
	p := s.peering(l)
	if p == nil || s.g.applier.full.Load() != nil {
		return // With no room, nothing is asked for.
	}
	now := time.Now()
	for _, h := range haves {
		feed := s.g.log.Feed(h.Author)
		if h.Head.Next > feed.Next()+farBehind || s.schedule.Filling(h.Author) {
			s.heard(l.id, h.Author, h.Head, now)
			continue
		}
		s.tree.IHave(l.id, h.Author, h.Head, int(h.Hops), now)
	}
	s.plan(now)
}

// grafted takes note that a peer wants to be pushed to.
func (s *spread) grafted(l *link) {
	if s.peering(l) != nil {
		s.tree.Grafted(l.id)
		l.eager.Store(s.tree.Eager(l.id))
	}
}

// detached takes note that a peer wants announcements only.
func (s *spread) detached(l *link) {
	if s.peering(l) != nil {
		s.tree.Detached(l.id)
		l.eager.Store(s.tree.Eager(l.id))
	}
}

// act does what the tree decided.
func (s *spread) act(actions []plumtree.Action, now time.Time) {
	for _, act := range actions {
		p := s.links[act.Peer]
		if p == nil {
			continue
		}
		p.eager.Store(s.tree.Eager(act.Peer))
		if act.Kind == plumtree.Detach {
			p.out.detach()
			s.g.asked.detaches.Add(1)
			continue
		}
		s.g.asked.grafts.Add(1)
		if act.Author.IsZero() || s.schedule.Filling(act.Author) {
			p.out.graft()
			continue
		}
		s.grafts++
		p.out.graft(backfill.Ask{
			ID: graftBit | s.grafts&(mendBit-1), Peer: act.Peer, Author: act.Author, Heads: []crdt.Head{act.Head},
		})
	}
}

// plan asks peers for what is lacking.
func (s *spread) plan(now time.Time) {
	for _, a := range s.schedule.Plan(s.g.log.Feed, now) {
		p := s.links[a.Peer]
		if p == nil {
			s.schedule.Needless(a.ID, now)
			continue
		}
		p.out.ask(a)
		s.g.asked.asks.Add(1)
	}
}

// answered takes note that a peer's answer is over.
func (s *spread) answered(l *link, d wire.Done, now time.Time) {
	if mends(d.Ask) && s.peering(l) != nil {
		s.mendDone(l, d, now)
		return
	}
	if s.peering(l) == nil || d.Ask&graftBit != 0 {
		return
	}
	if !s.schedule.Done(l.id, d.Ask, d.Complete, now) {
		s.idle(backfill.Idle{Peer: l.id, Author: d.Author}, now)
	}
	s.plan(now)
}

// idle counts that a peer was found not to deliver what it offered.
func (s *spread) idle(i backfill.Idle, now time.Time) {
	p := s.links[i.Peer]
	if p != nil && s.g.faults.count(p.peer, reasonIdle, now) {
		s.g.logger.Info("peer did not deliver what it offered; others are asked", "peer", p.peer.Short(), "author", i.Author.Short())
	}
}

// needless takes note that a peer was not asked after all: nothing is lacking any more.
func (s *spread) needless(l *link, a backfill.Ask) {
	if s.peering(l) != nil && a.ID&graftBit == 0 {
		s.schedule.Needless(a.ID, time.Now())
	}
}

// takeHints takes in what the membership carried.
func (s *spread) takeHints(now time.Time) {
	adverts, differs := s.g.members.Hints()
	for _, a := range adverts {
		s.hinted(a, now)
	}
	if differs {
		s.offerSoon(now)
	}
}

// hinted takes in an advert.
func (s *spread) hinted(a membership.Advert, now time.Time) {
	if holds(s.g.log.Feed(a.Author), a.Heads) || len(s.hints) >= maxHints {
		return
	}
	if _, known := s.hints[a.Author]; !known {
		s.hints[a.Author] = hint{heads: a.Heads, at: now}
	}
}

// expireHints looks at adverts that were given time to come true. When one has not, and no peer is
// known that has what it names, this node compares with all.
func (s *spread) expireHints(now time.Time) {
	untrue := false
	for a, h := range s.hints {
		if now.Sub(h.at) < 2*s.g.pace.soon {
			continue
		}
		delete(s.hints, a)
		untrue = untrue || !s.schedule.Lacks(a) && !holds(s.g.log.Feed(a), h.heads)
	}
	if untrue {
		s.offerSoon(now)
	}
}

// moved does what follows when the log may have moved.
func (s *spread) moved() {
	s.advertiseOwn()
	if root := s.g.log.Root(); root != s.root {
		s.root = root
		s.stirMoved(time.Now())
	}
}

// advertiseOwn tells others of our head when it has moved.
func (s *spread) advertiseOwn() {
	heads := s.g.log.Feed(s.g.self).Heads()
	if n := len(heads); n > 0 && heads[n-1] != s.advertised {
		s.advertised = heads[n-1]
		s.g.members.Advertise(s.g.self, heads)
	}
}

// holds reports whether the last of heads is held, or lies under what is, as far as a look at the
// feed's own heads can tell.
func holds(f crdt.Feed, heads []crdt.Head) bool {
	last := heads[len(heads)-1]
	return slices.Contains(f.Heads(), last) || last.Next < f.Next()
}

// offerSoon compares with all peers soon.
func (s *spread) offerSoon(now time.Time) {
	for _, p := range s.links {
		p.nextOffer = earlier(p.nextOffer, now.Add(s.g.pace.soon+rand.N(s.g.pace.soon)))
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
