package gossip

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

const (
	// claimTries is how often a peer is asked for what it claims before its claim holds up nobody.
	claimTries = 2
	// maxAskLinks bounds the members that are linked only to be asked, at a time.
	maxAskLinks = 32
	// copyStands is how long a copy counts as running after it was last seen to write.
	copyStands = 10 * time.Minute
	// rateFor is how far back the rate of what comes looks.
	rateFor = 4 * time.Second
)

// ownEndAsking is one call of AskOwnEnd. The loop alone uses it while the call goes on.
//
//	look: see each link ─▶ answers ─┐
//	      who counts ───────────────┴─▶ judge ─▶ told, open
//	what comes: grew ─▶ progress, a copy that writes
type ownEndAsking struct {
	g     *Gossip
	q     OwnEndQuestion
	began time.Time
	wall  time.Time // what the wall clock said then
	first []crdt.Head
	heads []crdt.Head // of our feed at since
	since time.Time   // comparisons that began before say nothing
	// answers is what each process has said that was linked since: those of members stay when its link ends.
	answers map[linkID]*ownEndAnswer
	links   map[crdt.Author]bool // members that are to be linked to be asked
	told    OwnEnd
	over    bool
	open    error // why it is not over, or ended without an answer

	entries uint64
	from    map[crdt.Author]bool
	sample  [2]struct { // of entries, the older first
		at      time.Time
		entries uint64
	}
}

// ownEndAnswer is what one process has said of our feed.
type ownEndAnswer struct {
	author   crdt.Author
	name     string
	linked   bool
	asksWho  bool
	compared time.Time // when the last comparison with it that came to its end began
	told     time.Time // when the question for members was asked that it answered last
	knows    []wire.Known
	named    uint64 // the height of our feed that its first answer named; 0 before that
	claim    uint64 // the height that it claims, where that leads to something we lack; else 0
	failed   int    // how often it did not deliver what it claims, since our feed last grew
	barred   bool   // it is not asked for now, since it did not
}

func newOwnEndAsking(g *Gossip, q OwnEndQuestion) *ownEndAsking {
	now := time.Now()
	a := &ownEndAsking{
		g: g, q: q, began: now, since: now, wall: g.cfg.Now(), heads: g.log.Feed(g.self).Heads(), open: ErrNobodyAsked,
		answers: make(map[linkID]*ownEndAnswer), from: make(map[crdt.Author]bool),
	}
	a.first = a.heads
	a.sample[0].at, a.sample[1].at = now, now
	return a
}

// look takes in what the links say, and reports whether the asking is over.
func (a *ownEndAsking) look(s *state, now time.Time) (over bool) {
	if heads := a.g.log.Feed(a.g.self).Heads(); !slices.Equal(heads, a.heads) { // it grows
		a.since, a.heads = now, heads
		for _, r := range a.answers {
			r.failed, r.barred = 0, false
		}
	}
	if now.Sub(a.sample[1].at) >= rateFor {
		a.sample[0] = a.sample[1]
		a.sample[1].at, a.sample[1].entries = now, a.entries
	}
	for id, r := range a.answers {
		r.linked = s.links[id] != nil
	}
	for _, p := range s.links {
		if p.peer != a.g.self {
			a.see(s, p, now)
		}
	}
	a.judge(s, now)
	if s.ownEnds[0] == a {
		a.g.ownEnd.Store(a.progress(now))
	}
	return a.over
}

// see takes in what a link says, and asks what it has not said.
func (a *ownEndAsking) see(s *state, p *peering, now time.Time) {
	r := a.answer(p)
	if p.whoTold.After(r.told) {
		r.told, r.knows = p.whoTold, p.knows
	}
	filling := s.spread.schedule.Filling(a.g.self)
	switch {
	case filling: // It will be asked again when that has come.
	case r.told.After(a.since):
		p.askWho(now, a.g.pace.rest, a.g.pace)
	default:
		p.askWho(now, a.g.pace.soon, a.g.pace)
	}
	var lacking []crdt.Head
	switch _, shut := slices.BinarySearchFunc(p.roots.excluded(), a.g.self, crdt.Author.Compare); {
	case shut: // Either of the two takes no more of us, and comparisons leave us out.
		r.compared = now
	case p.foundSince.After(a.since):
		r.compared = p.foundSince
		lacking = p.found.lacking[a.g.self]
	}
	if len(lacking) == 0 && len(p.held) > 0 && !holds(a.g.log.Feed(a.g.self), p.held) {
		lacking = p.held // as it said when it greeted; the comparisons that do not show it take back nothing
		s.spread.heard(p.id, a.g.self, lacking[len(lacking)-1], now)
	}
	if !filling && (!a.answered(r) || len(lacking) > 0) {
		p.hurry(a.since, now, a.g.pace.soon)
	}
	r.claim = 0
	if len(lacking) > 0 {
		r.claim = lacking[len(lacking)-1].Next
		barred := s.spread.schedule.Barred(p.id, a.g.self, now)
		if barred && !r.barred {
			r.failed++
		}
		r.barred = barred
	}
	if r.named == 0 && a.answered(r) {
		r.named = max(r.claim, a.height(), 1)
	}
}

// answer returns what is known of the process at the other end of a link, which takes the place of others of its
// author that are gone.
func (a *ownEndAsking) answer(p *peering) *ownEndAnswer {
	r := a.answers[p.id]
	if r == nil {
		maps.DeleteFunc(a.answers, func(_ linkID, old *ownEndAnswer) bool { return old.author == p.peer && !old.linked })
		r = &ownEndAnswer{author: p.peer, name: p.name, asksWho: p.both(wire.FeatureWho)}
		a.answers[p.id] = r
	}
	r.linked = true
	return r
}

// answered reports whether a process has said all that it was asked since our feed last grew.
func (a *ownEndAsking) answered(r *ownEndAnswer) bool {
	return r.compared.After(a.since) && (!r.asksWho || r.told.After(a.since))
}

// height returns the next seq of our feed.
func (a *ownEndAsking) height() uint64 {
	if len(a.heads) == 0 {
		return 0
	}
	return a.heads[len(a.heads)-1].Next
}

// standing returns why the processes of an author do not show yet that it holds no more of our feed than we do, ""
// where they do, and whether one is linked. claim is the height that one of them claims without proof.
func (a *ownEndAsking) standing(processes []*ownEndAnswer) (why string, linked bool, claim uint64) {
	answered := false
	for _, r := range processes {
		linked = linked || r.linked
		switch {
		case !a.answered(r) && !r.linked:
			continue // It can say no more.
		case !a.answered(r):
			why = "has not answered yet"
			continue
		case a.holdsUp(r):
			return "holds entries of this node that have not come yet", linked, 0
		}
		answered, claim = true, max(claim, r.claim)
	}
	if !answered && !linked {
		why = notLinked
	}
	return why, linked, claim
}

// holdsUp reports whether a process claims more than we hold, and has not been asked for it often enough.
func (a *ownEndAsking) holdsUp(r *ownEndAnswer) bool {
	if a.q.Soft {
		return r.claim > 0 && r.failed == 0
	}
	return r.claim > 0 && r.failed < claimTries
}

// notLinked is why an author has not been asked who has no link.
const notLinked = "is not linked"

// grew takes in that entries of ours have come from a peer. One that is younger than the question, beyond what the
// peer named in its first answer, was written meanwhile: somebody writes with our key.
func (a *ownEndAsking) grew(s *spread, l *link, last crdt.Op, entries int) {
	a.entries += uint64(entries)
	a.from[l.peer] = true
	r := a.answers[l.id]
	if r == nil || r.named == 0 || last.Next() <= r.named || !last.Clock.Time().After(a.wall) {
		return
	}
	s.copied.at = time.Now()
	s.copied.err = fmt.Errorf("%w: %s (%s) has got entry %d from it, which was written at %s: "+stopOne,
		ErrCopyRuns, l.name, l.peer.Short(), last.Next()-1, last.Clock.Time().Format(time.DateTime))
}

// stopOne says what to do about a copy.
const stopOne = "stop one of the two, or, if this one is the copy, give it a key of its own"

// progress returns how far the asking has come.
func (a *ownEndAsking) progress(now time.Time) *OwnEndProgress {
	p := &OwnEndProgress{
		OwnEnd: a.told, Began: a.began, Entries: a.entries, Claimed: a.height(),
		From: slices.SortedFunc(maps.Keys(a.from), crdt.Author.Compare),
	}
	if old := a.sample[0]; now.After(old.at) {
		p.PerSecond = float64(a.entries-old.entries) / now.Sub(old.at).Seconds()
	}
	for _, r := range a.answers {
		p.Claimed = max(p.Claimed, r.claim)
	}
	return p
}
