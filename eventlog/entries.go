package eventlog

import (
	"bytes"
	"context"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
)

// Entry is an entry of the log as this node holds it.
//
// Entries that come from [Log.Entries] and [Log.Tail] share memory with the chunk that they were read
// in (64 KiB and more), which is never written again: whoever keeps a few of many keeps a
// [Entry.Clone]. Those that [Log.Page] and [Log.Lookup] return stand alone.
type Entry struct {
	crdt.Entry
	// Offset is the entry's place in this node's arrival order: local, contiguous, never sent.
	Offset uint64
}

// MarshalJSON returns the one JSON form of an entry, with its offset.
func (e Entry) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil, &e.Offset), nil }

// UnmarshalJSON reads what MarshalJSON returns. An offset that is not there reads as 0.
func (e *Entry) UnmarshalJSON(b []byte) error {
	entry, offset, err := crdt.ParseEntryJSON(b)
	if err != nil {
		return err
	}
	*e = Entry{Entry: entry}
	if offset != nil {
		e.Offset = *offset
	}
	return nil
}

// Clone returns an entry that shares no memory with e.
func (e Entry) Clone() Entry {
	e.Kind = strings.Clone(e.Kind)
	e.Module = strings.Clone(e.Module)
	e.Subject = strings.Clone(e.Subject)
	e.ContentType = strings.Clone(e.ContentType)
	e.Payload = bytes.Clone(e.Payload)
	e.Headers = slices.Clone(e.Headers)
	for i, h := range e.Headers {
		e.Headers[i] = crdt.EventHeader{Name: strings.Clone(h.Name), Value: strings.Clone(h.Value)}
	}
	return e
}

// Entries reads the entries that the query takes, in its order. It is a snapshot: what arrives after
// the first entry is asked for is left out, and marks nothing as disputed that was not.
//
// No transaction is held while the loop's body runs, however long it takes: a chunk of 64 KiB and
// more is copied out at a time. Memory does not grow with the log. Every error ends the iteration: ctx's
// own when ctx ends, [ErrClosed], an [ErrQuery], a [*PageError] or a [*CursorError] before the first
// entry, a [*DamagedError] where the file cannot be read, and a [*TrimmedError] where a trim or a prune
// overtakes the reading, unless the query says to go on.
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
		err = r.each(ctx, func(e Entry) bool {
			n++
			stopped = !yield(e, nil)
			return !stopped && n != q.Limit
		})
		if err != nil && !stopped {
			yield(Entry{}, err)
		}
	}
}

// walk finds the ops of a query in the order that it asks for.
type walk interface {
	// fill takes the next ops into the chunk, as excerpts in order, until it is full or there are no
	// more, and reports whether there may be more. A chunk may come back full of none.
	fill(tx *readTx, k *chunk) (more bool, err error)
}

// reading is one iteration over the log. Between two chunks it holds no transaction, but where its
// walk goes on.
type reading struct {
	store   *store
	order   Order
	reverse bool
	filter  filter
	after   *pageEnd // entries up to here were on pages before this one; nil once one was met that was not
	walk    walk
	chunk   chunk
	self    token // less its end
	ahead   *readAhead
}

func (s *store) newReading(q Query) (*reading, error) { return s.newReadingSince(q, nil) }

// newReadingSince is newReading for one that goes on with another, which began after the given sweep.
func (s *store) newReadingSince(q Query, sweep *uint64) (*reading, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	if err := s.notInside(); err != nil {
		return nil, err
	}
	self, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	if sweep != nil {
		self.sweep = *sweep
	}
	if !q.After.IsZero() {
		self.sweep = 0 // whoever kept the cursor has missed all that ever went
	}
	if q.GoOn {
		self.sweep = math.MaxUint64 // whatever goes went before
	}
	if q, err = s.resume(q, self.bound); err != nil {
		return nil, err
	}
	self.query = q.hash()
	r := &reading{store: s, order: q.Order, reverse: q.Reverse, filter: q.filter(), self: self}
	if q.Page != "" {
		t, err := parseToken(q.Page)
		if err == nil {
			err = t.fits(&r.self)
		}
		if err != nil {
			return nil, err
		}
		r.self.bound, r.self.sweep, r.after = t.bound, t.sweep, &t.end
	}
	r.chunk = chunk{
		bound: r.self.bound, room: bufferSize, disputed: q.Disputed,
		gone: gonePolicy{want: q.Gone, sweep: r.self.sweep, after: r.after, reverse: q.Reverse, from: q.FromOffset,
			arrivals: q.Order == Arrival && !q.Reverse},
	}
	if r.walk = s.indexWalk(&q, r); r.walk != nil {
		return r, nil
	}
	switch q.Order {
	case ByAuthor:
		r.walk = newAuthorWalk(&r.filter, q.Reverse, r.after)
	case Causal:
		r.walk = newCausalWalk(&r.filter, q.Reverse, r.after)
	case Arrival:
		r.walk = newArrivalWalk(&r.filter, q.Reverse, r.after, r.chunk.bound)
	}
	r.ahead = s.newReadAhead()
	return r, nil
}

// close ends what the reading has running.
func (r *reading) close() { r.ahead.close() }

// token returns the token of the page that begins after last.
func (r *reading) token(last *Entry) string {
	t := r.self
	t.end = pageEndOf(last, r.reverse)
	return t.encode()
}

// each calls yield with the entries of the query in order until it returns false.
func (r *reading) each(ctx context.Context, yield func(Entry) bool) error {
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.chunk.reset()
		err := r.store.view(func(tx *readTx) error {
			var err error
			more, err = r.walk.fill(tx, &r.chunk)
			return err
		})
		if _, damaged := asDamaged(err); err != nil && !damaged && !isGone(err) {
			return err
		}
		r.ahead.observe(r.chunk.bytes)
		// Damage ends the iteration where it is, not at the chunk before it.
		goesOn, drained := r.drain(yield)
		if drained != nil || !goesOn {
			return drained
		}
		if err != nil {
			return r.store.explainGone(ctx, err)
		}
	}
	return nil
}

// drain calls yield with those entries of the chunk that the query takes.
func (r *reading) drain(yield func(Entry) bool) (goesOn bool, err error) {
	var e Entry
	for _, x := range r.chunk.excerpts {
		goesOn, err := x.each(r.reverse, &e, func() bool {
			if r.skips(&e) || !r.filter.takes(&e) {
				return true
			}
			return yield(e)
		})
		if err != nil || !goesOn {
			return false, r.store.locate(err)
		}
	}
	return true, nil
}

// skips reports whether e was on a page before this one: the walk begins with the op that the page
// before ended in.
func (r *reading) skips(e *Entry) bool {
	if r.after == nil {
		return false
	}
	if e.Gone > 0 && e.Op == r.after.op {
		r.clip(e)
		if e.Gone == 0 {
			return true
		}
		r.after = nil
		return false
	}
	c := r.after.compare(r.order, e)
	if r.reverse {
		c = -c
	}
	if c <= 0 {
		return true
	}
	r.after = nil
	return false
}

// clip takes off e, which stands for what is gone of the op that the page before ended in, what was on
// that page.
func (r *reading) clip(e *Entry) {
	if r.reverse {
		e.Gone = min(e.Gone, r.after.seq-min(e.Seq, r.after.seq))
		return
	}
	if passed := r.after.seq + 1; passed > e.Seq {
		n := min(e.Gone, passed-e.Seq)
		e.Seq, e.Offset, e.Gone = e.Seq+n, e.Offset+n, e.Gone-n
	}
}
