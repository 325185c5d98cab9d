package eventlog

import (
	"context"
	"fmt"
	"strings"

	"github.com/quipulog/quipu/crdt"
)

// Cut is the set of the entries that a frontier stands for, as far as the log still holds them. What
// arrived after the Cut was made is not in it. It takes the memory of the frontier, and of the ids of the
// ops on the branches of authors who have forked.
type Cut struct {
	bound uint64 // offsets from here on arrived later
	feeds map[crdt.Author]cutFeed
}

// cutFeed is what a cut takes of one feed.
type cutFeed struct {
	below uint64 // every entry below is in it
	ops   map[crdt.OpID]struct{}
}

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
	c := &Cut{feeds: make(map[crdt.Author]cutFeed, len(f))}
	if err := l.store.view(func(tx *readTx) error { c.bound = tx.next; return nil }); err != nil {
		return nil, fmt.Errorf("cut the log at a frontier: %w", err)
	}
	lacking := crdt.Frontier{}
	for author, heads := range f.All() {
		feed, lacks, err := l.store.cutFeed(ctx, author, heads)
		if err != nil {
			return nil, fmt.Errorf("cut the log at a frontier: %w", l.store.locate(err))
		}
		if len(lacks) > 0 {
			lacking[author] = lacks
		}
		c.feeds[author] = feed
	}
	if len(lacking) > 0 {
		return nil, &NotHeldError{Heads: lacking}
	}
	return c, nil
}

// cutFeed finds what lies below the heads of one author, and which heads are not held.
func (s *store) cutFeed(ctx context.Context, author crdt.Author, heads []crdt.Head) (c cutFeed, lacks []crdt.Head, err error) {
	held, feed := s.held(ctx), s.feed(author)
	disputed, forked := feed.Disputed()
	if !forked {
		disputed = crdt.MaxSeq
		if ends := feed.Heads(); len(heads) == 1 && len(ends) == 1 && heads[0] == ends[0] {
			return cutFeed{below: heads[0].Next}, nil, ctx.Err() // all of it, as most often
		}
	}
	c.ops = make(map[crdt.OpID]struct{})
	for _, head := range heads {
		c.below = max(c.below, min(head.Next, disputed))
		op, found, err := held.Find(author, head)
		if err != nil {
			return c, nil, err
		}
		if !found {
			lacks = append(lacks, head)
		}
		// Back along the branch, as far as it is disputed or until what another head brought.
		for found && op.Next() > disputed {
			if _, known := c.ops[op.ID]; known {
				break
			}
			c.ops[op.ID] = struct{}{}
			if err := ctx.Err(); err != nil {
				return c, nil, err
			}
			if op, found, err = held.Find(author, crdt.Head{Next: op.First, ID: op.Prev}); err != nil {
				return c, nil, err
			}
		}
	}
	return c, lacks, nil
}

// Has reports whether e is in the Cut. e is an entry of the log that the Cut was made of.
func (c *Cut) Has(e *Entry) bool {
	feed, known := c.feeds[e.Author]
	if !known || e.Offset >= c.bound {
		return false
	}
	if e.Seq < feed.below {
		return true
	}
	_, on := feed.ops[e.Op]
	return on
}
