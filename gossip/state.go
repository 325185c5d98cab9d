package gossip

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backoff"
	"github.com/quipulog/quipu/gossip/overlay"
	"github.com/quipulog/quipu/gossip/rarely"
	"github.com/quipulog/quipu/gossip/wire"
)

// state is what the loop knows. Every field belongs to the loop's goroutine.
type state struct {
	g     *Gossip
	links map[linkID]*peering
	peers map[crdt.Author][]*peering // the same by who is at the other end, in the order in which they came
	calls map[crdt.Author]*call      // by peer: how dialling it goes
	left  map[crdt.Author]time.Time  // peers that said they leave, and when
	dead  map[crdt.Author]time.Time  // members of whose death the log was told, and when they died
	// loops are lines about what may come and go in a loop: the links with one peer, or the members, which are
	// nobody's.
	loops rarely.Lines[crdt.Author]
	spread
	neighbours
}

// peering is a link as the loop sees it.
type peering struct {
	*link
	comparing
}

// call is how reaching a peer goes.
type call struct {
	backoff.Pause
	dialling bool
	apart    time.Time     // since when there has been no link
	out      backoff.Pause // after an offence: until when the peer is kept out
	met      bool          // there was a link
}

func newState(g *Gossip) *state {
	return &state{
		g:          g,
		links:      make(map[linkID]*peering),
		peers:      make(map[crdt.Author][]*peering),
		calls:      make(map[crdt.Author]*call),
		left:       make(map[crdt.Author]time.Time),
		dead:       make(map[crdt.Author]time.Time),
		loops:      rarely.Lines[crdt.Author]{Most: 20},
		spread:     newSpread(g.pace),
		neighbours: neighbours{overlay: overlay.Config{Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}},
	}
}

// maxCalls bounds the peers whose dialling is remembered.
const maxCalls = 4096

// call returns how reaching a goes.
func (s *state) call(a crdt.Author, now time.Time) *call {
	c := s.calls[a]
	if c == nil {
		if len(s.calls) >= maxCalls {
			s.forgetCalls(now)
		}
		c = &call{apart: now}
		s.calls[a] = c
	}
	return c
}

// forgetCalls drops what is remembered of peers that are neither linked nor kept out.
func (s *state) forgetCalls(now time.Time) {
	for a, c := range s.calls {
		if s.linkTo(a) == nil && !c.dialling && c.out.Over(now) {
			delete(s.calls, a)
		}
	}
}

// reserve says whether a may be dialled, and takes note that it is.
func (s *state) reserve(a crdt.Author, now time.Time) (granted bool, err error) {
	c := s.call(a, now)
	switch {
	case !c.out.Over(now):
		return false, errForbidden
	case s.linkTo(a) != nil || c.dialling:
		return false, nil
	}
	c.dialling = true
	return true, nil
}

// failed takes note that dialling a came to nothing.
func (s *state) failed(a crdt.Author, now time.Time) {
	c := s.call(a, now)
	c.dialling = false
	c.Fail(now, s.g.pace.dialLow, s.g.pace.dialHigh)
}

// open takes a link in, or says why not. Of two links to one peer, both ends keep the one that the
// lower author dialled, of two processes with one key the lower instance, or the newer if one end dialled
// both, or if the old one has gone quiet.
func (s *state) open(ctx context.Context, l *link, now time.Time) error {
	c := s.call(l.peer, now)
	if l.dialled {
		c.dialling = false
	}
	if err := s.admit(ctx, l, c, now); err != nil {
		c.Fail(now, s.g.pace.dialLow, s.g.pace.dialHigh)
		return err
	}
	if old := s.links[l.id]; old != nil {
		s.drop(old)
		old.stop(errSpare)
	}
	p := &peering{link: l, comparing: comparing{nextOffer: now}}
	s.links[l.id] = p
	s.peers[l.peer] = append(s.peers[l.peer], p)
	s.schedule.Comparing(l.id)
	s.tree.Up(l.id)
	l.eager.Store(s.tree.Eager(l.id))
	delete(s.left, l.peer)
	c.met = true
	level, what := slog.LevelInfo, "linked"
	if l.peer == s.g.self {
		level, what = slog.LevelWarn, "linked with another process that has this node's key: stop one of the two"
	}
	s.g.logger.Log(ctx, s.loops.Level(level, l.peer, now), what, "peer", l.peer.Short(), "name", l.name, "remote", l.addr, "dialled", l.dialled)
	return nil
}

// linkTo returns the newest link to an author, nil if there is none.
func (s *state) linkTo(a crdt.Author) *peering {
	if all := s.peers[a]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// maxCopies bounds the links to processes with one key.
const maxCopies = 64

// admit says why a link is not taken in, or nil.
func (s *state) admit(ctx context.Context, l *link, c *call, now time.Time) error {
	old := s.links[l.id]
	switch {
	case ctx.Err() != nil:
		return errLeaving
	case !c.out.Over(now):
		return errForbidden
	case old == nil && (len(s.links) >= s.g.cfg.MaxPeers || len(s.peers[l.peer]) >= maxCopies):
		return errCrowded
	case old != nil && !s.better(l, old.link, now):
		return errSpare
	}
	return nil
}

// better reports whether a new link to a peer is to be kept rather than the old.
func (s *state) better(l, old *link, now time.Time) bool {
	if l.dialled == old.dialled || now.Sub(old.lastHeard()) > 3*s.g.pace.offer {
		return true
	}
	lower := cmp.Or(s.g.self.Compare(l.peer), bytes.Compare(s.g.instance[:], l.instance[:])) < 0
	return l.dialled == lower
}

// steady is how long a link must have lasted for its peer to be dialled again at once.
const steady = 10 * time.Second

// closed takes a link out that has ended.
func (s *state) closed(l *link, err error, now time.Time) {
	c := s.call(l.peer, now)
	if own, ok := errors.AsType[*closing](err); ok && own.code == wire.CodeOffence {
		c.out.Fail(now, quarantine, quarantineMost)
	}
	p := s.links[l.id]
	if p == nil || p.link != l {
		return // Another link has taken its place.
	}
	s.drop(p)
	c.apart = now
	bye, said := errors.AsType[*ByeError](err)
	switch {
	case said && bye.Code == wire.CodeLeaving:
		s.leaves(l.peer, now)
		c.Fail(now, s.g.pace.dialLow, s.g.pace.dialHigh)
	case said && bye.Code == wire.CodeEnough:
		c.Fail(now, s.g.pace.dialHigh, s.g.pace.dialHigh)
	case now.Sub(l.since) > steady:
		c.Pause = backoff.Pause{}
	default:
		c.Fail(now, s.g.pace.dialLow, s.g.pace.dialHigh)
	}
	s.g.logger.Log(context.Background(), s.loops.Level(slog.LevelInfo, l.peer, now), "link ended", "peer", l.peer.Short(), "name", l.name, "why", err)
}

// leaves remembers that a peer said it leaves.
func (s *state) leaves(a crdt.Author, now time.Time) {
	if len(s.left) >= maxCalls {
		clear(s.left)
	}
	s.left[a] = now
}

// drop takes a link out, with what was asked of it.
func (s *state) drop(p *peering) {
	s.tree.Down(p.id)
	s.schedule.Gone(p.id, time.Now())
	delete(s.links, p.id)
	same := slices.DeleteFunc(s.peers[p.peer], func(other *peering) bool { return other == p })
	if s.peers[p.peer] = same; len(same) == 0 {
		delete(s.peers, p.peer)
	}
}

// peering returns how the loop sees a link, nil if it is not in any more.
func (s *state) peering(l *link) *peering {
	if p := s.links[l.id]; p != nil && p.link == l {
		return p
	}
	return nil
}

// tick does what is due.
func (s *state) tick(ctx context.Context, now time.Time) {
	s.chooseNeighbours(now)
	s.dialNeighbours(ctx, now)
	for _, i := range s.schedule.Expire(now, s.waitsForUs) {
		s.idle(i, now)
	}
	s.expireHints(now)
	s.compareDue(now)
	s.act(s.tree.Tick(now), now)
	s.plan(now)
}

// waitsForUs reports whether runs of a peer wait to be applied: then it is not the peer that is slow.
func (s *state) waitsForUs(peer crdt.Author) bool {
	p := s.links[peer]
	return p != nil && len(p.credit) > 0
}

// takeHints takes in what the membership carried.
func (s *state) takeHints(now time.Time) {
	adverts, differs := s.g.members.Hints()
	for _, a := range adverts {
		s.hinted(a, now)
	}
	if differs {
		s.offerSoon(now)
	}
}

// advertiseOwn tells others of our head when it has moved.
func (s *state) advertiseOwn() {
	heads := s.g.log.Feed(s.g.self).Heads()
	if n := len(heads); n > 0 && heads[n-1] != s.advertised {
		s.advertised = heads[n-1]
		s.g.members.Advertise(s.g.self, heads)
	}
}
