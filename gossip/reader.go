package gossip

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// errEnded is what the end of a stream is reported as.
var errEnded = errors.New("peer closed the stream without a word")

// read reads a link until ctx ends or the stream breaks, and returns why.
func (g *Gossip) read(ctx context.Context, l *link) error {
	in := bufio.NewReaderSize(l.conn, 64<<10)
	for {
		if err := l.conn.SetReadDeadline(time.Now().Add(g.pace.silence)); err != nil {
			return fmt.Errorf("read link: %w", err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx) // The deadline set above may have come after that of the farewell.
		}
		m, size, err := wire.ReadFrame(in)
		switch {
		case errors.Is(err, wire.ErrMalformed):
			return g.offence(l, reasonMalformed, err)
		case err == io.EOF:
			return errEnded
		case err != nil:
			return err
		}
		l.heard.Store(time.Now().UnixNano())
		g.tally.add(func(c *Counts) { c.BytesReceived += uint64(size) })
		if err := g.take(ctx, l, m, size); err != nil {
			return err
		}
	}
}

// take does what a message asks for.
func (g *Gossip) take(ctx context.Context, l *link, m wire.Message, size int) error {
	switch m := m.(type) {
	case wire.Shut:
		l.roots.setShut(m.Authors)
	case wire.Offer:
		g.takeOffer(l, m)
	case wire.Vector:
		return g.takeVector(ctx, l, m)
	case wire.Missing:
		l.out.answer(m.Wants)
	case wire.Ops:
		return g.takeOps(ctx, l, m, size)
	case wire.Done:
		return g.applier.put(ctx, arrival{link: l, done: &m})
	case wire.Bye:
		return &ByeError{Code: m.Code, Text: m.Text}
	default:
		return g.offence(l, reasonMalformed, fmt.Errorf("%s in the middle of a stream", m.Kind()))
	}
	return nil
}

// takeOffer compares a peer's root with ours. When they differ it gets our frontier, and finds out
// what it lacks; what we lack, the answer to our own offer will show.
func (g *Gossip) takeOffer(l *link, m wire.Offer) {
	equal := m.Root == l.roots.root()
	if !equal {
		l.out.vector()
	}
	g.loop.do(func(s *state) { s.compared(l, equal) })
}

// takeVector looks for what a peer holds and we lack, and tells the peer at once what it lacks.
func (g *Gossip) takeVector(ctx context.Context, l *link, m wire.Vector) error {
	theirs := m.Heads.Without(l.roots.excluded())
	for a, heads := range theirs {
		if slices.Equal(heads, g.log.Feed(a).Heads()) {
			delete(theirs, a)
		}
	}
	wants, err := g.log.Wants(ctx, theirs, 0)
	if err != nil {
		if ctx.Err() == nil {
			g.logger.Warn("comparing with a peer failed", "peer", l.peer.Short(), "err", err)
		}
		return nil
	}
	lacking := make(crdt.Frontier, len(wants))
	for _, w := range wants {
		lacking[w.Author] = theirs[w.Author]
	}
	g.loop.do(func(s *state) { s.offered(l, m, lacking) })
	if m.Partial {
		return nil
	}
	if m.After.IsZero() {
		l.ours = newOurs(l.roots.frontier())
	}
	if more := l.ours.beyond(m, lacking); len(more) > 0 {
		l.out.reply(more)
	}
	if m.Last() {
		l.ours = ours{}
	}
	return nil
}

// ours is our frontier as a peer's vector is held against it, part by part.
type ours struct {
	heads   crdt.Frontier
	authors []crdt.Author // of heads, sorted
}

func newOurs(f crdt.Frontier) ours {
	return ours{heads: f, authors: slices.SortedFunc(maps.Keys(f), crdt.Author.Compare)}
}

// beyond returns heads of ours, of at most a message's authors, that a peer with the vector theirs
// does not have as far as a look at the heads can tell.
func (o ours) beyond(theirs wire.Vector, lacking crdt.Frontier) crdt.Frontier {
	more := make(crdt.Frontier)
	from, found := slices.BinarySearchFunc(o.authors, theirs.After, crdt.Author.Compare)
	if found {
		from++
	}
	for _, a := range o.authors[from:] {
		if !theirs.Covers(a) || len(more) == wire.MaxVectorAuthors {
			break
		}
		heads := o.heads[a]
		_, behind := lacking[a]
		if !slices.Equal(heads, theirs.Heads[a]) && !(behind && len(heads) == 1) {
			more[a] = heads
		}
	}
	return more
}

// takeOps hands a run to the applier, and waits while too many wait there.
func (g *Gossip) takeOps(ctx context.Context, l *link, m wire.Ops, size int) error {
	if m.Newer != nil {
		g.loop.do(func(s *state) { s.newer(l, m.Author, m.Newer) })
	}
	if len(m.Run.Ops) == 0 {
		return nil
	}
	for _, op := range m.Run.Ops {
		if op.Log != g.log.ID() {
			return g.offence(l, reasonOtherLog, fmt.Errorf("op %s/%d is of log %s", op.Author.Short(), op.First, op.Log))
		}
	}
	return g.applier.put(ctx, arrival{link: l, run: m.Run, answer: m.Answer, size: size})
}
