package gossip

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// pusher is a link's place in the news. What comes along is pushed if the link is eager, announced if
// it is lazy, and left out if the peer brought it, has been sent it as an answer, or takes no more of
// its author. What the link was too slow for is announced.
type pusher struct {
	l      *link
	recent *recent
	self   crdt.Author
	lazy   time.Duration // how long announcements are gathered
	place  uint64
	sent   map[crdt.Author]crdt.Head // how far answers went
	haves  map[crdt.Author]wire.Have // to be announced
	due    time.Time                 // when; zero while there is nothing
}

const (
	// maxSent bounds the authors of whom a link remembers how far answers went.
	maxSent = 1024
	// maxHaves bounds what one link is announced at a time; what is past it, anti-entropy finds.
	maxHaves = wire.MaxHaves
)

func newPusher(g *Gossip, l *link) pusher {
	p := pusher{
		l: l, recent: g.recent, self: g.self, lazy: g.pace.lazy,
		sent: make(map[crdt.Author]crdt.Head), haves: make(map[crdt.Author]wire.Have),
	}
	p.place, _ = g.recent.place()
	return p
}

// answered takes note that the peer was sent everything of a feed up to head.
func (p *pusher) answered(a crdt.Author, head crdt.Head) {
	if len(p.sent) >= maxSent {
		clear(p.sent)
	}
	p.sent[a] = head
}

// next returns the next run to push, nil when there is none for now.
func (p *pusher) next(now time.Time) *wire.Ops {
	for {
		n, ok, lost := p.recent.at(p.place)
		if lost {
			p.skip(now)
			continue
		}
		if !ok {
			return nil
		}
		p.place++
		if n.from == p.l.id || n.author == p.l.peer || p.l.roots.hasShut(n.author) {
			continue
		}
		if last, sent := p.sent[n.author]; sent {
			if n.head.Next <= last.Next {
				continue
			}
			delete(p.sent, n.author)
		}
		if len(n.run.Ops) > 0 && p.l.eager.Load() {
			delete(p.haves, n.author)
			return &wire.Ops{Author: n.author, Hops: n.hops, Run: n.run}
		}
		p.announce(wire.Have{Author: n.author, Head: n.head, Hops: n.hops}, now)
	}
}

// skip moves on to the end of the news: the peer was too slow for what was there.
func (p *pusher) skip(now time.Time) {
	from := p.place
	p.place, _ = p.recent.place()
	p.l.overrun.Add(1)
	for a, head := range p.recent.headsSince(from) {
		if a != p.l.peer && !p.l.roots.hasShut(a) {
			p.announce(wire.Have{Author: a, Head: head}, now)
		}
	}
}

// announce puts a head among those to be announced.
func (p *pusher) announce(h wire.Have, now time.Time) {
	if _, waits := p.haves[h.Author]; !waits && len(p.haves) >= maxHaves {
		return
	}
	p.haves[h.Author] = h
	if p.due.IsZero() {
		p.due = now.Add(p.lazy)
	}
}

// announcement returns what is to be announced, nil while that is nothing or not due.
func (p *pusher) announcement(now time.Time) *wire.IHave {
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

// waiting returns the channel that is closed when there is more news than was looked at, and how long
// it is until an announcement is due; 0 when there is none.
func (p *pusher) waiting(now time.Time) (more <-chan struct{}, due time.Duration) {
	end, changed := p.recent.place()
	if end != p.place {
		closed := make(chan struct{})
		close(closed)
		return closed, 0
	}
	if p.due.IsZero() {
		return changed, 0
	}
	return changed, max(p.due.Sub(now), time.Nanosecond)
}

// pushNext writes the next run of the news, or what is due to be announced.
func (w *writer) pushNext(ctx context.Context) (busy bool, err error) {
	now := time.Now()
	if m := w.push.next(now); m != nil && !fits(*m) {
		w.g.readFailed(ctx, m.Author, errNoFrame)
		return true, nil
	} else if m != nil {
		w.g.tally.add(func(c *Counts) { c.RunsPushed++ })
		return true, w.ops(ctx, *m)
	}
	if m := w.push.announcement(now); m != nil {
		w.g.tally.add(func(c *Counts) { c.Announced += uint64(len(m.Haves)) })
		return true, w.write(ctx, *m)
	}
	return false, nil
}
