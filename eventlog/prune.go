package eventlog

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/retention"
)

// PruneKind is the kind of an entry with which an author gives leave to forget a prefix of its feed. The
// leave itself is the floor in the header of the entry's op; the payload says the same for readers:
//
//	{"floor":1200,"reason":"moved to the archive"}
const PruneKind = "quipu.prune"

// ErrNothingToPrune is returned by [Log.Prune] when no op lies wholly below what the request names, or
// leave to forget all such ops was given before.
var ErrNothingToPrune = retention.ErrNothingToPrune

// Prune signs a floor: leave for every node, for good, to forget what lies below it in our own feed. It drops nothing
// itself. [Log.Trim] does, here and elsewhere, once no holder needs the entries, unless a node's policy keeps them.
//
// Prune returns [ErrNothingToPrune], and the errors of [Log.Append]; a feed that has forked is not appended
// to, and so not pruned.
func (l *Log) Prune(ctx context.Context, r PruneRequest) (p Pruned, err error) {
	if err := r.Check(); err != nil {
		return p, fmt.Errorf("prune: %w", err)
	}
	err = l.store.exclusively(ctx, func(tx *writeTx) error {
		if err := l.store.ours.appendable(); err != nil {
			return err
		}
		p, err = tx.prune(r)
		return err
	})
	if err != nil {
		return Pruned{}, fmt.Errorf("prune: %w", err)
	}
	return p, nil
}

// PlanPrune returns what [Log.Prune] would do now, or its error, and does nothing; Place is zero. To prune
// just what was planned, request what is Below the planned Floor.
func (l *Log) PlanPrune(ctx context.Context, r PruneRequest) (p Pruned, err error) {
	err = cmp.Or(r.Check(), ctx.Err(), l.store.ours.appendable())
	if err == nil {
		err = l.store.view(func(tx *readTx) error {
			feed, err := tx.Feed(l.store.author)
			if err != nil {
				return err
			}
			p, err = tx.opCursor(feed.Author).planPrune(feed, r)
			return err
		})
	}
	if err != nil {
		return Pruned{}, fmt.Errorf("prune: %w", err)
	}
	return p, nil
}

// prune appends the entry that gives leave, in an op that signs the floor.
func (tx *writeTx) prune(r PruneRequest) (Pruned, error) {
	feed := tx.feedState(tx.store.author).Feed
	p, err := tx.opCursor(feed.Author).planPrune(feed, r)
	if err != nil {
		return Pruned{}, err
	}
	payload, err := p.Payload(r.Reason)
	if err != nil {
		return Pruned{}, err
	}
	draft, err := tx.store.draft(crdt.Event{Kind: PruneKind, Payload: payload})
	if err != nil {
		return Pruned{}, err
	}
	if p.Place, err = tx.append(&draft); err != nil {
		return Pruned{}, err
	}
	tx.floor = p.Floor
	_, err = tx.seal()
	return p, err
}

// planPrune returns what a prune of feed would do, whose ops c is over.
func (c *opCursor) planPrune(feed crdt.Feed, r PruneRequest) (Pruned, error) {
	floor, err := c.findFloor(feed, r)
	if err != nil {
		return Pruned{}, err
	}
	return r.Plan(feed, floor)
}

// findFloor returns the beginning of the op that holds the first entry that is to stay.
func (c *opCursor) findFloor(feed crdt.Feed, r PruneRequest) (uint64, error) {
	target, next := r.Below, feed.Next()
	switch {
	case r.Keep > 0:
		target = next - min(next, r.Keep)
	case !r.Before.IsZero():
		return c.firstSince(feed, r.Before)
	}
	if target >= next {
		return next, nil
	}
	if !c.before(target + 1) {
		return 0, c.err
	}
	return c.key.First, nil
}

// firstSince returns where the first op begins whose clock is not before t. Along a feed, which has not
// forked, clocks only grow.
func (c *opCursor) firstSince(feed crdt.Feed, t time.Time) (uint64, error) {
	from, end := feed.First(), feed.Next()
	for from < end {
		mid := from + (end-from)/2
		if !c.before(mid + 1) {
			return from, c.err
		}
		s, err := c.signed()
		if err != nil {
			return 0, err
		}
		if s.Clock.Time().Before(t) {
			from = max(s.Next(), mid+1)
		} else {
			end = s.First
		}
	}
	return from, nil
}
