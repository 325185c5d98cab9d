package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// since returns what a bundle is to leave out.
func (s *server) since(ctx context.Context, since api.Since) (crdt.Frontier, error) {
	switch {
	case since.Frontier != nil && since.Offset != 0:
		return nil, invalid(errors.New("a bundle is since a frontier or since an offset, not both"))
	case since.Frontier != nil:
		held, err := since.Frontier.Held()
		if err != nil {
			return nil, invalid(err)
		}
		return held, nil
	case since.Offset == 0:
		return nil, nil
	}
	// Whoever held more than is here of those arrivals held what is.
	offset := s.log.Common(since.Incarnation, since.Offset)
	if offset == 0 {
		return nil, &api.Error{Code: api.NotFound, Message: "what that peer held is not known any more: this folder has been made anew or put back to an older state since; have the peer print its frontier"}
	}
	return heldBefore(ctx, s.log, offset)
}

// heldBefore returns what a log held before the entry at an offset arrived, or less: of an author who had
// forked by then and has written since, nothing, nor of one whose last op before it has no body here.
func heldBefore(ctx context.Context, log *eventlog.Log, offset uint64) (crdt.Frontier, error) {
	held := log.Frontier().Clone() // before what has arrived is read: it can only be too old
	seen := make(map[crdt.Author]bool)
	for e, err := range log.Entries(ctx, eventlog.Query{Order: eventlog.Arrival, FromOffset: offset, Gone: eventlog.ShowGone}) {
		if err != nil {
			return nil, fmt.Errorf("find what was held before offset %d: %w", offset, err)
		}
		if seen[e.Author] {
			continue
		}
		seen[e.Author] = true
		delete(held, e.Author)
		if e.Seq == 0 {
			continue
		}
		// The op that arrived first begins with this entry, and follows the op that holds the one before.
		before, err := log.Lookup(ctx, crdt.Place{Author: e.Author, Seq: e.Seq - 1})
		_, forked := errors.AsType[*eventlog.AmbiguousError](err)
		_, gone := errors.AsType[*eventlog.TrimmedError](err)
		if forked || gone || errors.Is(err, eventlog.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("find what was held before offset %d: %w", offset, err)
		}
		held[e.Author] = []crdt.Head{{Next: e.Seq, ID: before.Op}}
	}
	return held, nil
}
