package gossip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// Exchanged is what came of an [Gossip.Exchange].
type Exchanged struct {
	Peer     crdt.Author
	Name     string // what the peer calls itself; it may be anything
	Addr     string // where it was reached
	Received uint64 // entries that came from it and were new
	Sent     uint64 // entries that went to it, those too that it got elsewhere meanwhile
	Shut     int    // authors that were left out, because either side takes no more of them
	// Refused is how many authors there are of whom something did not come, or was not taken here: it breaks
	// a rule, or has lost a body that this node's policy keeps. The log says which.
	Refused int
	Took    time.Duration
}

// Exchange links this node with the node at addr, without joining it, and returns when each of the two
// holds everything that the other held at the beginning, and this one what it could not read and the other has, less the
// authors that either has shut and those that Exchanged counts as refused. The link is then ended, unless it was there
// before. It needs [Gossip.Run] to run.
//
// The error says why it did not come so far; what was exchanged by then is kept, as Exchanged says.
func (g *Gossip) Exchange(ctx context.Context, addr string) (Exchanged, error) {
	began := time.Now()
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(errExchanged)
	go func() {
		select {
		case <-g.loop.over:
			end(errLeaving)
		case <-life.Done():
		}
	}()
	l, err := g.linkAt(ctx, life, addr)
	if err != nil {
		return Exchanged{Addr: addr}, fmt.Errorf("exchange with %s: %w", addr, err)
	}
	received, sent := l.received.Load(), l.sent.Load()
	if l.since.After(began) {
		received, sent = 0, 0 // It is a link of our own.
	}
	c := newCatchUp(began)
	err = g.exchange(ctx, l, c)
	x := Exchanged{
		Refused: len(c.refused),
		Peer:    l.peer, Name: l.name, Addr: addr, Shut: len(l.roots.excluded()), Took: time.Since(began),
		Received: l.received.Load() - received, Sent: l.sent.Load() - sent,
	}
	if err != nil {
		return x, fmt.Errorf("exchange with %s: %w", addr, err)
	}
	return x, nil
}

// linkAt returns the link to the node at addr, a new one that is served until life ends if there is none.
func (g *Gossip) linkAt(ctx, life context.Context, addr string) (*link, error) {
	if !g.loop.wait(ctx) {
		return nil, context.Cause(ctx)
	}
	addrs, err := g.resolve(ctx, addr)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, a := range addrs {
		peer, err := g.reach(ctx, life, a, crdt.Author{})
		if err == nil {
			var l *link
			if l, err = g.awaitLink(ctx, peer); err == nil {
				return l, nil
			}
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// awaitLink waits for the link to peer, which is in the making.
func (g *Gossip) awaitLink(ctx context.Context, peer crdt.Author) (*link, error) {
	var l *link
	deadline := time.Now().Add(g.pace.greet)
	err := g.loop.poll(ctx, g.pace.tick, func(s *state) (over bool) {
		if p := s.linkTo(peer); p != nil {
			l = p.link
			l.pinned.Add(1)
		}
		return l != nil || time.Now().After(deadline)
	})
	if err == nil && l == nil {
		err = fmt.Errorf("the link to %s did not last", peer.Short())
	}
	return l, err
}

// roomTime is how long an exchange waits for room on the disk.
const roomTime = 3 * time.Second

// roomless says that there has been no room on the disk for longer than that.
func (g *Gossip) roomless() error {
	if full := g.applier.full.Load(); full != nil && time.Since(full.Since) > roomTime {
		return fmt.Errorf("no room here for what comes: %w", full.Err)
	}
	return nil
}

// exchange waits until both ends of l have what the other had, and notes in c what this one refuses.
func (g *Gossip) exchange(ctx context.Context, l *link, c *catchUp) error {
	defer l.pinned.Add(-1)
	g.loop.ask(func(s *state) { s.spread.mending.Again() }) // what it had not once, it may have by now
	ours, round := g.log.Frontier().Clone(), g.log.DamagedFurther(nil)
	going := movement{at: time.Now(), received: l.received.Load(), began: l.sent.Load(), sent: l.sent.Load(), most: entriesOf(ours)}
	var stuck time.Time // since when the peer says that it has no room
	for {
		if err := g.roomless(); err != nil {
			return err
		}
		if time.Since(going.at) > g.pace.stuck {
			return fmt.Errorf("nothing new has come, and nothing the peer lacked has gone to it, for %s; "+
				"it may have no room or no time, or asks for the same again and again; what was exchanged is kept", g.pace.stuck)
		}
		holes, err := g.log.Damaged(ctx)
		if err != nil {
			return err
		}
		var has, done, gone bool
		asked := g.loop.ask(func(s *state) {
			p := s.peering(l)
			if gone = p == nil; !gone {
				has = c.has(s, p)
				s.spread.mend(holes, time.Now())
				done = has && p.holds(g.log, ours, c.since) && s.spread.triedAll(holes, []linkID{l.id}, round)
				p.hurry(c.since, time.Now(), g.pace.soon)
			}
		})
		switch {
		case !asked:
			return errLeaving
		case done:
			return nil
		case gone:
			return l.why()
		case !slices.Contains(l.says(), wire.ConditionStuck):
			stuck = time.Time{}
		case stuck.IsZero():
			stuck = time.Now()
		case time.Since(stuck) > roomTime:
			return errors.New("the peer has no room for what comes: it says that it is stuck")
		}
		going.look(l, has, g.log, holes, time.Now())
		if err := sleep(ctx, g.pace.tick); err != nil {
			return err
		}
	}
}

// movement tells an exchange that goes on, however slowly, from one that the peer only keeps busy.
type movement struct {
	at             time.Time // when it was last seen to go on
	received, sent uint64    // entries on the link by then
	began          uint64    // what sent was at the beginning
	most           uint64    // entries that there were to send
	holes          []crdt.Span
}

// look takes note of what has moved: new entries that came while the peer had not brought all that it had
// at the beginning, entries that were put back or asked for in vain, and entries that went out. Of those a peer that takes them needs each once,
// or twice where news overtakes an answer; more is the same again.
func (m *movement) look(l *link, has bool, log Log, holes []crdt.Span, now time.Time) {
	received, sent := l.received.Load(), l.sent.Load()
	if sent != m.sent && sent-m.began > 2*m.most {
		m.most = entriesOf(log.Frontier()) // others may have brought more
	}
	if !has && received != m.received || !slices.Equal(holes, m.holes) || sent != m.sent && sent-m.began <= 2*m.most {
		m.at = now
	}
	m.received, m.sent, m.holes = received, sent, holes
}

// entriesOf returns how many entries there may be on the branches of a frontier.
func entriesOf(f crdt.Frontier) (n uint64) {
	for _, heads := range f {
		for _, h := range heads {
			n += h.Next
		}
	}
	return n
}

// holds reports whether the last comparison since then showed that the peer holds all of ours, as far as heads
// can tell.
func (p *peering) holds(log Log, ours crdt.Frontier, since time.Time) bool {
	if !p.foundSince.After(since) || p.partial {
		return false
	}
	for a, theirs := range p.found.behind {
		chain := len(log.Feed(a).Heads()) == 1
		for _, h := range ours[a] {
			if !slices.ContainsFunc(theirs, func(t crdt.Head) bool { return t == h || chain && t.Next > h.Next }) {
				return false
			}
		}
	}
	return true
}

// sleep waits for d, or until ctx ends, and returns why.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
