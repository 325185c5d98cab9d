package recorder

import (
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/gap"
)

// batch is what one transaction writes.
type batch struct {
	items   []item
	spilled bool  // they come from the first file of the spill
	off     int64 // there, after them
	records records
	unread  uint64 // events there that cannot be read any more, which the only item names
}

// last returns the number of its last event.
func (b *batch) last() uint64 { return b.items[len(b.items)-1].number }

// flush writes one batch, unless all up to a number is written or nothing waits: then it is done.
func (r *Recorder) flush(ctx context.Context, upTo uint64) (done bool, err error) {
	select {
	case r.slot <- struct{}{}:
		defer func() { <-r.slot }()
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	r.mu.Lock()
	done, err = r.settled >= upTo || !r.waits(), r.failed
	r.mu.Unlock()
	if done || err != nil {
		return done, err
	}
	b, err := r.next()
	if err != nil {
		return false, err
	}
	invalid := 0
	err = r.update(ctx, func(tx *eventlog.Tx) (err error) {
		invalid, err = r.write(tx, &b)
		return err
	})
	if err != nil {
		return false, err
	}
	r.settle(&b, uint64(invalid))
	return false, nil
}

// next returns what is written next: what waits longest. The caller has the slot.
func (r *Recorder) next() (batch, error) {
	r.mu.Lock()
	items := r.buffer.items
	if r.spill == nil || r.spill.waiting.all == 0 || len(items) > 0 && items[0].number < r.spill.from {
		defer r.mu.Unlock()
		return batch{items: r.buffer.front(r.cfg.FlushBytes)}, nil
	}
	seg, off := *r.spill.segments[0], r.spill.off
	r.mu.Unlock()
	items, next, err := r.spill.read(seg, off, r.cfg.FlushBytes)
	if errors.Is(err, errBroken) {
		return r.giveUp(err)
	}
	b := batch{items: items, spilled: true, off: next}
	for i := range items {
		b.records.add(items[i].lost != nil)
	}
	return b, err
}

// giveUp returns, instead of what cannot be read any more in the first file of the spill, a gap.
func (r *Recorder) giveUp(cause error) (batch, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seg, left, err := r.spill.giveUp()
	if err != nil {
		return batch{}, err
	}
	g := gap.Gap{Source: r.cfg.Name, Reason: reasonDamaged}
	for _, x := range left {
		g.AddRange(x.First, x.Last)
	}
	r.cfg.Logger.Error("spilled events cannot be read again: a gap will name them", "recorder", r.cfg.Name, "path", seg.path, "events", g.Count, "err", cause)
	return batch{items: []item{{number: g.Last, lost: &g}}, spilled: true, off: seg.size, records: seg.waiting, unread: seg.waiting.events()}, nil
}

// write appends what a batch holds, and notes in the same transaction how far the recorder has come.
// Where that says that a part is there already, a commit that had seemed to fail has happened. It
// returns how many events the log will never take: each is named by a gap, so that it does not hold up
// the others.
func (r *Recorder) write(tx *eventlog.Tx, b *batch) (invalid int, err error) {
	s, err := readState(tx, r.cfg.Name)
	if err != nil {
		return 0, err
	}
	if s.Session != r.session {
		return 0, fmt.Errorf("%w: %q", ErrTaken, r.cfg.Name)
	}
	for i := range b.items {
		it := &b.items[i]
		if it.number <= s.Settled {
			continue
		}
		if it.lost != nil {
			_, err = gap.AppendTx(tx, *it.lost)
		} else if _, err = tx.Append(it.event); errors.Is(err, crdt.ErrEvent) || errors.Is(err, eventlog.ErrReserved) {
			invalid++
			_, err = gap.AppendTx(tx, r.refused(it, err))
		}
		if err != nil {
			return invalid, err
		}
	}
	s.settle(max(s.Settled, b.last()), tx.Now())
	return invalid, s.write(tx, r.cfg.Name)
}

// refused returns the gap of an event that passed Record and is not taken by the log all the same.
func (r *Recorder) refused(it *item, cause error) gap.Gap {
	if why := cause.Error(); why != r.refusal {
		r.refusal = why
		r.cfg.Logger.Error("the log takes no such event: a gap will name it", "recorder", r.cfg.Name, "number", it.number, "kind", it.event.Kind, "err", cause)
	}
	g := gap.Gap{Source: r.cfg.Name, Reason: reasonInvalid}
	g.AddRange(it.number, it.number)
	return g
}

// settle takes a batch that is in the log out of where it waited.
func (r *Recorder) settle(b *batch, invalid uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settled = b.last()
	r.stats.Flushes++
	r.stats.Dropped += invalid + b.unread
	r.stats.Flushed -= invalid
	for i := range b.items {
		if lost := b.items[i].lost; lost == nil {
			r.stats.Flushed++
		} else if !b.spilled {
			r.dropped -= lost.Count
		}
	}
	if !b.spilled {
		r.buffer.pop(len(b.items))
	} else if err := r.spill.settled(b.records, b.off, b.last()); err != nil {
		r.cfg.Logger.Warn("events could not be spilled", "recorder", r.cfg.Name, "err", err)
	}
	r.letIn()
}
