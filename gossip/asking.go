package gossip

import (
	"context"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backfill"
	"github.com/quipulog/quipu/gossip/wire"
)

// asking returns the messages that ask for what is missing.
func (w *writer) asking(ctx context.Context, asks []backfill.Ask) []wire.Message {
	var messages []wire.Message
	var spans []wire.SpanWant
	var whole []backfill.Ask
	for _, a := range asks {
		if a.Span == nil {
			whole = append(whole, a)
			continue
		}
		spans = append(spans, wire.SpanWant{Ask: a.ID, Span: *a.Span, MaxBytes: a.MaxBytes})
	}
	for part := range slices.Chunk(whole, wire.MaxWants) {
		if wants := w.wants(ctx, part); len(wants) > 0 {
			messages = append(messages, wire.Missing{Wants: wants})
		}
	}
	for part := range slices.Chunk(spans, wire.MaxWants) {
		messages = append(messages, wire.Spans{Wants: part})
	}
	return messages
}

// wants returns the wants of asks for whole feeds, with locators as of now. What came from elsewhere
// in the meantime is not asked for; the loop is told.
func (w *writer) wants(ctx context.Context, asks []backfill.Ask) []wire.Want {
	if len(asks) == 0 {
		return nil
	}
	theirs := make(crdt.Frontier, len(asks))
	for _, a := range asks {
		theirs[a.Author] = a.Heads
	}
	found, err := w.g.log.Wants(ctx, theirs, 0)
	if err != nil {
		w.g.unread(ctx, w.l.peer, "what is missing", err)
	}
	missing := make(map[crdt.Author]crdt.Want, len(found))
	for _, f := range found {
		missing[f.Author] = f
	}
	var wants []wire.Want
	for _, a := range asks {
		want, lacks := missing[a.Author]
		if !lacks {
			w.g.loop.do(func(s *state) { s.spread.needless(w.l, a) })
			continue
		}
		wants = append(wants, wire.Want{Ask: a.ID, Want: want})
	}
	return wants
}
