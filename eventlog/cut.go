package eventlog

import (
	"context"
	"fmt"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/held"
)

// Cut is the set of the entries that a frontier stands for, as far as the log still holds them. What
// arrived after the Cut was made is not in it. It takes the memory of the frontier, and of the ids of the
// ops on the branches of authors who have forked.
type Cut struct{ in *held.Entries }

// NotHeldError is returned by [Log.Cut] for a frontier with heads that are not held here.
type NotHeldError struct {
	// Heads are the heads that are not held, by author.
	Heads crdt.Frontier
}

func (e *NotHeldError) Error() string {
	const most = 5 // heads that are named
	var named []string
	count := 0
	for author, heads := range e.Heads.All() {
		for _, h := range heads {
			if count++; count <= most {
				named = append(named, fmt.Sprintf("op %s that ends %s's feed before seq %d", h.ID, author.Short(), h.Next))
			}
		}
	}
	if count > most {
		named = append(named, fmt.Sprintf("%d more", count-most))
	}
	return "the frontier has what is not held here: " + strings.Join(named, ", ")
}

// Cut returns the set of the entries that f stands for: on each branch everything up to its head. It
// returns a [*NotHeldError] when a head of f is not held here.
func (l *Log) Cut(ctx context.Context, f crdt.Frontier) (*Cut, error) {
	cut, lacking := Cut{}, crdt.Frontier(nil)
	for range 2 { // a head that comes meanwhile is held, and not below the bound: so once more when all are
		now, err := l.store.snapshot()
		if err == nil {
			cut.in, lacking, err = l.store.held(ctx).UpTo(f, now.Bound, l.store.feed)
		}
		if err != nil {
			return nil, fmt.Errorf("cut the log at a frontier: %w", l.store.locate(err))
		}
		if len(lacking) > 0 {
			return nil, &NotHeldError{Heads: lacking}
		}
	}
	return &cut, nil
}

// Has reports whether e is in the Cut. e is an entry of the log that the Cut was made of.
func (c *Cut) Has(e *Entry) bool { return c.in.Has(&e.Entry, e.Offset) }

// Disputes reports whether e, which is in the Cut, is disputed as of it, whatever has forked since.
func (c *Cut) Disputes(e *Entry) bool { return c.in.Disputes(&e.Entry) }

// Entries returns how many entries are in the Cut, those included that were pruned.
func (c *Cut) Entries() uint64 { return c.in.Count() }
