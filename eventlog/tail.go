package eventlog

import (
	"context"
	"fmt"
	"iter"
)

// Tail yields the entries that the query takes in arrival order, from FromOffset on, and then waits for new
// ones until ctx ends. It misses none and repeats none. From [Now] it yields new entries only. Disputed is
// as it was when the entry was read.
//
// A slow loop holds nothing up and loses nothing: what arrives meanwhile is read from the file when the
// loop comes for it. A loop that a trim overtakes gets a [*TrimmedError]. To go on after a break, keep the
// [Log.CursorAfter] of the last entry that is done with, and give it as the next query's After; what was
// trimmed here behind that cursor is a [*TrimmedError] too. The query has no page and no reverse, and its
// order is the arrival's, whether it says so or not. Every error ends the iteration: ctx's own when ctx
// ends, [ErrClosed] when the log is closed, and those of [Log.Entries].
func (l *Log) Tail(ctx context.Context, q Query) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		stopped := false
		err := l.store.tail(ctx, q, func(e Entry) bool {
			stopped = !yield(e, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(Entry{}, err)
		}
	}
}

func (s *store) tail(ctx context.Context, q Query, yield func(Entry) bool) error {
	switch {
	case q.Order == Causal:
		return fmt.Errorf("%w: a tail is read in arrival order, not %s", ErrQuery, q.Order)
	case q.Reverse:
		return fmt.Errorf("%w: a tail cannot be read in reverse", ErrQuery)
	case q.Page != "":
		return fmt.Errorf("%w: a tail has no pages", ErrQuery)
	}
	q.Order = Arrival
	left := q.Limit
	began, begun := snapshot{}, false // what goes after the tail has begun was to come
	for {
		// Taken before reading, the channel is closed by whatever the reading does not see.
		changed := s.changes()
		now, err := s.snapshotOf(&q)
		if err != nil {
			return err
		}
		if !begun {
			began, begun = now, true
		}
		r, err := s.readingOf(q, snapshot{Bound: now.Bound, Sweep: began.Sweep})
		if err != nil {
			return err
		}
		goesOn := true
		if q.FromOffset != Now {
			err = r.each(ctx, func(e *Entry) bool {
				left--
				goesOn = yield(*e) && left != 0
				return goesOn
			})
		}
		r.close()
		if err != nil || !goesOn {
			return err
		}
		if q.FromOffset == Now || q.FromOffset < now.Bound {
			q.FromOffset = now.Bound
		}
		q.After = Cursor{} // the bound is no less
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
