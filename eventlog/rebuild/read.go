package rebuild

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// open finds the entries of the range, and waits for them if it is to. What was pruned of it is an error, unless it is
// skipped.
func (r *run) open(ctx context.Context) (err error) {
	to := r.rec.To
	if r.cfg.SkipTrimmed {
		to = r.unpruned(to)
	}
	if r.cut, err = r.await(ctx, to); err != nil {
		return err
	}
	r.rec.Upto = cmp.Or(r.rec.Upto, r.log.Stats().Next)
	total := r.cut.Entries()
	for a, heads := range r.rec.To { // those that were pruned as a whole are not in the cut
		if len(to[a]) == 0 && len(heads) > 0 {
			total += heads[len(heads)-1].Next
		}
	}
	r.from = nil
	if len(r.rec.From) > 0 {
		if r.from, err = r.log.Cut(ctx, r.unpruned(r.rec.From)); err != nil {
			return fmt.Errorf("rebuild %q: what its snapshot covers: %w", r.name, err)
		}
		total -= min(total, r.rec.From.Entries())
	}
	r.rec.Total = total
	r.lost, err = r.pruned(ctx)
	return err
}

// unpruned returns f less the heads whose last entry was pruned here: nothing of what they stand for is here.
func (r *run) unpruned(f crdt.Frontier) crdt.Frontier {
	left := make(crdt.Frontier, len(f))
	for a, heads := range f {
		for _, h := range heads {
			if h.Next > 0 && !r.log.Pruned(crdt.Place{Author: a, Seq: h.Next - 1}) {
				left[a] = append(left[a], h)
			}
		}
	}
	return left
}

// pruned returns how many entries of the range were pruned; they are an error, unless they are skipped.
func (r *run) pruned(ctx context.Context) (lost uint64, err error) {
	for a, heads := range r.rec.To.All() {
		feed, end, covered := r.log.Feed(a), uint64(0), uint64(0)
		for _, h := range heads {
			end = max(end, h.Next)
		}
		for _, h := range r.rec.From[a] {
			covered = max(covered, h.Next)
		}
		for _, hole := range append(feed.Missed(), crdt.Missed{To: feed.First()}) {
			from, to := max(hole.From, covered), min(hole.To, end)
			if from >= to {
				continue
			}
			if lost += to - from; !r.cfg.SkipTrimmed {
				return 0, r.goneAt(ctx, crdt.Place{Author: a, Seq: from})
			}
		}
	}
	return lost, nil
}

// goneAt returns the error for an entry that is gone.
func (r *run) goneAt(ctx context.Context, p crdt.Place) error {
	_, err := r.log.Lookup(ctx, p)
	if err == nil {
		err = &eventlog.TrimmedError{Author: p.Author, Seq: p.Seq, Gone: 1, First: crdt.Place{Author: p.Author, Seq: p.Seq + 1}}
	}
	return fmt.Errorf("rebuild %q: %w", r.name, err)
}

// query returns what is to be read from where the rebuild is.
func (r *run) query() eventlog.Query {
	q := eventlog.Query{Order: r.rec.Order, Gone: eventlog.ShowGone, GoOn: r.cfg.SkipTrimmed}
	switch at := r.rec.At; {
	case at == nil:
	case q.Order == eventlog.Causal:
		q.FromClock = at.Clock
	default:
		q.From = &crdt.Place{Author: at.Author, Seq: at.Seq}
	}
	return q
}

// read applies the rest of the range. What ends it early leaves a checkpoint, but for an entry that the projection has
// not taken.
func (r *run) read(ctx context.Context) error {
	for {
		done := r.rec.Done
		err := r.readOn(ctx)
		if err == nil {
			return nil
		}
		if r.rec.Done > done {
			r.waits.looks, r.waits.whole = 0, false
		}
		_, refused := errors.AsType[*ApplyError](err)
		if refused || errors.Is(err, ErrTaken) || errors.Is(err, eventlog.ErrUncertain) {
			return err
		}
		if r.since > 0 {
			if failed := r.checkpoint(context.WithoutCancel(ctx)); failed != nil {
				return errors.Join(err, failed)
			}
		}
		if err = r.awaitRepair(ctx, err); err == nil {
			continue
		}
		// A prune that has overtaken the reading may have taken what is not of the range.
		if gone, ok := errors.AsType[*eventlog.TrimmedError](err); !ok || !gone.Pruned {
			return err
		}
		if r.lost, err = r.pruned(ctx); err != nil {
			return err
		}
	}
}

// readOn applies entry after entry from where the rebuild is to the end of the range.
func (r *run) readOn(ctx context.Context) error {
	if r.complete() {
		return nil
	}
	behind := r.rec.At // what the reading begins with may have been done with
	if behind != nil {
		behind = new(*behind)
	}
	pace := pacer{stride: 1, looked: time.Now()}
	for e, err := range r.log.Entries(ctx, r.query()) {
		if err != nil {
			return err
		}
		r.entry = e
		if behind != nil {
			if !behind.rest(r.rec.Order, &r.entry) {
				continue
			}
			behind = nil
		}
		if r.rec.Order == eventlog.Causal && r.rec.Clock > 0 && e.Clock > r.rec.Clock {
			break // none that follows has a lower one
		}
		if err := r.step(ctx, &r.entry); err != nil {
			return err
		}
		full := r.cfg.MaxEntries > 0 && r.since >= r.cfg.MaxEntries
		if pace.look() || full {
			if ctx.Err() != nil {
				break
			}
			r.tell(false)
			if full || r.since > 0 && time.Since(r.saved) >= checkpointEvery {
				if err := r.checkpoint(ctx); err != nil {
					return err
				}
			}
		}
		if r.complete() {
			break
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// complete reports whether it is known that all of the range is done with: nothing that is not held was counted.
func (r *run) complete() bool { return r.from == nil && r.lost == 0 && r.rec.Done == r.rec.Total }

// pacer says when to look at the clock: often where entries take long, seldom where they do not.
type pacer struct {
	stride, passed int
	looked         time.Time
}

// look counts an entry and reports whether the clock is to be looked at.
func (p *pacer) look() bool {
	if p.passed++; p.passed < p.stride {
		return false
	}
	now := time.Now()
	if took := now.Sub(p.looked); took < time.Millisecond {
		p.stride = min(2*p.stride, lookEvery)
	} else if took > 50*time.Millisecond {
		p.stride = max(1, p.stride/2)
	}
	p.passed, p.looked = 0, now
	return true
}

// step applies an entry, if it is of the range.
func (r *run) step(ctx context.Context, e *eventlog.Entry) error {
	if !r.cut.Has(e) || r.from != nil && r.from.Has(e) {
		return nil
	}
	out := r.rec.Clock > 0 && e.Clock > r.rec.Clock
	switch {
	case out:
		r.rec.Out += max(e.Gone, 1)
	case e.Gone > 0 && !r.cfg.SkipTrimmed:
		return r.goneAt(ctx, crdt.Place{Author: e.Author, Seq: e.Seq, Branch: e.Op.Branch()})
	case e.Gone > 0:
		r.rec.Gone += e.Gone
	default:
		e.Disputed = r.cut.Disputes(e)
		if err := r.fold.Apply(&e.Entry); err != nil {
			return &ApplyError{Name: r.name, Place: e.Place(), Kind: e.Kind, Err: err}
		}
	}
	if r.rec.At == nil {
		r.rec.At = new(position)
	}
	r.rec.At.moveTo(e)
	r.rec.Done += max(e.Gone, 1)
	r.since++
	return nil
}
