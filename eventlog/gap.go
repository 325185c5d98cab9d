package eventlog

import (
	"context"
	"errors"

	"github.com/quipulog/quipu/crdt"
)

// gap is a stretch of offsets whose entries are not here: from ≤ offset < to.
type gap struct {
	author   crdt.Author // zero when the arrival is gone too: the entries were pruned
	seq      uint64      // of the entry at from
	from, to uint64
	// missed is how many entries of the author never came, where the gap is one of its feed, and takes up no
	// offsets: it lies before the entry at from.
	missed uint64
}

// pruned reports whether the arrivals of the gap are gone too.
func (g *gap) pruned() bool { return g.author.IsZero() }

// count returns how many entries are gone.
func (g *gap) count() uint64 { return g.to - g.from + g.missed }

// trimmed returns the error for whoever stands before a gap and is not to skip it.
func (l *Log) trimmed(ctx context.Context, g gap) (*TrimmedError, error) {
	err := l.explainGone(ctx, &goneError{
		author: g.author, seq: g.seq, next: g.seq + g.count(), offset: g.from, pruned: g.pruned() || g.missed > 0,
		arrivals: true, missed: g.missed,
	})
	if trimmed, ok := errors.AsType[*TrimmedError](err); ok {
		return trimmed, nil
	}
	return nil, err
}
