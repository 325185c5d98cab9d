package gossip

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backfill"
	"github.com/quipulog/quipu/gossip/news"
)

// news reports whether a run is to be pushed on: it was pushed here, or grafted.
func (a arrival) news() bool { return a.ask == 0 || a.ask&graftBit != 0 && !mends(a.ask) }

// head returns the head that the run of a leads to.
func (a arrival) head() crdt.Head { return a.run.Ops[len(a.run.Ops)-1].Head() }

// applied takes in what became of a run.
func (s *spread) applied(a arrival, f fate, now time.Time) {
	author := a.run.Author()
	if mends(a.ask) {
		s.broughtBack(a, f, now)
	} else if !a.waited && !a.news() {
		s.schedule.Arrived(backfill.Arrival{
			Peer: a.link.id, Ask: a.ask, Author: author, First: a.run.Ops[0].First, Next: a.head().Next, Bytes: a.run.Size(),
		}, now)
	}
	if author == s.g.self {
		s.own(a, f)
	}
	s.showed(a, f, now)
	if f.Ops > 0 {
		a.link.received.Add(uint64(f.Entries))
		s.grew(a, f, now)
	}
	switch {
	case f.Err != nil:
		s.refused(a, f.Err, now)
	case mends(a.ask): // what it brought besides is no news
	case f.Decision == crdt.Pending:
		s.unplaced(a, f, now)
	case f.Ops == 0 && a.ask == 0:
		s.pushed(a, false, now)
	}
}

// own takes in what became of a run in our own name.
func (s *spread) own(a arrival, f fate) {
	ops := a.run.Ops
	switch {
	case f.Ops > 0:
		s.notWritten(a.link)
		for _, asking := range s.ownEnds {
			asking.grew(s, a.link, ops[min(f.Duplicates+f.Ops, len(ops))-1], f.Entries)
		}
	case f.Decision == crdt.Pending && f.Err == nil:
		s.shown(a.link.peer, ops[len(ops)-1])
	}
}

// maxBeyond bounds the peers of whom is kept that they have sent an op of ours that cannot be placed.
const maxBeyond = 64

// shown takes in that a peer has sent an op of ours that cannot be placed. If we signed it, our feed goes on beyond
// what is here.
func (s *spread) shown(peer crdt.Author, op crdt.Op) {
	old, known := s.beyond[peer]
	if op.Next() > max(old.Next, s.g.log.Feed(s.g.self).Next()) && (known || len(s.beyond) < maxBeyond) && op.Verify() == nil {
		s.beyond[peer] = op.Head()
	}
}

// notWritten reports an op in our own name that was not here. The log decides what follows from it.
func (s *spread) notWritten(l *link) {
	now := time.Now()
	if s.g.faults.count(s.g.self, reasonNotWritten, now) {
		s.g.logger.Warn("a peer has entries in our own name that this folder did not have", "peer", l.peer.Short())
	}
}

// grew takes note that an author's feed has grown, and makes news of it.
func (s *spread) grew(a arrival, f fate, now time.Time) {
	author, feed := a.run.Author(), s.g.log.Feed(a.run.Author())
	for _, p := range s.peers[author] {
		p.confirms(feed)
	}
	delete(s.starved, author)
	s.schedule.Withhold(author, false)
	ask := a.ask
	if a.news() {
		ask = 0
	}
	if a.ask == 0 {
		s.pushed(a, true, now)
	}
	s.tree.Has(author, func(h crdt.Head) bool { return holds(feed, []crdt.Head{h}) })
	s.schedule.Grew(backfill.Growth{Author: author, Feed: feed, Peer: a.link.id, Ask: ask, Entries: f.Entries}, now)
	n := news.Item{Author: author, Head: a.head(), From: a.link.id, Hops: min(a.hops, math.MaxUint16-1) + 1}
	if from, upto := f.Duplicates, f.Duplicates+f.Ops; a.news() && f.Err == nil && upto == len(a.run.Ops) {
		n.Run.Ops, n.Size = a.run.Ops[from:], a.size
		if from == 0 {
			n.Run.Leave = a.run.Leave
		}
	}
	if f.Err != nil {
		n.Head = a.run.Ops[min(f.Duplicates+f.Ops, len(a.run.Ops))-1].Head() // the last that was placed
	}
	s.g.news.Put(n)
	if !a.news() {
		s.g.members.Advertise(author, feed.Heads())
	}
}

// pushed tells the tree of a run that was pushed; fresh says that something in it was new.
func (s *spread) pushed(a arrival, fresh bool, now time.Time) {
	s.act(s.tree.Pushed(a.link.id, a.run.Author(), a.head(), int(a.hops), fresh, now), now)
	a.link.eager.Store(s.tree.Eager(a.link.id))
}

// unplaced sees to it that what comes before a run is asked for.
func (s *spread) unplaced(a arrival, f fate, now time.Time) {
	author := a.run.Author()
	if !f.Kept && !a.news() {
		s.schedule.Unlinked(author, now)
	}
	if !a.news() {
		return
	}
	s.heard(a.link.id, author, a.head(), now)
	if f.Kept {
		s.schedule.Waiting(author, a.run.Ops[0].First, a.head().Next, a.run.Size(), now)
	} else {
		s.schedule.Unwaited(author)
	}
}

// heard takes in that a peer has something that is far from what is held here.
func (s *spread) heard(peer linkID, author crdt.Author, head crdt.Head, now time.Time) {
	s.schedule.Heard(backfill.Offer{Peer: peer, Author: author, Heads: []crdt.Head{head}, Held: s.g.log.Feed(author)}, now)
}

// refused deals with a run that broke a rule. An offence ends the link; else the peer is not asked for
// that author, or to mend for that hole, for a while, since it would send the same again.
func (s *spread) refused(a arrival, err error, now time.Time) {
	reason, offence := faultOf(err)
	author := a.run.Author()
	if mends(a.ask) && !offence { // such as a body that the peer has dropped and this node keeps
		s.mending.Refused(a.link.id, a.ask&(mendBit-1))
		return
	}
	s.schedule.Refused(a.link.id, author, now)
	known := s.starve(a, err, now)
	if a.news() {
		s.schedule.Unwaited(author)
	}
	if offence {
		a.link.stop(s.g.offence(a.link, reason, err))
		return
	}
	if reason == reasonShut {
		s.schedule.Forget(author, now)
	}
	who := author
	if s.g.log.Feed(author).IsZero() {
		who = a.link.peer // who makes up authors does not get a line for each
	}
	if s.g.faults.count(who, reason, now) && !known {
		s.g.logger.Warn("run refused", "author", author.Short(), "peer", a.link.peer.Short(), "reason", string(reason), "err", err, s.g.faults.repeated(who, reason))
	}
}

// newer takes note that a peer has ops of a format version that is not known here. Whether they are
// their author's cannot be told, so that author is avoided at this peer alone.
func (s *spread) newer(l *link, author crdt.Author, err error) {
	now := time.Now()
	s.schedule.Refused(l.id, author, now)
	if s.g.faults.count(author, reasonNewer, now) {
		s.g.logger.Warn("feed goes on in a format that this program does not know", "author", author.Short(), "peer", l.peer.Short(), "err", err, s.g.faults.repeated(author, reasonNewer))
	}
}

// Starved is an author whose feed cannot be completed here: the members that have it have dropped bodies
// that this node's policy keeps. It ends when one comes that has them, when they are old enough for this
// node too, or when the node is started with a policy like theirs.
type Starved struct {
	Author crdt.Author
	Peer   crdt.Author // who sent it last without them
	Since  time.Time
	Err    error // which op, and what this node keeps; wraps [crdt.ErrStripped]
}

// maxStarved bounds the authors that are remembered as starved.
const maxStarved = 1024

// starve takes note of a run that was refused, if that was for want of bodies, and reports whether its
// author was starved before.
func (s *spread) starve(a arrival, err error, now time.Time) (known bool) {
	author := a.run.Author()
	old, known := s.starved[author]
	if !errors.Is(err, crdt.ErrStripped) || !known && len(s.starved) >= maxStarved {
		return false
	}
	if !known {
		old.Since = now
	}
	s.schedule.Withhold(author, true)
	s.starved[author] = Starved{Author: author, Peer: a.link.peer, Since: old.Since, Err: err}
	return known
}

// allStarved returns the authors that are starved, in order.
func (s *spread) allStarved() []Starved {
	var all []Starved
	for _, f := range s.starved {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Starved) int { return a.Author.Compare(b.Author) })
	return all
}
