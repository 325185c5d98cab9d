package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
)

// ErrNotFound is returned by [Log.Lookup] and [Log.Prove] when no entry is held at the place, and by
// [Log.ForkedFeed] when nothing of the feed is disputed.
var ErrNotFound = errors.New("no such entry")

// AmbiguousError is returned by [Log.Lookup] and [Log.Prove] for a place without a branch when several
// branches of the feed have an entry of that seq.
type AmbiguousError struct {
	Places []crdt.Place // the entries of that seq, each with its branch
}

func (e *AmbiguousError) Error() string {
	places := make([]string, len(e.Places))
	for i, p := range e.Places {
		places[i] = p.String()
	}
	return "the feed is disputed there: one of " + strings.Join(places, ", ")
}

// Lookup returns the entry at p. Without a branch p stands for the only entry of its seq: of several, the error is an
// [*AmbiguousError]. A branch that is named must be that of the entry's op, on an undisputed feed too. Lookup returns
// [ErrNotFound] when no such entry is held, and a [*TrimmedError] when the entry is gone.
func (l *Log) Lookup(ctx context.Context, p crdt.Place) (Entry, error) {
	if err := ctx.Err(); err != nil {
		return Entry{}, err
	}
	op, err := l.store.opHolding(ctx, p, false)
	if err != nil {
		return Entry{}, err
	}
	var u unpacker
	_, err = u.each(&excerpt.Excerpt{Op: op, From: p.Seq, To: p.Seq + 1}, false, func() bool { return true })
	return u.e.Clone(), l.store.locate(err)
}

// opHolding returns the op that holds the entry at p, for others to see if verified is set.
func (s *store) opHolding(ctx context.Context, p crdt.Place, verified bool) (*excerpt.Op, error) {
	var op *excerpt.Op
	var gone excerpt.Hole
	err := s.view(func(tx *readTx) error {
		f, c, pruned, err := tx.at(p)
		if gone = pruned; err != nil || gone.Count > 0 {
			return err
		}
		k := chunk{bound: tx.next, horizon: showsGone(), verified: verified}
		view, err := newFeedView(tx, f, k.bound)
		if err != nil {
			return err
		}
		op, _, err = view.read(&k, c)
		return err
	})
	if op != nil && op.Trimmed() {
		gone = excerpt.Hole{Author: p.Author, Seq: op.First, Count: op.Count, From: op.Offset, To: op.Offset + op.Count}
	}
	switch {
	case err != nil:
	case gone.Count > 0:
		err = s.explain(ctx, gone, false)
	case op == nil:
		err = ErrNotFound
	default:
		return op, nil
	}
	return nil, fmt.Errorf("look up %s: %w", p, err)
}

// at returns a cursor at the op that holds the entry at p, and its feed; or gone, where that was pruned.
func (tx *readTx) at(p crdt.Place) (f crdt.Feed, c *opCursor, gone excerpt.Hole, err error) {
	if f, err = tx.Feed(p.Author); err != nil {
		return f, nil, gone, err
	}
	c = tx.opCursor(p.Author)
	key, err := c.keyHolding(f, p)
	if pruned := false; errors.Is(err, ErrNotFound) {
		if gone, pruned = excerpt.PrunedAt(f, p.Seq); pruned {
			return f, c, gone, nil
		}
	}
	if err == nil && !c.get(key) {
		err = cmp.Or(c.err, ErrNotFound)
	}
	return f, c, gone, err
}

// keyHolding returns the key of the op that holds the entry at p.
func (c *opCursor) keyHolding(f crdt.Feed, p crdt.Place) (crdt.Key, error) {
	if p.Seq >= crdt.MaxSeq {
		return crdt.Key{}, ErrNotFound
	}
	var key crdt.Key
	var places []crdt.Place
	err := c.covering(f, p.Seq, func(s crdt.Signed) {
		if branch := s.ID.Branch(); p.Branch.IsZero() || p.Branch == branch {
			key, places = s.Key(), append(places, crdt.Place{Author: p.Author, Seq: p.Seq, Branch: branch})
		}
	})
	switch {
	case err != nil:
		return crdt.Key{}, err
	case len(places) == 0:
		return crdt.Key{}, ErrNotFound
	case len(places) > 1:
		return crdt.Key{}, &AmbiguousError{Places: places}
	}
	return key, nil
}
