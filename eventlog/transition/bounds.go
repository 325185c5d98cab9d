package transition

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// Bounds say which of a log's transitions count: those within all of them. The zero Bounds take what the
// log holds when the reading begins.
type Bounds struct {
	// Subjects takes the transitions of these subjects; empty takes all.
	Subjects []string
	// Frontier takes the entries that a frontier stands for, forks included; nil takes what is held. A
	// frontier with heads that are not held here is refused with an [*eventlog.NotHeldError].
	Frontier crdt.Frontier
	// Clock takes the entries whose op's clock is no greater; 0 is no bound. Where clocks are within a
	// minute, clocks are true to cause and effect: with a transition the bound takes all that it goes back
	// to, but for what was pruned. Elsewhere a transition within may name one that is left out, as with
	// Until.
	Clock crdt.Clock
	// Until takes the entries whose event time is not later; the zero time is no bound. Event time is the
	// writer's word: of imported history it is when things happened, and with a wrong clock a transition
	// within may name one that is left out. Such a transition goes on from the nearest one within to which
	// those left out lead back: what its writer knew stays known.
	Until time.Time
}

// AtClock returns the greatest clock of t's millisecond. As a bound it takes what was written up to t.
func AtClock(t time.Time) crdt.Clock {
	return min(crdt.NewClock(t.UnixMilli(), 1<<16-1), crdt.MaxClock-1)
}

// within is a log's transitions inside bounds. It can be read several times, and gives the same.
type within struct {
	log    *eventlog.Log
	bounds Bounds
	cut    *eventlog.Cut
}

func newWithin(ctx context.Context, log *eventlog.Log, b Bounds) (*within, error) {
	if b.Frontier == nil {
		b.Frontier = log.Frontier()
	}
	cut, err := log.Cut(ctx, b.Frontier)
	return &within{log: log, bounds: b, cut: cut}, err
}

// taken is a transition that a frontier takes.
type taken struct {
	Transition
	// out says that the bounds leave it out, for its event time or its clock. It moves nothing; but what
	// was written in knowledge of it was written in knowledge of all that it leads back to.
	out bool
}

// causal yields the transitions of some subjects, or of all when none is given, in causal order: up to the
// clock, or beyond it too, where a clock that was ahead may have put what something within names.
func (w *within) causal(ctx context.Context, subjects []string, beyond bool) iter.Seq2[taken, error] {
	return func(yield func(taken, error) bool) {
		// What is pruned meanwhile is as if it had been before: who names it says so.
		for t, err := range Read(ctx, w.log, eventlog.Query{Order: eventlog.Causal, Subjects: subjects, GoOn: true}) {
			if err != nil {
				yield(taken{}, err)
				return
			}
			late := w.bounds.Clock != 0 && t.Entry.Clock > w.bounds.Clock
			if late && !beyond {
				return // none that follows has a lower one
			}
			if !w.cut.Has(&t.Entry) {
				continue
			}
			out := !w.bounds.Until.IsZero() && t.Entry.Time.After(w.bounds.Until)
			if !yield(taken{t, out || late}, nil) {
				return
			}
		}
	}
}

// ReadAt yields the transitions within bounds in causal order, those that cannot be read among them.
func ReadAt(ctx context.Context, log *eventlog.Log, b Bounds) iter.Seq2[Transition, error] {
	return func(yield func(Transition, error) bool) {
		w, err := newWithin(ctx, log, b)
		if err != nil {
			yield(Transition{}, fmt.Errorf("read transitions: %w", err))
			return
		}
		for t, err := range w.causal(ctx, b.Subjects, false) {
			if !t.out && !yield(t.Transition, err) || err != nil {
				return
			}
		}
	}
}

// pruned reports whether the transition that a names is none that is still to come: its author had it
// forgotten.
func (w *within) pruned(a After) bool {
	return w.log.Pruned(crdt.Place{Author: a.Author, Seq: a.Seq})
}
