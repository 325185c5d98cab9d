package gossip

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// writer writes a link: what is in the outbox first, then answers and our own feed in turn.
type writer struct {
	g    *Gossip
	l    *link
	push pusher
	ans  answerer
	turn bool          // whose turn it is: true for the push
	shut []crdt.Author // as the peer was last told
	told time.Time     // when our frontier was last sent
	buf  []byte        // of the frame being written
}

func newWriter(g *Gossip, l *link) *writer {
	return &writer{
		g:    g,
		l:    l,
		push: pusher{log: g.log, roots: l.roots, self: g.self, held: l.held},
		ans:  answerer{log: g.log},
	}
}

// run writes until ctx ends or the stream breaks. It returns nil in the first case.
func (w *writer) run(ctx context.Context) error {
	for ctx.Err() == nil {
		changed := w.g.log.Changed() // before looking for something new to push
		busy, err := w.step(ctx)
		if err != nil {
			return err
		}
		if busy {
			continue
		}
		select {
		case <-ctx.Done():
		case <-w.l.out.wake:
		case <-changed:
		}
	}
	return nil
}

// step writes what is most urgent and reports whether there was anything.
func (w *writer) step(ctx context.Context) (busy bool, err error) {
	if busy, err = w.letters(ctx, w.l.out.take()); busy || err != nil {
		return busy, err
	}
	w.turn = !w.turn
	for range 2 {
		if w.turn {
			busy, err = w.pushNext(ctx)
		} else {
			busy, err = w.answerNext(ctx)
		}
		if busy || err != nil {
			return busy, err
		}
		w.turn = !w.turn
	}
	return false, nil
}

// letters writes what was in the outbox.
func (w *writer) letters(ctx context.Context, box letters) (busy bool, err error) {
	w.ans.add(box.wants)
	var messages []wire.Message
	for _, a := range box.refused {
		messages = append(messages, wire.Done{Author: a})
	}
	if box.offer {
		if shut := w.g.log.Shut(); !slices.Equal(shut, w.shut) {
			w.shut = slices.Clone(shut)
			messages = append(messages, wire.Shut{Authors: w.shut[:min(len(w.shut), wire.MaxShut)]})
		}
		messages = append(messages, wire.Offer{Root: w.l.roots.root()})
		w.g.tally.add(func(c *Counts) { c.OffersSent++ })
	}
	for _, f := range box.replies {
		for v := range wire.Vectors(f) {
			v.Partial = true
			messages = append(messages, v)
		}
	}
	if missing := w.missing(ctx, box.asks); len(missing.Wants) > 0 {
		messages = append(messages, missing)
	}
	for _, m := range messages {
		if err := w.write(ctx, m); err != nil {
			return true, err
		}
	}
	if box.vector {
		return true, w.vector(ctx)
	}
	return len(messages) > 0, nil
}

// vectorPause is the least time between two of our frontiers on one link, however often it is asked
// for.
const vectorPause = 100 * time.Millisecond

// vector writes our frontier. It is read from the log now and written part by part.
func (w *writer) vector(ctx context.Context) error {
	now := time.Now()
	if now.Sub(w.told) < vectorPause {
		return nil
	}
	w.told = now
	w.g.tally.add(func(c *Counts) { c.VectorsSent++ })
	for v := range wire.Vectors(w.l.roots.frontier()) {
		if err := w.write(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// missing returns the wants for authors that are to be asked for, with locators as of now. What came
// from elsewhere in the meantime is not asked for; the loop is told.
func (w *writer) missing(ctx context.Context, asks map[crdt.Author][]crdt.Head) wire.Missing {
	if len(asks) == 0 {
		return wire.Missing{}
	}
	wants, err := w.g.log.Wants(ctx, asks, wire.MaxWants)
	if err != nil && ctx.Err() == nil {
		w.g.logger.Warn("looking for what is missing failed", "peer", w.l.peer.Short(), "err", err)
	}
	for a := range asks {
		if !slices.ContainsFunc(wants, func(want crdt.Want) bool { return want.Author == a }) {
			w.g.loop.do(func(s *state) { s.needless(w.l, a) })
		}
	}
	return wire.Missing{Wants: wants}
}

// pushNext writes the next run of our own feed.
func (w *writer) pushNext(ctx context.Context) (busy bool, err error) {
	if w.ans.busy(w.g.self) {
		return false, nil // The answer takes all that there is.
	}
	run, err := w.push.next(ctx)
	if err != nil {
		w.push.off = true
		w.readFailed(ctx, w.g.self, err)
		return false, nil
	}
	if len(run.Ops) == 0 {
		return false, nil
	}
	return true, w.ops(ctx, wire.Ops{Author: w.g.self, Run: run})
}

// answerNext writes the next message of an answer.
func (w *writer) answerNext(ctx context.Context) (busy bool, err error) {
	m, last, err := w.ans.next(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return false, nil
		}
		w.readFailed(ctx, m.(wire.Done).Author, err)
	}
	switch m := m.(type) {
	case wire.Ops:
		return true, w.ops(ctx, m)
	case wire.Done:
		if m.Author == w.g.self && last != (crdt.Head{}) && len(w.g.log.Feed(w.g.self).Branches) == 1 {
			w.push.sent(last)
		}
		return true, w.write(ctx, m)
	}
	return false, nil
}

// readFailed reports that ops could not be read for a peer: our fault, but no reason to stop. The
// peer will ask somebody else.
func (w *writer) readFailed(ctx context.Context, a crdt.Author, err error) {
	if ctx.Err() == nil {
		w.g.tally.add(func(c *Counts) { c.ReadFailures++ })
		w.g.logger.Warn("reading ops for a peer failed", "author", a.Short(), "peer", w.l.peer.Short(), "err", err)
	}
}

// ops writes a run.
func (w *writer) ops(ctx context.Context, m wire.Ops) error {
	if n := len(m.Run.Ops); n > wire.MaxRunOps {
		return fmt.Errorf("send run of %s: %d ops, at most %d are allowed", m.Author.Short(), n, wire.MaxRunOps)
	}
	if err := w.write(ctx, m); err != nil {
		return err
	}
	w.g.tally.add(func(c *Counts) {
		c.RunsSent++
		c.OpsSent += uint64(len(m.Run.Ops))
	})
	return nil
}

// write writes one message, when the peer takes it.
func (w *writer) write(ctx context.Context, m wire.Message) error {
	w.buf = wire.Append(w.buf[:0], m)
	if err := w.l.conn.SetWriteDeadline(time.Now().Add(w.g.pace.write)); err != nil {
		return fmt.Errorf("write %s: %w", m.Kind(), err)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // The deadline set above may have come after that of the farewell.
	}
	n, err := w.l.conn.Write(w.buf)
	w.g.tally.add(func(c *Counts) { c.BytesSent += uint64(n) })
	if err != nil {
		return fmt.Errorf("write %s: %w", m.Kind(), err)
	}
	if cap(w.buf) > 2*wire.MaxRunBytes {
		w.buf = nil // after a large op
	}
	return nil
}
