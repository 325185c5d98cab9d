package gossip

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/membership"
	"github.com/quipulog/quipu/gossip/wire"
)

// spread is the policy of how ops get around: whom to ask for what, and when to compare. Everything
// it goes by is a hint; what a peer claims and does not deliver costs one ask and is forgotten.
//
//	an author pushes its own feed to every peer              push.go, needs nothing from here
//	vector shows that a peer has what we lack ─▶ offers ─┐
//	a pushed run cannot be placed             ─▶ offers ─┴▶ plan ─▶ ask one peer for each author
//	advert names heads that do not come       ─▶ hints ──▶ compare with all soon
//	something came that was asked for         ───────────▶ compare with the others soon
//
// A tree for live push and a descent through the digest's trie would replace offers and hints; asks
// and their deadlines would stay.
type spread struct {
	asks       map[crdt.Author]*ask
	lacks      map[crdt.Author]time.Time // since when an author's feed has been short without growing
	hints      map[crdt.Author]hint
	avoided    map[avoidance]time.Time // until when
	advertised crdt.Head               // of our own feed
}

// ask is a want that a peer is answering.
type ask struct {
	of    *peering
	heads []crdt.Head // what it was to lead to
	at    time.Time
	got   int // ops that were new
}

// hint is an advert of what is not held here.
type hint struct {
	heads []crdt.Head
	at    time.Time
}

// avoidance is a peer that is not asked for an author.
type avoidance struct{ peer, author crdt.Author }

const (
	// maxAsksTogether bounds the authors that are asked for at a time, over all peers.
	maxAsksTogether = 64
	// maxOffers bounds the authors of whom one peer's offers are kept.
	maxOffers = 4096
	// maxHints bounds the authors of whom hints are kept.
	maxHints = 1024
	// maxAvoided bounds the peers and authors that are avoided.
	maxAvoided = 16384
)

func newSpread() spread {
	return spread{
		asks:    make(map[crdt.Author]*ask),
		lacks:   make(map[crdt.Author]time.Time),
		hints:   make(map[crdt.Author]hint),
		avoided: make(map[avoidance]time.Time),
	}
}

// compared takes note of a peer's root.
func (s *state) compared(l *link, equal bool) {
	p := s.peering(l)
	if p == nil || !equal {
		return
	}
	p.equalAt = time.Now()
	clear(p.offers)
}

// offered takes in what a peer's vector showed: of the authors that it covers, these are the ones of
// whom the peer has heads that lead to something we lack.
func (s *state) offered(l *link, v wire.Vector, lacking crdt.Frontier) {
	p := s.peering(l)
	if p == nil {
		return
	}
	maps.DeleteFunc(p.offers, func(a crdt.Author, _ []crdt.Head) bool { return v.Covers(a) && lacking[a] == nil })
	now := time.Now()
	for a, heads := range lacking {
		s.offer(p, a, heads, now)
	}
	s.plan(now)
}

// offer takes in that a peer has heads of a that lead to something we lack.
func (s *state) offer(p *peering, a crdt.Author, heads []crdt.Head, now time.Time) {
	if now.Before(s.avoided[avoidance{p.peer, a}]) || p.offers[a] == nil && len(p.offers) >= maxOffers {
		return
	}
	p.offers[a] = heads
}

// plan asks peers for what is lacking: each author of one peer at a time. An author that is linked
// gets some time to push what others are seen to have.
func (s *state) plan(now time.Time) {
	short := make(map[crdt.Author][]*peering)
	for _, p := range s.links {
		for a := range p.offers {
			short[a] = append(short[a], p)
		}
	}
	maps.DeleteFunc(s.lacks, func(a crdt.Author, _ time.Time) bool { return short[a] == nil })
	for a, holders := range short {
		since, known := s.lacks[a]
		if !known {
			since = now
			s.lacks[a] = now
		}
		if s.asks[a] != nil || s.links[a] != nil && now.Sub(since) < s.g.pace.patience {
			continue
		}
		if len(s.asks) >= maxAsksTogether {
			return
		}
		if p := leastAsked(holders); p != nil {
			p.asks++
			p.moved = now
			s.asks[a] = &ask{of: p, heads: p.offers[a], at: now}
			p.out.ask(a, p.offers[a])
			s.g.tally.add(func(c *Counts) { c.Asks++ })
		}
	}
}

// leastAsked returns the peer that is asked for least, any of several, nil if all are asked for
// enough.
func leastAsked(peers []*peering) *peering {
	var best *peering
	for _, i := range rand.Perm(len(peers)) {
		if p := peers[i]; p.asks < maxAsks && (best == nil || p.asks < best.asks) {
			best = p
		}
	}
	return best
}

// applied takes in what became of a run.
func (s *state) applied(a arrival, o crdt.Outcome, now time.Time) {
	author := a.run.Author()
	s.g.tally.outcome(o)
	p := s.peering(a.link)
	if o.Ops > 0 {
		s.moved(p, author, a.answer, o.Ops, now)
	}
	if author == s.g.self && (o.Ops > 0 || o.Err != nil) {
		s.g.secondWriter(a.link, o.Err)
		s.avoid(a.link.peer, author, now)
		return
	}
	switch {
	case o.Err != nil:
		s.refused(a, o.Err, now)
	case o.Decision == crdt.Pending && p != nil:
		s.offer(p, author, []crdt.Head{a.run.Ops[len(a.run.Ops)-1].Head()}, now)
	}
}

// moved takes note that an author's feed has grown. What was asked for, the author did not bring
// everywhere itself, so others may lack it too.
func (s *state) moved(p *peering, author crdt.Author, asked bool, ops int, now time.Time) {
	if _, short := s.lacks[author]; short {
		s.lacks[author] = now
	}
	if !asked {
		return
	}
	if p != nil {
		p.moved = now
	}
	if ask := s.asks[author]; ask != nil && ask.of == p {
		ask.got += ops
	}
	s.g.members.Advertise(author, s.g.log.Feed(author).Heads())
	s.offerSoon(now, p)
}

// refused deals with a run that broke a rule. An offence ends the link; else the peer is not asked for
// that author for a while, since it would send the same again.
func (s *state) refused(a arrival, err error, now time.Time) {
	reason, offence := faultOf(err)
	if offence {
		a.link.stop(s.g.offence(a.link, reason, err))
		return
	}
	author := a.run.Author()
	s.avoid(a.link.peer, author, now)
	if s.g.tally.fault(author, reason, now) {
		s.g.logger.Warn("run refused", "author", author.Short(), "peer", a.link.peer.Short(), "reason", string(reason), "err", err)
	}
}

// newer takes note that a peer has ops of a format version that is not known here.
func (s *state) newer(l *link, author crdt.Author, err error) {
	now := time.Now()
	s.avoid(l.peer, author, now)
	if s.g.tally.fault(author, reasonNewer, now) {
		s.g.logger.Warn("feed goes on in a format that this program does not know", "author", author.Short(), "peer", l.peer.Short(), "err", err)
	}
}

// answered takes note that a peer's answer is over. What it offered is settled: if there is more, the
// next comparison shows it.
func (s *state) answered(l *link, d wire.Done, now time.Time) {
	p := s.peering(l)
	ask := s.asks[d.Author]
	if p == nil || ask == nil || ask.of != p {
		return
	}
	s.settle(d.Author)
	if s.undelivered(ask, d.Author, now) {
		return
	}
	s.g.tally.add(func(c *Counts) { c.Answers++ })
	p.nextOffer = earlier(p.nextOffer, now.Add(s.g.pace.soon))
	s.plan(now)
}

// needless takes note that a peer was not asked after all: nothing is lacking any more.
func (s *state) needless(l *link, author crdt.Author) {
	p := s.peering(l)
	if p == nil {
		return
	}
	delete(p.offers, author)
	if ask := s.asks[author]; ask != nil && ask.of == p {
		s.settle(author)
	}
}

// settle ends an ask.
func (s *state) settle(author crdt.Author) {
	ask := s.asks[author]
	ask.of.asks--
	delete(ask.of.offers, author)
	delete(s.asks, author)
}

// undelivered reports whether an ask that has ended brought nothing, while what was offered is still
// lacking. Then others are asked. A part of it is no reason: the rest will be offered again.
func (s *state) undelivered(ask *ask, author crdt.Author, now time.Time) bool {
	if ask.got > 0 || s.holds(author, ask.heads) {
		return false
	}
	peer := ask.of.peer
	s.avoid(peer, author, now)
	if s.g.tally.fault(peer, reasonIdle, now) {
		s.g.logger.Info("peer did not deliver what it offered; others are asked", "peer", peer.Short(), "author", author.Short())
	}
	s.plan(now)
	return true
}

// avoid does not ask peer for author for a while, and forgets its offers.
func (s *state) avoid(peer, author crdt.Author, now time.Time) {
	if len(s.avoided) >= maxAvoided {
		maps.DeleteFunc(s.avoided, func(_ avoidance, until time.Time) bool { return now.After(until) })
	}
	if len(s.avoided) < maxAvoided {
		s.avoided[avoidance{peer, author}] = now.Add(jittered(s.g.pace.avoid))
	}
	if p := s.links[peer]; p != nil {
		delete(p.offers, author)
	}
}

// expireAsks gives up asks of peers that have delivered nothing new for too long. While runs of the
// peer wait to be applied, it is not the peer that is slow.
func (s *state) expireAsks(now time.Time) {
	for author, ask := range s.asks {
		p := ask.of
		if len(p.credit) > 0 {
			p.moved = now
		}
		if now.Sub(ask.at) < s.g.pace.deliver || now.Sub(p.moved) < s.g.pace.deliver {
			continue
		}
		s.settle(author)
		ask.got = 0 // What came is long past: it has stopped.
		s.undelivered(ask, author, now)
	}
}

// hinted takes in an advert.
func (s *state) hinted(a membership.Advert, now time.Time) {
	if s.holds(a.Author, a.Heads) || len(s.hints) >= maxHints {
		return
	}
	if _, known := s.hints[a.Author]; !known {
		s.hints[a.Author] = hint{heads: a.Heads, at: now}
	}
}

// expireHints looks at adverts that were given time to come true. When one has not, and no peer is
// known that has what it names, this node compares with all.
func (s *state) expireHints(now time.Time) {
	for a, h := range s.hints {
		if now.Sub(h.at) < 2*s.g.pace.soon {
			continue
		}
		delete(s.hints, a)
		_, known := s.lacks[a]
		if !known && s.asks[a] == nil && !s.holds(a, h.heads) {
			s.offerSoon(now, nil)
		}
	}
}

// holds reports whether the last of heads is held, or lies under what is, as far as a look at our own
// heads can tell.
func (s *state) holds(a crdt.Author, heads []crdt.Head) bool {
	f := s.g.log.Feed(a)
	last := heads[len(heads)-1]
	return slices.Contains(f.Heads(), last) || last.Next < f.Next()
}

// offerSoon compares with all peers but one soon.
func (s *state) offerSoon(now time.Time, but *peering) {
	for _, p := range s.links {
		if p != but {
			p.nextOffer = earlier(p.nextOffer, now.Add(s.g.pace.soon+rand.N(s.g.pace.soon)))
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
