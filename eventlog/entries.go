package eventlog

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"iter"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/choice"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
	"github.com/quipulog/quipu/eventlog/internal/pagetoken"
)

// Entries yields the entries that the query takes, in its order, as of the moment when the first is asked
// for: what arrives later is left out, and marks no entry as disputed that was not.
//
// No transaction is held while the loop's body runs, however long it takes: a chunk of 64 KiB and more is copied out
// at a time, one of 256 KiB once the iteration goes on. Memory does not grow with the log. Every error ends the
// iteration: ctx's own when ctx ends, [ErrClosed]; an [ErrQuery], a [*PageError] or a [*CursorError] before the first
// entry; a [*DamagedError] where the file cannot be read; and a [*TrimmedError] where a trim or a prune overtakes the
// reading, unless the query says to go on.
func (l *Log) Entries(ctx context.Context, q Query) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		r, err := l.store.newReading(q)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer r.close()
		n := 0
		stopped := false
		err = r.each(ctx, func(e *Entry) bool {
			n++
			stopped = !yield(*e, nil)
			return !stopped && n != q.Limit
		})
		if err != nil && !stopped {
			yield(Entry{}, err)
		}
	}
}

// reading is one iteration over the log. Between two chunks it holds no transaction, but where its walk goes on.
type reading struct {
	store     *store
	query     Query
	snapshot  snapshot
	filter    choice.Filter
	after     *pageEnd // entries up to here were on pages before this one; nil once one was met that was not
	walk      walk
	chunk     chunk
	unpacker  unpacker
	passed    pageEnd // the last entry that was looked at, where others write to the file
	overtaken int     // how often in a row another process has written before anything was read
	ahead     *disk.ReadAhead
}

func (s *store) newReading(q Query) (*reading, error) {
	now, err := s.snapshotOf(&q)
	if err != nil {
		return nil, err
	}
	return s.readingOf(q, now)
}

// snapshotOf returns what a reading of the query shows that begins now.
func (s *store) snapshotOf(q *Query) (snapshot, error) {
	if err := cmp.Or(q.Check(), s.notInside()); err != nil {
		return snapshot{}, err
	}
	now, err := s.snapshot()
	switch {
	case q.GoOn:
		now.Sweep = everySweep
	case !q.After.IsZero():
		now.Sweep = noSweep
	}
	return now, err
}

// readingOf returns a reading of the query that shows the snapshot, or that of the query's page.
func (s *store) readingOf(q Query, now snapshot) (*reading, error) {
	r, err := s.readingLessWalk(q, now)
	if err != nil {
		return nil, err
	}
	if r.walk = r.indexWalk(); r.walk != nil {
		return r, nil
	}
	switch q.Order {
	case ByAuthor:
		r.walk = newAuthorWalk(&r.filter, q.Reverse, r.after)
	case Causal:
		r.walk = newCausalWalk(&r.filter, q.Reverse, r.after)
	case Arrival:
		r.walk = newArrivalWalk(&r.filter, q.Reverse, r.after, r.snapshot.Bound)
	}
	r.ahead = s.file.ReadAhead()
	return r, nil
}

// again goes on behind the last entry that was looked at, as the next page does: another process has written.
func (r *reading) again() error {
	if r.overtaken++; r.overtaken > disk.Tries {
		return ErrOvertaken
	}
	if w, causal := r.walk.(*causalWalk); causal && !w.ready {
		return nil
	}
	q := r.query
	if r.passed != (pageEnd{}) {
		q.Page = r.token(r.passed).String()
	}
	fresh, err := r.store.readingOf(q, r.snapshot)
	if err == nil {
		r.walk, r.after = fresh.walk, fresh.after
	}
	return err
}

// readingLessWalk is readingOf for a caller that gives the reading its walk.
func (s *store) readingLessWalk(q Query, now snapshot) (*reading, error) {
	q, err := s.resume(q, now.Bound)
	if err != nil {
		return nil, err
	}
	r := &reading{store: s, query: q, snapshot: now, filter: q.Filter()}
	if q.FromClock > 0 && !q.Reverse {
		r.after = &pageEnd{pagetoken.End{Clock: q.FromClock - 1, Author: crdt.Author(bytes.Repeat([]byte{0xff}, 32))}}
	}
	if q.Page != "" {
		if err := r.turn(q.Page); err != nil {
			return nil, err
		}
	}
	r.chunk = chunk{
		bound: r.snapshot.Bound, size: chunkSize, memory: excerpt.Memory{Room: bufferSize}, disputed: q.Disputed,
		horizon: horizon{gone: q.Gone, sweep: r.snapshot.Sweep},
	}
	return r, nil
}

// close ends what the reading has running.
func (r *reading) close() { r.ahead.Close() }

// each calls yield with the entries of the query in order until it returns false. The entry is yield's until then.
func (r *reading) each(ctx context.Context, yield func(*Entry) bool) error {
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var damage, err error
		if more, damage, err = r.fill(); err != nil {
			return err
		}
		var lost *excerpt.Hole
		goesOn, err := r.drain(yield, func(h excerpt.Hole) bool {
			lost = &h
			return false
		})
		switch {
		case lost != nil:
			return r.store.explain(ctx, *lost, r.query.Order == Arrival && !r.query.Reverse)
		case err != nil || !goesOn:
			return err
		case errors.Is(damage, ErrOvertaken):
			if err := r.again(); err != nil {
				return err
			}
			more = true
		case damage != nil:
			return damage
		case r.query.Limit == 0:
			r.chunk.size = longChunk
		}
	}
	return nil
}

// fill reads the next chunk and reports whether there may be more. Damage ends the reading where it is, not at the
// chunk before it: what the chunk has stands before it.
func (r *reading) fill() (more bool, damage, err error) {
	r.chunk.reset()
	err = r.store.viewOnce(func(tx *readTx) (err error) {
		more, err = r.walk.fill(tx, &r.chunk)
		return err
	})
	if _, damaged := asDamaged(err); err != nil && !damaged && !errors.Is(err, ErrOvertaken) {
		return false, nil, err
	}
	r.ahead.Observe(r.chunk.bytes)
	return more, err, nil
}

// drain calls yield with those entries of the chunk that the query takes, and lost with the holes that are
// not to be left out, all in order, until one returns false. The entry is yield's until then.
func (r *reading) drain(yield func(*Entry) bool, lost func(excerpt.Hole) bool) (goesOn bool, err error) {
	e := &r.unpacker.e
	take := func() bool {
		if r.store.cfg.ReadOnly {
			r.passed, r.overtaken = pageEndOf(e, r.query.Reverse), 0
		}
		switch {
		case r.skips(e) || !r.filter.Takes(&e.Entry, e.Offset):
			return true
		case e.Gone > 0 && r.query.Gone != ShowGone:
			return lost(excerpt.Hole{Author: e.Author, Seq: e.Seq, Count: e.Gone, From: e.Offset, To: e.Offset + e.Gone})
		}
		return yield(e)
	}
	for i := range r.chunk.excerpts {
		x := &r.chunk.excerpts[i]
		if x.Hole != nil {
			if x.Hole.From >= r.filter.FromOffset && !lost(*x.Hole) {
				return false, nil
			}
			continue
		}
		if goesOn, err := r.unpacker.each(x, r.query.Reverse, take); err != nil || !goesOn {
			return false, r.store.locate(err)
		}
	}
	return true, nil
}

// skips reports whether e was on a page before this one: the walk begins with the op that the page before ended in.
func (r *reading) skips(e *Entry) bool {
	if r.after == nil {
		return false
	}
	if e.Gone > 0 && e.Op == r.after.Op {
		r.clip(e)
		if e.Gone == 0 {
			return true
		}
		r.after = nil
		return false
	}
	c := r.after.compare(r.query.Order, e)
	if r.query.Reverse {
		c = -c
	}
	if c <= 0 {
		return true
	}
	r.after = nil
	return false
}

// clip takes off e, which stands for what is gone of the op that the page before ended in, what was on that page.
func (r *reading) clip(e *Entry) {
	if r.query.Reverse {
		e.Gone = min(e.Gone, r.after.Seq-min(e.Seq, r.after.Seq))
		return
	}
	if passed := r.after.Seq + 1; passed > e.Seq {
		n := min(e.Gone, passed-e.Seq)
		e.Seq, e.Offset, e.Gone = e.Seq+n, e.Offset+n, e.Gone-n
	}
}
