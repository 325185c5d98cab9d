package news

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// Peer is who is at the other end of a link, as far as news goes. Its functions may be called from any
// goroutine, and do not wait.
type Peer struct {
	ID     crdt.Author            // of its process: what comes from there does not go back
	Author crdt.Author            // whose own feed it has
	Eager  func() bool            // whether it is pushed to; otherwise it is announced what there is
	Shut   func(crdt.Author) bool // whether it takes no more of an author
}

// Place is a link's place in the news. What comes along is pushed if the link is eager, announced if
// it is lazy, and left out if the peer brought it, has been sent it as an answer, or takes no more of
// its author. What the link was too slow for is announced. One goroutine uses it, but for [Place.Overruns].
type Place struct {
	peer     Peer
	ring     *Ring
	lazy     time.Duration
	number   uint64
	sent     map[crdt.Author]crdt.Head // how far answers went
	haves    map[crdt.Author]wire.Have // to be announced
	due      time.Time                 // when; zero while there is nothing
	overruns atomic.Uint64
}

const (
	// maxSent bounds the authors of whom a link remembers how far answers went.
	maxSent = 1024
	// maxHaves bounds what one link is announced at a time; what is past it, anti-entropy finds.
	maxHaves = wire.MaxHaves
)

// Place returns a place behind all that is there, for a new link. Announcements are gathered for as long as
// lazy says.
func (r *Ring) Place(peer Peer, lazy time.Duration) *Place {
	p := &Place{
		peer: peer, ring: r, lazy: lazy,
		sent: make(map[crdt.Author]crdt.Head), haves: make(map[crdt.Author]wire.Have),
	}
	p.number, _ = r.behind()
	return p
}

// Answered takes note that the peer was sent everything of a feed up to head.
func (p *Place) Answered(a crdt.Author, head crdt.Head) {
	if len(p.sent) >= maxSent {
		clear(p.sent)
	}
	p.sent[a] = head
}

// Next returns the next run to push, nil when there is none for now.
func (p *Place) Next(now time.Time) *wire.Ops {
	for {
		n, ok, lost := p.ring.at(p.number)
		if lost {
			p.skip(now)
			continue
		}
		if !ok {
			return nil
		}
		p.number++
		if n.From == p.peer.ID || n.Author == p.peer.Author || p.peer.Shut(n.Author) {
			continue
		}
		if last, sent := p.sent[n.Author]; sent {
			if n.Head.Next <= last.Next {
				continue
			}
			delete(p.sent, n.Author)
		}
		if len(n.Run.Ops) > 0 && p.peer.Eager() {
			delete(p.haves, n.Author)
			return &wire.Ops{Author: n.Author, Hops: n.Hops, Run: n.Run}
		}
		p.announce(wire.Have{Author: n.Author, Head: n.Head, Hops: n.Hops}, now)
	}
}

// skip moves on to the end of the news: the peer was too slow for what was there.
func (p *Place) skip(now time.Time) {
	from := p.number
	p.number, _ = p.ring.behind()
	p.overruns.Add(1)
	for a, head := range p.ring.headsSince(from) {
		if a != p.peer.Author && !p.peer.Shut(a) {
			p.announce(wire.Have{Author: a, Head: head}, now)
		}
	}
}

// announce puts a head among those to be announced.
func (p *Place) announce(h wire.Have, now time.Time) {
	if _, waits := p.haves[h.Author]; !waits && len(p.haves) >= maxHaves {
		return
	}
	p.haves[h.Author] = h
	if p.due.IsZero() {
		p.due = now.Add(p.lazy)
	}
}

// Announcement returns what is to be announced, nil while that is nothing or not due.
func (p *Place) Announcement(now time.Time) *wire.IHave {
	if p.due.IsZero() || now.Before(p.due) {
		return nil
	}
	p.due = time.Time{}
	if len(p.haves) == 0 {
		return nil
	}
	m := wire.IHave{Haves: slices.SortedFunc(maps.Values(p.haves), func(a, b wire.Have) int { return a.Author.Compare(b.Author) })}
	clear(p.haves)
	return &m
}

// Waiting returns the channel that is closed when there is more news than was looked at, and how long
// it is until an announcement is due; 0 when there is none.
func (p *Place) Waiting(now time.Time) (more <-chan struct{}, due time.Duration) {
	end, changed := p.ring.behind()
	if end != p.number {
		closed := make(chan struct{})
		close(closed)
		return closed, 0
	}
	if p.due.IsZero() {
		return changed, 0
	}
	return changed, max(p.due.Sub(now), time.Nanosecond)
}

// Overruns returns how often the peer was too slow for the news. Any goroutine may call it.
func (p *Place) Overruns() uint64 { return p.overruns.Load() }
