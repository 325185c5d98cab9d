package transition

import (
	"context"
	"iter"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// Bounds say which of a log's transitions count: those that are within all of them. The zero Bounds
// take what the log holds when it begins to be read.
type Bounds struct {
	// Subjects takes the transitions of these subjects; empty takes all.
	Subjects []string
	// Frontier takes the entries that a frontier stands for, forks included; nil takes what is held.
	// One with heads that are not held here is refused with an [*eventlog.NotHeldError].
	Frontier crdt.Frontier
	// Clock takes the entries whose op's clock does not pass it; 0 is no bound. Where
	// clocks are within a minute they are true to cause and effect: what is within has what it names within.
	Clock crdt.Clock
	// Until takes the entries whose event time is not after it; the zero time is no bound. Event time
	// is the writer's word: where history was imported, it is when things happened, and where a
	// writer's clock was wrong, it leaves out what is named by something within, which is then early.
	Until time.Time
}

// AtClock returns the greatest clock of t's millisecond: as a bound it takes what was written up to t.
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

// causal yields the transitions of some subjects, or of all when none is given, in causal order.
func (w *within) causal(ctx context.Context, subjects []string) iter.Seq2[Transition, error] {
	return func(yield func(Transition, error) bool) {
		for t, err := range Read(ctx, w.log, eventlog.Query{Order: eventlog.Causal, Subjects: subjects}) {
			if err != nil {
				yield(Transition{}, err)
				return
			}
			if w.bounds.Clock != 0 && t.Entry.Clock > w.bounds.Clock {
				return // none that follows has a lower one
			}
			if w.takes(&t) && !yield(t, nil) {
				return
			}
		}
	}
}

func (w *within) takes(t *Transition) bool {
	return w.cut.Has(&t.Entry) && (w.bounds.Until.IsZero() || !t.Entry.Time.After(w.bounds.Until))
}
