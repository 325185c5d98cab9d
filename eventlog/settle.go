package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
)

// ErrNotRecovering is returned by [Log.Recover] when there is nothing to recover from.
var ErrNotRecovering = errors.New("this node knows the end of its own feed")

// ErrMoved is returned by [Log.Recover] when our feed does not end where the caller says.
var ErrMoved = errors.New("more of our own feed has come")

// Recovered is what [Log.Recover] did.
type Recovered struct {
	// Place is that of the entry of kind [RecoverKind]: at the end of what came back; zero after a soft reason,
	// which leaves none.
	Place crdt.Place
	// From is where our feed ended before.
	From crdt.Head
}

// Recovering says why the log may not know the end of its own feed; nil when it does. A log that goes on at once
// shows the reason until it has appended, and a soft one until that is settled.
func (l *Log) Recovering() *RecoveringError { return l.store.cfg.asked(l.store.ours.unsettled()) }

// Settle asks Config.Peers until the log knows the end of its own feed, and goes on from there. It returns nil then,
// and at once where the log knows it. A soft reason keeps it for 5 s at most. One call asks at a time; others wait
// for it.
//
// Settle returns the [*RecoveringError] where there is nobody to ask, with ctx's error when ctx ends first; the errors
// of Config.Peers; and those of [Log.Recover].
func (l *Log) Settle(ctx context.Context) error {
	s := l.store
	if err := s.settling.Take(ctx); err != nil {
		return err
	}
	defer s.settling.Leave()
	for {
		state := s.ours.unsettled()
		if state == nil {
			return nil
		}
		if !state.kept {
			if err := s.exclusively(ctx, s.ours.keepBegun); err != nil {
				return err
			}
			continue
		}
		r, err := s.ours.askPeers(ctx, state)
		if err == nil {
			_, err = l.takeUp(ctx, state, r)
		}
		if err != nil && !errors.Is(err, ErrMoved) && !errors.Is(err, ErrNotRecovering) {
			return fmt.Errorf("find the end of this node's own feed: %w", err)
		}
	}
}

// askPeers returns where our feed ends, as those say who can be asked.
func (o *ownFeed) askPeers(ctx context.Context, state *RecoveringError) (Recovery, error) {
	here := Recovery{End: o.ownEnd(), Alone: true}
	switch {
	case o.appendable() == nil:
		return here, nil
	case o.store.cfg.Peers == nil:
		return Recovery{}, state
	case !state.Why.Soft():
		r, err := o.store.cfg.Peers.OwnEnd(ctx, o.store.cfg.asked(state))
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("%w: %w: %w", context.Cause(ctx), o.store.cfg.asked(state), err)
		}
		return r, err
	}
	soon, cancel := context.WithTimeout(ctx, softly)
	defer cancel()
	r, err := o.store.cfg.Peers.OwnEnd(soon, o.store.cfg.asked(state))
	if err != nil && soon.Err() != nil && ctx.Err() == nil {
		return here, nil
	}
	return r, err
}

// ownEnd returns where our feed ends here.
func (o *ownFeed) ownEnd() crdt.Head { return ownend.Highest(o.store.feed(o.store.author)).Head }

// Recover ends the state of [ErrRecovering]: it takes our feed up at r.End, puts that on record in an entry
// of kind [RecoverKind], and appends go on behind. The caller makes sure that no other process writes with
// our key, and that nobody has more of our feed. After a soft reason there is no entry.
//
// Recover returns [ErrNotRecovering], [ErrMoved] when our feed does not end at r.End, [ErrSecondWriter] when it has
// forked, and the errors of [Log.Append]. A crash leaves the state as it was, or ended and on record.
func (l *Log) Recover(ctx context.Context, r Recovery) (done Recovered, err error) {
	if done, err = l.takeUp(ctx, nil, r); err != nil {
		return Recovered{}, fmt.Errorf("recover: %w", err)
	}
	return done, nil
}

// takeUp ends the state, if it is still the one that was asked about; a nil one is any.
func (l *Log) takeUp(ctx context.Context, about *RecoveringError, r Recovery) (done Recovered, err error) {
	s := l.store
	sweeps := s.ours.unsettled().headless() // what cannot be read may be forgotten
	if sweeps {
		if err = s.sweeping.Take(ctx); err != nil {
			return done, err
		}
		defer s.sweeping.Leave()
	}
	err = s.exclusively(ctx, func(tx *writeTx) error {
		state, second := s.own.recovering, s.ours.appendable()
		end := ownend.Highest(tx.feedState(s.author).Feed).Head
		switch {
		case errors.Is(second, ErrSecondWriter):
			return second
		case state == nil:
			return ErrNotRecovering
		case end != r.End || about != nil && about.Why != state.Why || state.headless() && !sweeps:
			return fmt.Errorf("%w: it ends before %d, not before %d", ErrMoved, end.Next, r.End.Next)
		}
		done.From = state.Own
		done.Place, err = s.ours.takeUp(tx, state, r)
		return err
	})
	return done, err
}
