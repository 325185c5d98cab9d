package rebuild

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/crdt/retry"
	"github.com/quipulog/quipu/eventlog"
)

// waiting is how often, and how long, a run has waited for what only others have. The zero value has not.
type waiting struct {
	looks int // in a row that have found nothing new
	took  time.Duration
	whole bool // the last reading that has met damage has left no hole
}

// left returns how long it may still wait.
func (w *waiting) left(most time.Duration) time.Duration {
	if most < 0 {
		return math.MaxInt64
	}
	return most - w.took
}

// await returns the entries that f stands for, and waits for them if it is to.
func (r *run) await(ctx context.Context, f crdt.Frontier) (*eventlog.Cut, error) {
	for {
		changed := r.log.Changed()
		cut, err := r.log.Cut(ctx, f)
		lacking, ok := errors.AsType[*eventlog.NotHeldError](err)
		if !ok {
			r.waits.looks = 0
			return cut, err
		}
		for a, heads := range lacking.Heads {
			for _, h := range heads {
				if place := (crdt.Place{Author: a, Seq: h.Next - 1}); h.Next > 0 && r.log.Pruned(place) {
					return nil, r.goneAt(ctx, place)
				}
			}
		}
		missing, entries := r.missing(lacking.Heads)
		if r.waits.left(r.cfg.Wait) <= 0 {
			return nil, fmt.Errorf("rebuild %q to frontier %s: %s: %w", r.name, r.rec.To.Hash().String()[:16], missing, err)
		}
		r.rec.Total = r.rec.To.Entries()
		r.awaits(r.rec.Total - min(entries, r.rec.Total))
		if err := r.awaitMore(ctx, changed, func() uint64 { return r.heldOf(lacking.Heads) }); err != nil {
			return nil, err
		}
	}
}

// awaitRepair waits, if it is to, for what the log holds and cannot read, which is why a reading has ended: peers may give it
// back. It returns why where that is not the reason, or the time has passed.
func (r *run) awaitRepair(ctx context.Context, why error) error {
	if _, damaged := errors.AsType[*eventlog.DamagedError](why); !damaged || r.waits.left(r.cfg.Wait) <= 0 {
		return why
	}
	changed := r.log.Changed()
	holes, err := r.log.Damaged(ctx)
	whole := r.waits.whole
	if r.waits.whole = err == nil && len(holes) == 0; r.waits.whole && !whole {
		return nil // it was put back meanwhile
	}
	if err != nil || len(holes) == 0 { // it is no op that peers have
		return why
	}
	r.awaits(r.rec.Done)
	return r.awaitMore(ctx, changed, func() uint64 {
		holes, _ := r.log.Damaged(ctx) // an error is met when it is looked for again
		return uint64(len(holes))
	})
}

// awaitMore waits after a look that has found too little, longer from look to look, until shortly after the amount has
// changed, or the run may wait no longer. Meanwhile trims are held back.
func (r *run) awaitMore(ctx context.Context, changed <-chan struct{}, amount func() uint64) error {
	r.waits.looks++
	began, before := time.Now(), amount()
	defer func() { r.waits.took += time.Since(began) }()
	over := time.NewTimer(r.waits.left(r.cfg.Wait))
	defer over.Stop()
	look := time.NewTimer(r.waits.pause())
	defer look.Stop()
	for waits := true; waits; {
		select {
		case <-look.C:
			waits = false
		case <-over.C:
			waits = false
		case <-changed:
			if changed = r.log.Changed(); r.waits.looks > 0 && amount() != before {
				r.waits.looks = 0
				look.Reset(r.waits.pause())
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if time.Since(r.held) < holdAgain {
		return nil
	}
	return r.note(ctx)
}

// pause returns how long it is until the next look.
func (w *waiting) pause() time.Duration {
	return retry.After(max(w.looks, 1), waitLow, waitHigh, rand.N[time.Duration])
}

// heldOf returns how much is held of the feeds of a frontier's authors.
func (r *run) heldOf(f crdt.Frontier) (n uint64) {
	for a := range f {
		feed := r.log.Feed(a)
		n += feed.Next() + uint64(len(feed.Branches))
	}
	return n
}

// missing says by place what is not held of what some heads stand for, and returns how many entries that is at least.
func (r *run) missing(heads crdt.Frontier) (text string, entries uint64) {
	var places []string
	for a, heads := range heads.All() {
		held := r.log.Feed(a).Next()
		for _, h := range heads {
			if h.Next <= held { // nobody knows where it parts from what is held
				places = append(places, fmt.Sprintf("the branch up to %s", crdt.Place{Author: a, Seq: h.Next - 1, Branch: h.ID.Branch()}))
				entries++
				continue
			}
			place := crdt.Place{Author: a, Seq: held}.String()
			if held < h.Next-1 {
				place += fmt.Sprintf(" to %d", h.Next-1)
			}
			places, entries = append(places, place), entries+h.Next-held
		}
	}
	text = "not here: " + clip.List(places, 10, func(s string) string { return s })
	if waited := r.waits.took.Round(time.Millisecond); waited > 0 {
		text = fmt.Sprintf("after %s still %s", waited, text)
	}
	return text, entries
}

// pause waits after the n-th failure in a row.
func pause(ctx context.Context, n int) error {
	select {
	case <-time.After(retry.After(n, waitLow, waitHigh, rand.N[time.Duration])):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
